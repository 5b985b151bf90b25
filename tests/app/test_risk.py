"""E7, E10: what stops a buy beside the first limits: losses in a row, a symbol's cooldown, open losses, currencies, halts."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.app import sweep
from core.app.crew import enlist
from core.app.desk import Ending
from core.app.trade import handle, resume
from core.domain.leases import Granted
from core.domain.levels import Marked
from core.domain.orders import State
from core.domain.values import Market, Millis
from tests.app.world import Table, World
from tests.fakes import AAA, SYMBOLS, Counting, Dying, Steps, buy, policy, sell, shelf_of
from tests.watching import Quotes


def risky(**risk):
    return policy(risk=replace(policy().risk, **risk))


def lose(table, symbol, number):
    """One position that ends with a loss."""
    table.broker.price = Decimal(100)
    assert table.buy(symbol, id=f"b{number}").outcome is Ending.BOUGHT
    table.broker.price = Decimal(99)
    assert table.sell(symbol, id=f"s{number}").outcome is Ending.SOLD
    table.broker.price = Decimal(100)


def test_losses_in_a_row_stop_buys_and_let_sales_go_on():
    table = Table(policy=risky(loss_streak=2))
    table.buy("KRW-CCC", id="held")
    lose(table, "KRW-AAA", 1)
    lose(table, "KRW-BBB", 2)
    refused = table.buy("KRW-DDD", id="b3")
    assert (refused.outcome, refused.limit) == (Ending.REFUSED, "losing streak")
    assert table.sell("KRW-CCC", id="s9").outcome is Ending.SOLD


def test_the_row_ends_with_the_pause_or_with_the_day():
    table = Table(policy=risky(loss_streak=1, streak_pause_s=600.0))
    lose(table, "KRW-AAA", 1)
    assert table.buy("KRW-DDD", id="b3").limit == "losing streak"
    table.hands.later(601)
    assert table.buy("KRW-DDD", id="b4").outcome is Ending.BOUGHT
    all_day = Table(policy=risky(loss_streak=1))
    lose(all_day, "KRW-AAA", 1)
    all_day.hands.later(601)
    assert all_day.buy("KRW-DDD", id="b3").limit == "losing streak"
    all_day.hands.later(86_400)
    all_day.changes["shelf"] = shelf_of(at=all_day.hands.at)
    assert all_day.buy("KRW-DDD", id="b4").outcome is Ending.BOUGHT


def test_parts_of_one_position_are_one_loss():
    table = Table(policy=risky(loss_streak=2))
    table.buy("KRW-AAA")
    table.broker.price, table.broker.fills = Decimal(99), {0: Decimal("0.5")}
    sold = table.sell("KRW-AAA")
    assert sold.outcome is Ending.SOLD
    assert len(table.books.ledger.trips(Market.UPBIT, "2026-09-21")) == 2
    assert table.account.streak == 1


def test_a_part_won_and_a_part_lost_are_judged_together():
    table = Table(policy=risky(loss_streak=1))
    table.buy("KRW-AAA")
    table.broker.price, table.broker.fills = Decimal(120), {0: Decimal("0.5"), 1: Decimal(0)}
    table.sell("KRW-AAA")
    assert table.lock.position.realised > 0
    table.broker.price, table.broker.fills = Decimal(99), {}
    table.sell("KRW-AAA", id="s2")
    assert (table.lock.position, table.account.streak) == (None, 0)


def test_a_symbol_that_was_lost_is_not_bought_before_its_cooldown_and_others_are():
    table = Table(policy=risky(symbol_cooldown_s=600.0))
    lose(table, "KRW-AAA", 1)
    counted = Counting(table.desk().leases)
    refused = handle(buy(id="b2", at=table.hands.at), table.desk(leases=counted))
    assert (refused.outcome, refused.limit) == (Ending.REFUSED, "cooldown after a loss")
    assert counted.calls == {"engage": 1}
    assert table.buy("KRW-BBB", id="b3").outcome is Ending.BOUGHT
    table.hands.later(601)
    assert table.buy("KRW-AAA", id="b4").outcome is Ending.BOUGHT


def test_markets_of_one_currency_share_a_limit():
    table = Table(policy=risky(currency_exposure=Decimal(1_500_000)))
    assert table.buy("KRW-AAA").outcome is Ending.BOUGHT
    assert table.buy("KRW-BBB").limit == "currency exposure"
    paid = table.account.exposure
    assert table.books.ledger.exposure("KRW") == paid
    table.sell("KRW-AAA")
    assert table.books.ledger.exposure("KRW") == 0
    assert table.buy("KRW-BBB", id="b2").outcome is Ending.BOUGHT


# ---- open losses -----------------------------------------------------------------------------------------------------


def marked(table, unrealised, age_s=0):
    at = Millis(table.hands.at - age_s * 1000)
    table.changes["shelf"].write(Marked(market=Market.UPBIT, at=at, unrealised=Decimal(unrealised)))


@pytest.mark.parametrize(("unrealised", "limit"), [("-300000", "daily loss"), ("-299999", ""), ("500000", "")])
def test_open_losses_count_towards_the_days_and_open_gains_do_not(unrealised, limit):
    table = Table(policy=risky(unrealised=True), shelf=shelf_of())
    marked(table, unrealised)
    assert table.buy().limit == limit


@pytest.mark.parametrize("age_s", [None, 181])
def test_nothing_is_bought_while_nobody_knows_the_open_losses(age_s):
    table = Table(policy=risky(unrealised=True), shelf=shelf_of())
    if age_s is not None:
        marked(table, "0", age_s)
    assert table.buy().limit == "open loss"


def test_the_sweep_says_what_open_positions_would_earn():
    world, shelf = World(), shelf_of()
    desk = replace(world.desk(), policy=risky(unrealised=True), shelf=shelf)
    world.sweep(desk)
    assert shelf.read(Marked, Market.UPBIT).unrealised == 0
    handle(buy(at=world.hands.at), desk)
    position = world.lock.position
    world.hands.later(25)
    quotes = Quotes(*SYMBOLS)
    quotes.prices["KRW-AAA"] = 98.0
    assert sweep.run(desk, quotes).unmarked == ""
    assert shelf.read(Marked, Market.UPBIT).unrealised == 98 * position.quantity - position.cost - position.fees
    before = shelf.read(Marked, Market.UPBIT)
    assert sweep.run(desk, Quotes("KRW-BBB")).unmarked == "no price of KRW-AAA"
    assert shelf.read(Marked, Market.UPBIT) == before


# ---- a halt between reservation and sending --------------------------------------------------------------------------


@pytest.mark.parametrize(("stall_s", "sent"), [(0.5, 1), (1.5, 0)])
def test_a_buy_that_stalled_after_its_reservation_is_not_sent_into_a_halt(stall_s, sent):  # E10
    table = Table()
    desk = table.desk()

    class Stalling:
        def __getattr__(self, name):
            return getattr(desk.leases, name)

        def engage(self, *args):
            answer = desk.leases.engage(*args)
            if not isinstance(answer, Granted):
                return answer
            table.hands.later(stall_s)
            table.books.ledger.halt("all", "stop", table.hands.at)
            return answer

    verdict = handle(buy(at=table.hands.at), replace(desk, leases=Stalling()))
    assert len(table.broker.sent) == sent
    if not sent:
        assert (verdict.outcome, verdict.order.state) == (Ending.REFUSED, State.REJECTED)
        assert "never sent: halted" in verdict.order.note
        assert (table.account.exposure, table.lock.owner) == (0, "")


def test_a_reserved_buy_that_a_dead_owner_left_is_not_sent_into_a_losing_streak():  # E7
    table = Table(policy=risky(loss_streak=1))
    steps = Steps(2)  # dies after the reservation
    desk = table.desk()
    enlist(desk, table.hands.at)
    mortal = replace(desk, leases=Dying(desk.leases, steps, {"engage"}))
    with pytest.raises(BaseException, match="after engage"):
        handle(buy(at=table.hands.at, expires_s=600), mortal)
    lose(table, "KRW-BBB", 1)
    table.hands.later(30)
    verdict = resume(table.lock, table.desk())
    assert (verdict.outcome, "losing streak" in verdict.detail) == (Ending.REFUSED, True)
    assert table.lock.instrument == AAA
    assert handle(sell("KRW-BBB", id="s7", at=table.hands.at), table.desk()).outcome is Ending.FLAT
