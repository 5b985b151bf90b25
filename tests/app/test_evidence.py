"""Which of the venue's orders is ours, and what it came to (E8)."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.app.evidence import (
    ARRIVES,
    SKEW,
    candidates,
    from_notices,
    from_row,
    from_sums,
    from_trades,
    noticed,
    outcome,
    split,
    untouched,
)
from core.app.notices import Heard, Part
from core.domain.orders import Fill, State
from core.domain.sendings import Fate, Sending, Standing
from core.domain.values import Instrument, Market, Millis, Side
from core.venues.ordering import Row, Traded
from tests.adapters.orders.scripted import AT, SAMSUNG, Bench
from tests.app.test_notices import ACCEPTED, CANCELLED, notice
from tests.fakes import RULES

ORDER = Bench().order()
SENDING = Sending(
    order=ORDER.id, instrument=SAMSUNG, side=Side.BUY, quantity=D(10), limit=D(70_000), at=AT, fate=Fate.TAKEN,
    venue_id="d-n-b", before=Standing(units=D(25), cost=D(1_747_500), ordered=D(3), filled=D(2), value=D(140_000)),
)  # fmt: skip
ROW = Row(
    id="d-n-b", original="", instrument=SAMSUNG, side=Side.BUY, quantity=D(10), price=D(70_000), filled=D(0), value=D(0),
    state=State.OPEN, at=AT,
)  # fmt: skip


def test_a_row_with_our_terms_and_time_can_be_ours():
    assert candidates(SENDING, [ROW]) == [ROW]


@pytest.mark.parametrize(
    "change",
    [
        {"side": Side.SELL}, {"quantity": D(9)}, {"price": D(70_100)}, {"instrument": Instrument(Market.KRX, "000660")},
        {"ours": False}, {"at": Millis(AT - SKEW - 1)}, {"at": Millis(AT + ARRIVES + 1)},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_row_with_other_terms_is_not(change):
    assert candidates(SENDING, [replace(ROW, **change)]) == []


@pytest.mark.parametrize(
    "change", [{"at": None}, {"price": D(0)}, {"at": Millis(AT - SKEW)}, {"at": Millis(AT + ARRIVES)}], ids=str
)
def test_what_a_row_leaves_open_is_no_contradiction(change):
    assert len(candidates(SENDING, [replace(ROW, **change)])) == 1


def test_an_order_without_a_limit_may_be_listed_at_any_price():
    assert len(candidates(replace(SENDING, limit=None), [replace(ROW, price=D(12_345))])) == 1


def test_the_nearest_in_time_comes_first():
    rows = [replace(ROW, id=str(ms), at=Millis(AT + ms)) for ms in (9000, 1000, -2000)]
    assert [row.id for row in candidates(SENDING, rows)] == ["1000", "-2000", "9000"]


def test_an_acceptance_with_our_terms_can_be_ours_and_nothing_else_can():
    mine = replace(notice(ACCEPTED, 10), at=AT)
    others = [
        replace(mine, kind=CANCELLED), replace(mine, original="1"), replace(mine, quantity=D(9)), replace(mine, price=D(1)),
        replace(mine, at=Millis(AT - SKEW - 1)), replace(mine, side=Side.SELL),
    ]  # fmt: skip
    assert noticed(SENDING, [*others, mine]) == [mine]


ROWS = [
    # row's state, filled, value; told parts; expected state, filled, value
    (State.OPEN, 0, 0, (), "open", 0, 0),
    (State.PARTIAL, 4, 280_000, (), "partial", 4, 280_000),
    (State.FILLED, 10, 700_000, (), "filled", 10, 700_000),
    (State.FILLED, 10, 0, (), "filled", 10, 700_000),  # a value that lags: the limit stands in
    (State.FILLED, 10, 699_999, ((10, 70_000),), "filled", 10, 700_000),
    (State.OPEN, 0, 0, ((4, 70_000),), "partial", 4, 280_000),
    (State.OPEN, 0, 0, ((10, 70_000),), "filled", 10, 700_000),
    (State.CANCELLED, 4, 280_000, ((3, 70_000),), "cancelled", 4, 280_000),
    (State.REJECTED, 0, 0, (), "rejected", 0, 0),
    (State.REJECTED, 0, 0, ((4, 70_000),), "partial", 4, 280_000),
    (State.EXPIRED, 4, 280_000, (), "expired", 4, 280_000),
]


@pytest.mark.parametrize(("state", "filled", "value", "told", "expected", "units", "cost"), ROWS)
def test_a_row_and_its_notices_make_one_outcome(state, filled, value, told, expected, units, cost):
    row = replace(ROW, state=state, filled=D(filled), value=D(value))
    heard = Heard(parts=tuple(Part(D(quantity), D(price)) for quantity, price in told))
    found = from_row(ORDER, SENDING, row, heard, RULES)
    assert (found.state, sum(f.quantity for f in found.fills), sum(f.quantity * f.price for f in found.fills)) == (
        expected, units, cost,
    )  # fmt: skip


def test_notices_alone_leave_an_order_open_or_in_part():
    assert from_notices(ORDER, SENDING, Heard(), RULES).state == "open"
    assert from_notices(ORDER, SENDING, Heard(parts=(Part(D(1), D(5)),)), RULES).state == "partial"
    assert from_notices(ORDER, SENDING, Heard(state=State.REJECTED), RULES).state == "rejected"


NOW = Standing(units=D(25), cost=D(1_747_500), ordered=D(3), filled=D(2), value=D(140_000))


def test_nothing_moved_means_that_nothing_arrived():
    assert untouched(SENDING, NOW)
    assert not untouched(SENDING, replace(NOW, ordered=D(13)))
    assert not untouched(SENDING, replace(NOW, units=D(26)))
    assert not untouched(replace(SENDING, before=None), NOW)


SUMS = [
    (Side.BUY, {}, (0, 0)),
    (Side.BUY, {"units": D(35), "filled": D(12), "value": D(839_000)}, (10, 699_000)),
    (Side.BUY, {"units": D(35), "cost": D(2_446_000)}, (10, 698_500)),
    (Side.BUY, {"units": D(35), "cost": D(0)}, (10, 0)),
    (Side.BUY, {"units": D(60), "filled": D(2)}, (10, 0)),
    (Side.BUY, {"units": D(20)}, (0, 0)),
    (Side.SELL, {"units": D(15), "filled": D(12), "value": D(840_000)}, (10, 700_000)),
    (Side.SELL, {"units": D(21)}, (4, 0)),
]


@pytest.mark.parametrize(("side", "change", "came_to"), SUMS)
def test_what_moved_says_what_an_order_came_to(side, change, came_to):
    assert from_sums(replace(SENDING, side=side), replace(NOW, **change)) == came_to


def test_an_order_that_was_sent_without_a_look_before_has_nothing_to_compare_with():
    assert from_sums(replace(SENDING, before=None), Standing()) == (0, 0)


@given(st.integers(0, 10**6), st.integers(0, 10**12))
def test_parts_add_up_to_units_and_value_exactly(quantity, value):
    parts = split(D(quantity), D(value))
    if not quantity:
        assert parts == ()
        return
    assert sum(part.quantity for part in parts) == quantity
    assert sum(part.quantity * part.price for part in parts) == value


def test_an_outcome_is_never_a_step_back():
    fill = Fill(id="f", price=D(70_000), quantity=D(4), fee=D(0), tax=D(0), at=AT)
    known = replace(ORDER, state=State.PARTIAL, fills=(fill,), note="four")
    for state, parts in ((State.OPEN, ()), (State.PARTIAL, ()), (State.CANCELLED, (Part(D(1), D(1)),))):
        found = outcome(known, "v", state, parts, RULES, AT)
        assert (found.state, found.fills, found.note) == ("partial", (fill,), "four")
    done = replace(known, state=State.FILLED)
    assert outcome(done, "v", State.CANCELLED, [Part(D(4), D(1))], RULES, AT).state == "filled"


def test_an_unknown_order_may_become_anything():
    unknown = replace(ORDER, state=State.UNKNOWN)
    for state in (State.OPEN, State.FILLED, State.EXPIRED):
        assert outcome(unknown, "v", state, (), RULES, AT).state == state


def test_fills_carry_the_markets_own_fee_and_tax():
    rules = replace(RULES, tax=lambda symbol, side, at: D("0.002") if side is Side.SELL else D(0))
    sale = Bench().order(Side.SELL)
    (fill,) = outcome(sale, "v", State.FILLED, [Part(D(10), D(70_000))], rules, AT).fills
    assert (fill.id, fill.fee, fill.tax) == ("v-0", 350, 1400)


def test_what_a_venue_tells_of_each_execution_is_taken_as_it_is_and_never_back():
    """Its own fees, units and prices, to the last decimal: nothing is worked out from rules."""
    trade = Traded(id="t1", price=D("69999.5"), quantity=D("9.99"), fee=D("0.00001"), at=AT)
    row = replace(ROW, state=State.FILLED, filled=D(10), trades=(trade,))
    said = from_trades(ORDER, row)
    assert (said.state, said.venue_id) == ("filled", "d-n-b")
    assert said.fills == (Fill(id="t1", price=trade.price, quantity=trade.quantity, fee=trade.fee, tax=D(0), at=AT),)

    known = replace(ORDER, state=State.PARTIAL, fills=said.fills)
    assert from_trades(known, replace(ROW, state=State.OPEN)).fills == said.fills
