"""E9: an order's life is one table; what core/README.md shows of it is that table."""

import itertools
from decimal import Decimal

import pytest

from core.domain.errors import OrderExecutionError
from core.domain.orders import DONE, LIFE, MOVES, Order, State, moved
from core.domain.values import Millis, Side
from tests.architecture.order_life import README, drawing, drawn
from tests.fakes import AAA


def order(state):
    return Order(
        id="o", instrument=AAA, side=Side.BUY, quantity=Decimal(1), reference=Decimal(1), signal="s", leg=0, worker="w",
        reason="fall", at=Millis(1), state=state,
    )  # fmt: skip


def test_the_readme_draws_the_table():
    """Mended by `python -m tests.architecture.order_life`."""
    assert drawn(README.read_text(encoding="utf-8")) == drawing()


def test_no_move_is_told_twice():
    assert len({(move.was, move.to) for move in LIFE}) == len(LIFE)


def test_every_state_is_reached_and_every_open_one_ends():
    reached = {State.NOTED}
    while more := {move.to for move in LIFE if move.was in reached} - reached:
        reached |= more
    assert reached == set(State)
    assert all(MOVES[state] & DONE for state in set(State) - DONE)


def test_what_is_done_is_never_open_again():
    assert all(MOVES[state] <= DONE for state in DONE)
    assert not MOVES[State.FILLED]
    assert State.UNKNOWN not in MOVES[State.REJECTED]


@pytest.mark.parametrize(("was", "to"), list(itertools.product(State, State)))
def test_an_order_moves_as_the_table_says_and_not_otherwise(was, to):
    if any((move.was, move.to) == (was, to) for move in LIFE):
        assert moved(order(was), to).state is to
    else:
        with pytest.raises(OrderExecutionError, match="cannot move like that"):
            moved(order(was), to)
