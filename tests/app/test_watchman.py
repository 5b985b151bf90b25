"""What no part can say of itself is looked at from outside (F5): each figure is 0 exactly where all is well."""

import pytest
from msgspec.structs import replace

from core.adapters.memory.books import MemoryBooks
from core.app import summary
from core.app.trade import handle
from core.app.watchman import LATE_REPORT, LONG_OPEN, Watch, look
from core.domain.errors import UnknownOutcome
from core.domain.levels import SafeSet
from core.domain.policies import DayPolicy
from core.domain.values import DAY, MINUTE, Market, Millis
from tests.fakes import CountingBroker, Hands, Told, buy, desk_of

FLAT = DayPolicy(ends="09:00", liquidate=True)


@pytest.fixture
def world():
    return World()


class World:
    def __init__(self):
        self.books, self.hands = MemoryBooks(), Hands()
        self.broker = CountingBroker(hands=self.hands)
        self._desk = desk_of(self.books, self.broker, self.hands)

    def desk(self, **policy):
        return replace(self._desk, policy=replace(self._desk.policy, **policy), alerts=Told())

    def see(self, **policy):
        return look(self.desk(**policy))

    def fresh(self):
        """The safe set as of now: days pass here in one step."""
        self._desk.shelf.write(SafeSet(market=Market.UPBIT, at=self.hands.at, safe=("KRW-AAA",), excluded=()))

    def summarise(self):
        desk = self.desk()
        summary.run(
            desk.market, desk.policy, days=desk.days, shelf=desk.shelf, ledger=desk.ledger, alerts=Told(),
            language="en", at=self.hands.at,
        )  # fmt: skip


def test_a_system_at_work_shows_nothing(world):
    handle(buy(at=world.hands.at), world.desk())
    assert world.see() == Watch()


def test_a_position_is_held_overnight_once_the_close_after_its_buy_has_passed(world):
    """E6."""
    handle(buy(at=world.hands.at), world.desk())
    assert world.see(day=FLAT).overnight == 0

    world.hands.at = world.desk(day=FLAT).days.closes(world.hands.at)

    assert world.see(day=FLAT).overnight == 1
    assert world.see(day=replace(FLAT, liquidate=False)).overnight == 0


def test_an_order_is_unsettled_only_after_the_time_that_any_auction_needs(world):
    """E8."""
    world.broker.after["place"] = UnknownOutcome("no answer")
    handle(buy(at=world.hands.at), world.desk())
    world.hands.at = Millis(world.hands.at + LONG_OPEN - MINUTE)
    assert world.see().unsettled == 0

    world.hands.at = Millis(world.hands.at + 2 * MINUTE)
    assert world.see().unsettled == 1


def test_a_finished_day_without_results_is_overdue_after_half_an_hour_and_until_it_has_them(world):
    """G2."""
    world.summarise()
    world.hands.at = Millis(world.desk().days.closes(world.hands.at) + LATE_REPORT - 1)
    assert world.see().overdue == 0
    world.hands.at = Millis(world.hands.at + 1)
    assert world.see().overdue == 1

    world.summarise()

    assert world.see().overdue == 0


def test_days_that_ended_before_anybody_looked_are_nobodys_debt(world):
    assert world.see().overdue == 0
    world.hands.at = Millis(world.hands.at + 2 * DAY)
    world.summarise()
    assert world.see().overdue == 0


def test_the_loss_limit_is_reached_at_the_limit_and_not_before(world):
    """E7."""
    handle(buy(at=world.hands.at), world.desk())
    day = world.desk().days.day_of(world.hands.at)
    account = world.books.ledger.account(Market.UPBIT, day)
    limit = world.desk().policy.risk.daily_loss

    class Ledger:
        def __init__(self, lost):
            self.lost = lost

        def account(self, market, day):
            return replace(account, realised=self.lost)

        def open_orders(self, market):
            return []

    assert look(replace(world.desk(), ledger=Ledger(-limit))).lost == 1
    assert look(replace(world.desk(), ledger=Ledger(-limit + 1))).lost == 0
    risk = replace(world.desk().policy.risk, daily_loss=type(limit)(0))
    assert look(replace(world.desk(risk=risk), ledger=Ledger(-limit))).lost == 0


def test_a_safe_set_is_stale_when_no_buy_is_allowed_from_it(world):
    """A3."""
    world.fresh()
    patience = world.desk().policy.safety.max_age_s * 1000
    world.hands.at = Millis(world.hands.at + patience)
    assert world.see().stale == 0
    world.hands.at = Millis(world.hands.at + 1)
    assert world.see().stale == 1


def test_a_market_that_was_never_filtered_is_not_stale(world):
    shelf = type(world.desk().shelf)()
    assert look(replace(world.desk(), shelf=shelf)).stale == 0
