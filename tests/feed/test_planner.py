"""D2, D4, D5: the plan reaches what is wanted, within the limits, and moves nothing that may stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.feed.planner import Close, Join, Leave, Open, carry_out, plan, room

SYMBOLS = [f"KRW-{letter}" for letter in "ABCDEFGHIJKL"]
symbols = st.lists(st.sampled_from(SYMBOLS), unique=True)


@st.composite
def layouts(draw):
    """A layout that some earlier plan could have made, perhaps under other limits."""
    held = draw(symbols)
    limit = draw(st.integers(1, 5))
    links = draw(st.permutations(range(8)))
    parts = [held[start : start + limit] for start in range(0, len(held), limit)]
    return {link: frozenset(part) for link, part in zip(links, parts, strict=False)}


@given(wanted=symbols, before=layouts(), limit=st.integers(1, 5), connections=st.integers(1, 5))
def test_any_plan_reaches_what_is_wanted_within_the_limits(wanted, before, limit, connections):
    """D2, D4, D5"""
    after = carry_out(plan(wanted, before, limit, connections), before)

    carried = [symbol for held in after.values() for symbol in held]
    assert sorted(carried) == sorted(wanted[: limit * connections])
    assert len(after) <= connections
    assert all(0 < len(held) <= limit for held in after.values())
    assert plan(wanted, after, limit, connections) == []


@given(wanted=symbols, before=layouts(), limit=st.integers(1, 5), connections=st.integers(1, 5))
def test_a_symbol_that_stays_wanted_never_moves(wanted, before, limit, connections):
    """D2: moving it would open a gap in its trades. Only a link over its limit, or a pool made smaller, forces it."""
    after = carry_out(plan(wanted, before, limit, connections), before)

    fitting = wanted[: limit * connections]
    for link in sorted(before)[:connections]:
        staying = [symbol for symbol in fitting if symbol in before[link]]
        assert set(staying[:limit]) <= after.get(link, frozenset())


@given(wanted=symbols, before=layouts(), limit=st.integers(1, 5), connections=st.integers(1, 5))
def test_leaves_come_first_and_closes_last(wanted, before, limit, connections):
    kinds = [type(step) for step in plan(wanted, before, limit, connections)]
    order = {Leave: 0, Open: 1, Join: 1, Close: 2}
    assert [order[kind] for kind in kinds] == sorted(order[kind] for kind in kinds)


@given(wanted=symbols, before=layouts())
def test_links_are_opened_only_when_the_others_are_full(wanted, before):
    after = carry_out(plan(wanted, before, 3, 9), before)
    if len(after) > len(before):
        assert all(len(held) == 3 for link, held in after.items() if link in before)


def test_what_does_not_fit_is_left_out_from_the_end():
    after = carry_out(plan(["a", "b", "c", "d", "e"], {}, 2, 2), {})
    assert after == {0: {"a", "b"}, 1: {"c", "d"}}


def test_a_symbol_named_twice_is_subscribed_once():
    assert plan(["a", "a"], {}, 5, 1) == [Open(0), Join(0, frozenset({"a"}))]


def test_a_link_that_is_open_cannot_be_opened_again():
    with pytest.raises(LookupError, match="link 0 is open already"):
        carry_out([Open(0)], {0: frozenset()})


@pytest.mark.parametrize(
    ("owner", "venue", "topics", "fit"),
    [(100, 0, 3, 100), (100, 41, 2, 20), (10, 41, 2, 10), (5, 2, 3, 1), (7, 40, 0, 7)],
)
def test_room_is_the_owners_limit_within_the_venues_channels(owner, venue, topics, fit):
    """D4: registrations count per channel where the venue counts them."""
    assert room(owner, venue, topics) == fit
