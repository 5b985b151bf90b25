"""C1-C3: the Top N and its slowness."""

from hypothesis import given
from hypothesis import strategies as st

from core.domain.events import Ticker
from core.domain.policies import RankPolicy
from core.domain.ranking import rank
from core.domain.values import Instrument, Market, Millis

STABLE = 600_000
POLICY = RankPolicy(top_n=2, min_symbol_stable_time_s=600.0)


def tickers(**values):
    return [
        Ticker(
            instrument=Instrument(Market.UPBIT, symbol),
            price=1.0,
            change=0.0,
            volume=1.0,
            value=1.0,
            value_24h=float(value),
            high=1.0,
            low=1.0,
            at=Millis(0),
            seen=Millis(0),
        )
        for symbol, value in values.items()
    ]


def run(previous, at, policy=POLICY, **values):
    return rank(previous, tickers(**values), policy, Millis(at), Market.UPBIT)


def symbols(top):
    return [member.symbol for member in top.members]


def test_the_first_ranking_is_taken_whole_by_value_and_then_by_symbol():  # C1
    top, added, removed = run(None, 5, C=1, B=3, A=3)

    assert symbols(top) == ["A", "B"]
    assert (added, removed, top.version, top.entering) == (("A", "B"), (), 1, {})


def test_an_empty_first_ranking_is_version_0():
    top, added, removed = run(None, 5)

    assert (symbols(top), added, removed, top.version) == ([], (), (), 0)


def test_a_newcomer_waits_and_a_member_that_fell_out_stays_as_long():  # C3
    first = run(None, 0, A=3, B=2).top

    second = run(first, 1000, A=3, B=1, C=2)
    assert (symbols(second.top), second.added, second.removed) == (["A", "B"], (), ())
    assert second.top.version == 1
    assert second.top.entering == {"C": 1000}

    third = run(second.top, 1000 + STABLE, A=3, B=1, C=2)
    assert (symbols(third.top), third.added, third.removed) == (["A", "C"], ("C",), ("B",))
    assert third.top.version == 2
    assert third.top.entering == {}


def test_a_newcomer_that_falls_out_once_begins_again():
    first = run(None, 0, A=3).top
    seen = run(first, 1000, A=3, C=2).top
    gone = run(seen, 2000, A=3).top
    again = run(gone, 3000, A=3, C=2).top

    assert again.entering == {"C": 3000}
    assert symbols(run(again, 1000 + STABLE, A=3, C=2).top) == ["A"]


def test_a_member_that_comes_back_in_time_was_never_away():
    first = run(None, 0, A=3, B=2).top
    away = run(first, 1000, A=3).top
    back = run(away, 2000, A=3, B=2).top

    assert away.members[1].missing == 1000
    assert away.members[1].value_24h == 2.0
    assert back.members[1].missing is None
    assert symbols(run(back, 1000 + STABLE, A=3).top) == ["A", "B"]


def test_a_lower_n_is_obeyed_at_once_and_takes_those_that_are_missing_first():
    first = run(None, 0, A=3, B=9).top
    after = run(first, 1, RankPolicy(top_n=1, min_symbol_stable_time_s=600.0), A=3)

    assert (symbols(after.top), after.removed) == (["A"], ("B",))


looks = st.lists(
    st.tuples(st.integers(1, 400_000), st.dictionaries(st.sampled_from("ABCDEF"), st.integers(0, 3), max_size=6)),
    max_size=25,
)


@given(looks=looks, n=st.integers(1, 4))
def test_never_more_than_n_and_nobody_enters_or_leaves_sooner_than_the_time(looks, n):
    policy = RankPolicy(top_n=n, min_symbol_stable_time_s=600.0)
    top, at, history = None, 0, []
    for step, values in looks:
        at += step
        raw = set(sorted(values, key=lambda s: (-values[s], s))[:n])
        history.append((at, raw))
        first, (top, added, removed) = top is None, run(top, at, policy, **values)

        assert len(top.members) <= n
        assert set(added).isdisjoint(removed)
        since = [raw for when, raw in history if when > at - STABLE] + [history[0][1]] * (at - history[0][0] < STABLE)
        for symbol in added:
            assert first or (all(symbol in raw for raw in since) and at - history[0][0] >= STABLE)
        for symbol in removed:
            assert not any(symbol in raw for raw in since)


@given(values=st.dictionaries(st.sampled_from("ABCDEF"), st.integers(0, 2)))
def test_the_order_of_the_tickers_does_not_matter(values):
    turned = dict(reversed(values.items()))

    assert run(None, 0, **values) == run(None, 0, **turned)
