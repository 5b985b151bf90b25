"""D2-D4: scores, targets, and what is wanted."""

from math import log

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.levels import Candidate, Snapshot
from core.domain.policies import MarketPolicy, RestPolicy, RulePolicy, StreamPolicy, WatchPolicy, Weights
from core.domain.values import Market, Millis
from core.domain.watchlist import score, targets, wanted

ROW = Snapshot(
    symbol="KRW-A",
    price=100.0,
    change=0.0,
    volume=1.0,
    value=1.0,
    value_24h=1000.0,
    high=104.0,
    low=99.0,
    prev_high=None,
    prev_low=None,
    bid=0.0,
    ask=0.0,
    spread=None,
    disparity=-0.07,
    at=Millis(0),
    seen=Millis(0),
)
WEIGHTS = Weights(disparity=0.01, volatility=2.0, value=0.5, eps=0.001)


def test_the_score_is_the_formula():  # D3
    expected = 0.01 / (0.01 + 0.001) + 2.0 * 0.05 + 0.5 * log(1000.0)

    assert score(ROW, -0.08, WEIGHTS) == pytest.approx(expected)


def test_what_is_not_known_adds_nothing_to_the_score():
    row = msgspec.structs.replace(ROW, disparity=None, price=0.0, value_24h=0.0)

    assert score(row, -0.08, WEIGHTS) == 0.0


def market(subs=2, rules=()):
    return MarketPolicy(
        rest=RestPolicy(url="r"), stream=StreamPolicy(url="s"), watch=WatchPolicy(max_ws_subs=subs), rules=rules
    )


def rows(**disparities):
    return [msgspec.structs.replace(ROW, symbol=symbol, disparity=d) for symbol, d in disparities.items()]


def look(previous, policy, **disparities):
    return targets(previous, rows(**disparities), policy, Millis(9), Market.UPBIT)


def names(found):
    return [candidate.symbol for candidate in found.candidates]


def test_the_targets_are_the_best_scores_near_the_threshold_of_the_disparity_rule():
    near = market(rules=(RulePolicy(name="d", kind="disparity", params={"base": "daily", "threshold": -0.02}),))

    assert names(look(None, market(), A=-0.02, B=-0.05, C=-0.08)) == ["C", "B"]
    assert names(look(None, near, A=-0.02, B=-0.05, C=-0.08)) == ["A", "B"]


def test_the_version_grows_only_when_the_set_of_symbols_changes():  # C2
    first = look(None, market(), A=-0.08, B=-0.07, C=0.0)
    second = look(first, market(), A=-0.07, B=-0.08, C=0.0)
    third = look(second, market(), A=0.0, B=-0.08, C=-0.08)

    assert (first.version, second.version, third.version) == (1, 1, 2)
    assert names(second) == ["B", "A"]
    assert look(None, market()).version == 0


def test_a_newcomer_must_be_clearly_better_to_push_a_target_out():
    first = look(None, market(subs=1), A=-0.08, B=0.5)

    assert names(look(first, market(subs=1), A=-0.0805, B=-0.0804)) == ["A"]
    assert names(look(first, market(subs=1), A=-0.09, B=-0.08)) == ["B"]


def want(held=(), top=(), best=(), subscribed=(), cooldowns=None, subs=3, cooldown_s=180.0, at=1000):
    candidates = [Candidate(symbol, 10.0 - place / 2) for place, symbol in enumerate(best)]
    policy = WatchPolicy(max_ws_subs=subs, subscribe_cooldown_s=cooldown_s)
    return wanted(held, top, candidates, subscribed, cooldowns or {}, policy, Millis(at))


def test_held_come_first_then_the_top_then_the_scores():  # D2
    assert want(held=["Z", "H"], top=["T", "H"], best=["C", "T", "D"], subs=4).symbols == ("H", "Z", "T", "C")


def test_held_symbols_are_in_even_where_they_alone_are_too_many():
    assert want(held=["A", "B"], top=["T"], best=["C"], subs=1).symbols == ("A", "B")


def test_a_dropped_symbol_is_not_taken_back_before_its_cooldown_ends():  # D4
    dropped = want(best=["A"], subscribed=["A", "B"])
    assert dropped.cooldowns == {"B": 181_000}

    early = want(best=["A", "B"], subscribed=["A"], cooldowns=dropped.cooldowns, at=180_999)
    late = want(best=["A", "B"], subscribed=["A"], cooldowns=dropped.cooldowns, at=181_000)

    assert (early.symbols, early.cooldowns) == (("A",), dropped.cooldowns)
    assert (late.symbols, late.cooldowns) == (("A", "B"), {})


def test_a_cooldown_holds_for_the_top_too_but_not_for_what_is_held():
    running = {"T": Millis(5000)}

    assert want(top=["T"], cooldowns=running).symbols == ()
    assert want(held=["T"], cooldowns=running) == want(held=["T"])


def test_no_cooldown_is_kept_where_it_is_off():
    assert want(subscribed=["A"], cooldown_s=0.0).cooldowns == {}


def test_what_is_subscribed_keeps_an_edge_over_what_is_not():
    close = want(best=["A", "B"], subscribed=["B"], subs=1)

    assert close.symbols == ("B",)


some = st.lists(st.sampled_from("ABCDEFGH"), unique=True)


@given(held=some, top=some, best=some, subscribed=some, cooling=some, subs=st.integers(1, 6))
def test_asking_again_with_the_answer_gives_the_answer_again_within_the_limit(
    held, top, best, subscribed, cooling, subs
):
    cooling = [symbol for symbol in cooling if symbol not in subscribed]
    before = dict.fromkeys(cooling, Millis(2000))

    found = want(held, top, best, subscribed, before, subs)
    again = want(held, top, best, found.symbols, found.cooldowns, subs)

    assert set(held) <= set(found.symbols)
    assert len(found.symbols) <= max(subs, len(held))
    assert set(found.symbols).isdisjoint(set(cooling) - set(held))
    assert set(subscribed) - set(found.symbols) <= set(found.cooldowns)
    assert set(again.symbols) == set(found.symbols)
    assert again.cooldowns == found.cooldowns
