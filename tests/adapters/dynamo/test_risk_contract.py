"""E2, E7, E8, E10: limits, workers, halts and amendments, the same for every keeper of locks and ledger."""

from decimal import Decimal

from msgspec.structs import replace

from core.app.ports import Reserved
from core.domain.leases import Barrier, Cooling, Granted
from core.domain.orders import State, moved
from core.domain.results import round_trip
from core.domain.signals import Exit
from core.domain.values import ZERO, Instrument, Market, Millis, Side
from core.domain.workers import Status
from tests.adapters.dynamo.test_lock_contract import (
    BBB,
    DAY,
    ask,
    books,
    bought,
    filled,
    grant,
    limits,
    order_for,
    reserve,
    settlement,
    worker,
)
from tests.fakes import AAA, AT

__all__ = ["books"]

LATER = Millis(AT + 60_000)
KRW = "KRW"


def closed(books, position, *, lost, signal="s1", at=AT, dust=ZERO, price="90"):
    """A whole sale that ends the position."""
    held = grant(books, "seller", signal=signal, side=Side.SELL, instrument=position.instrument, limit=None)
    order = order_for(held, position.worker, quantity=position.quantity, limit=None)
    assert books.leases.note(held, order, AT) == Reserved()
    done = filled(order, price)
    trip = round_trip(position, done, Exit.STOP_LOSS, at)
    ends = replace(settlement(done, None, position.cost + position.fees, trip), currency=KRW, lost=lost, dust=dust)
    assert books.leases.commit(held, ends, at)


def spell(books, *losses, first=0):
    """Positions ended one after the other; `losses` says which of them were lost."""
    for number, lost in enumerate(losses, first):
        position = bought(books, signal=f"b{number}")
        closed(books, position, lost=lost, signal=f"s{number}")


def asked(books, instrument=BBB, **changes):
    books.ledger.register(worker("w-02"))
    held = grant(books, signal=f"n{changes}", instrument=instrument)
    return reserve(books, held, "w-02", **changes)[1]


# ---- limits ----------------------------------------------------------------------------------------------------------


def test_positions_lost_one_after_the_other_stop_buys_by_name(books):  # E7
    spell(books, True, True)
    account = books.ledger.account(Market.UPBIT, DAY)
    assert (account.streak, account.lost) == (2, AT)
    answer = asked(books, streak=2, daily_loss=Decimal(10**9))
    assert (answer.refused, answer.detail) == (Barrier.STREAK, "2 losses in a row of 2")
    assert asked(books, instrument=Instrument(Market.UPBIT, "KRW-C"), streak=3, daily_loss=Decimal(10**9)).refused == ""


def test_a_position_that_was_not_lost_ends_the_row(books):  # E7
    spell(books, True, True, False, True)
    assert books.ledger.account(Market.UPBIT, DAY).streak == 1
    assert asked(books, streak=2, daily_loss=Decimal(10**9)).refused == ""


def test_a_part_that_is_sold_says_nothing_of_the_row(books):
    spell(books, True)
    position = bought(books, signal="b9")
    closed(books, position, lost=None, signal="s9")
    assert books.ledger.account(Market.UPBIT, DAY).streak == 1


def test_a_row_of_losses_stops_buys_only_for_its_pause(books):  # E7
    spell(books, True, True)
    stops = {"streak": 2, "daily_loss": Decimal(10**9)}
    assert asked(books, **stops, streak_since=AT).refused == Barrier.STREAK
    other = Instrument(Market.UPBIT, "KRW-C")
    assert asked(books, instrument=other, **stops, streak_since=Millis(AT + 1)).refused == ""


def test_the_row_of_another_day_does_not_count(books):
    spell(books, True, True)
    assert asked(books, streak=2, day="2026-09-22").refused == ""


def test_all_markets_of_a_currency_share_one_limit(books):  # E7
    books.ledger.register(worker())
    held = grant(books)
    assert reserve(books, held, currency=KRW)[1].refused == ""
    assert books.ledger.exposure(KRW) == Decimal("1000.25")
    room = {"currency": KRW, "currency_exposure": Decimal(2_000)}
    answer = asked(books, **room)
    assert (answer.refused, answer.detail) == (Barrier.CURRENCY, "1000.25 + 1000.25 of 2000 KRW")
    assert books.ledger.exposure(KRW) == Decimal("1000.25")
    other = Instrument(Market.UPBIT, "KRW-C")
    assert asked(books, instrument=other, currency="USDT", currency_exposure=Decimal(2_000)).refused == ""
    assert books.ledger.exposure("USDT") == Decimal("1000.25")


def test_what_a_sale_frees_is_free_for_its_currency(books):
    books.ledger.register(worker())
    held = grant(books)
    order, _, held = reserve(books, held, currency=KRW)
    over = moved(order, State.REJECTED)
    assert books.leases.commit(held, replace(settlement(over, None, held.intent.cost), currency=KRW), AT)
    assert books.ledger.exposure(KRW) == 0


def test_a_cost_over_the_workers_capital_is_refused_by_name(books):  # E7
    books.ledger.register(worker())
    held = grant(books)
    order = order_for(held)
    answer = books.leases.reserve(held, order, replace(worker(), capital=Decimal(1_000)), limits(), AT)
    assert (answer.refused, answer.detail) == (Barrier.CAPITAL, "1000.25 of 1000")


# ---- the cooldown of a symbol ----------------------------------------------------------------------------------------


def test_a_symbol_that_was_lost_is_not_granted_to_a_buy_before_its_cooldown(books):  # E7, in one round trip
    closed(books, bought(books), lost=True, at=AT)
    soon = replace(ask(signal="b2"), cooled=AT)
    assert books.leases.grant(soon, LATER) == Cooling(lost=AT, fence=2)
    late = replace(ask(signal="b3"), cooled=Millis(AT + 1))
    assert isinstance(books.leases.grant(late, LATER), Granted)


def test_a_symbol_that_was_won_or_never_held_has_no_cooldown(books):
    closed(books, bought(books), lost=False)
    assert isinstance(books.leases.grant(replace(ask(signal="b2"), cooled=AT), LATER), Granted)
    assert isinstance(books.leases.grant(replace(ask(instrument=BBB), cooled=AT), LATER), Granted)


def test_the_cooldown_stops_no_sale(books):
    closed(books, bought(books), lost=True)
    bought(books, signal="b2")
    wanted = replace(ask(signal="s2", side=Side.SELL, limit=None), cooled=AT)
    assert isinstance(books.leases.grant(wanted, LATER), Granted)


def test_what_is_written_off_is_remembered_on_the_lock(books):  # E8
    closed(books, bought(books), lost=True, dust=Decimal("0.3"))
    closed(books, bought(books, signal="b2"), lost=True, signal="s2", dust=Decimal("0.2"))
    assert books.leases.lock(AAA).dust == Decimal("0.5")


# ---- workers ---------------------------------------------------------------------------------------------------------


def test_a_worker_whose_life_has_ended_can_be_registered_again_and_no_other(books):  # E2
    assert books.ledger.register(worker())
    assert not books.ledger.register(worker(status=Status.IDLE))
    assert books.ledger.move(worker(), Status.EXIT, LATER, "retired")
    (found,) = books.ledger.workers(Market.UPBIT)
    assert (found.status, found.note, found.heartbeat) == (Status.EXIT, "retired", LATER)
    assert books.ledger.register(worker(status=Status.IDLE))
    assert books.ledger.workers(Market.UPBIT) == [worker(status=Status.IDLE)]


def test_a_heartbeat_is_written_for_a_worker_that_did_not_move(books):  # E2
    books.ledger.register(worker())
    assert books.ledger.beat(worker(), LATER)
    assert books.ledger.workers(Market.UPBIT) == [replace(worker(), heartbeat=LATER)]
    assert not books.ledger.beat(worker(), LATER)
    assert not books.ledger.beat(worker("w-09"), LATER)


# ---- halts that sell -------------------------------------------------------------------------------------------------


def test_a_halt_that_sells_stands_until_it_is_done_and_buys_stay_halted(books):  # E10
    books.ledger.halt("upbit", "tired", AT, sells=True)
    books.ledger.halt("krx", "only buys", AT)
    assert books.ledger.flattening() == {"upbit": "tired"}
    books.ledger.halt("upbit", "said again", AT)
    assert books.ledger.flattening() == {"upbit": "said again"}
    books.ledger.flattened("upbit")
    books.ledger.flattened("nowhere")
    assert books.ledger.flattening() == {}
    assert books.ledger.halts() == {"upbit": "said again", "krx": "only buys"}


def test_resuming_takes_an_order_to_sell_back(books):
    books.ledger.halt("all", "tired", AT, sells=True)
    books.ledger.resume("all")
    assert (books.ledger.flattening(), books.ledger.halts()) == ({}, {})


# ---- orders that no lock is about ------------------------------------------------------------------------------------


def test_a_stray_order_is_closed_only_as_it_was_read(books):  # E8
    books.ledger.register(worker())
    order, _, _ = reserve(books, grant(books))
    over = moved(order, State.CANCELLED, note="no lock is about it")
    assert not books.ledger.close(over, replace(order, note="another"), DAY)
    assert books.ledger.close(over, order, DAY)
    assert books.ledger.order(order.id) == over
    assert books.ledger.open_orders(Market.UPBIT) == []
