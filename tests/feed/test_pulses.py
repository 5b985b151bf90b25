"""D7, D8: one frozen symbol among moving ones is found, a quiet one is not."""

import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from core.feed.freshness import Gap
from core.feed.pulses import LEAST_MS, REST_MS, Pulses


class Street:
    """Symbols that speak every so many seconds; `stuck` ones do not."""

    def __init__(self, **every):
        self.pulses, self.every, self.at, self.stuck = Pulses(), every, 1_000, set()
        self.stamps = dict.fromkeys(every, 0)
        self.looks = []

    def go_on(self, seconds):
        for _ in range(seconds):
            self.at += 1_000
            for name, every in self.every.items():
                if name not in self.stuck and self.at // 1_000 % every == 0:
                    self.stamps[name] += 1
            self.looks.append((self.at, self.pulses.look(self.stamps, self.at)))

    def frozen(self):
        return [(at, name) for at, look in self.looks for name in look.frozen]

    def back(self):
        return [each for _, look in self.looks for each in look.back]


def test_each_symbol_joins_once_when_it_speaks_first():
    street = Street(A=1, B=4)
    street.go_on(20)
    joined = [(at, name) for at, look in street.looks for name in look.joined]
    assert sorted(name for _, name in joined) == ["A", "B"]
    assert street.pulses.rate("A") == 1.0
    assert 0.1 < street.pulses.rate("B") < 0.5
    assert street.pulses.rate("C") == 0.0


def test_one_frozen_symbol_among_moving_ones_is_found_and_what_it_missed_is_told():
    street = Street(A=1, B=1, C=1)
    street.go_on(60)
    last = street.at
    street.stuck = {"B"}
    street.go_on(60)
    assert [name for _, name in street.frozen()] == ["B"]
    assert street.frozen()[0][0] - last > LEAST_MS
    street.stuck = set()
    street.go_on(5)
    assert street.back() == [("B", Gap(last, last + 61_000))]
    street.go_on(30)
    assert len(street.frozen()) == 1


def test_a_symbol_that_stays_frozen_is_tried_again_ever_more_rarely():
    street = Street(A=1, B=1)
    street.go_on(60)
    street.stuck = {"B"}
    street.go_on(600)
    moments = [at for at, _ in street.frozen()]
    assert [later - at for at, later in pairwise(moments)] == [REST_MS, 2 * REST_MS, 3 * REST_MS]


def test_a_symbol_that_usually_speaks_rarely_is_left_in_peace():
    street = Street(A=1, B=1, C=40)
    street.go_on(900)
    street.stuck = {"C"}
    street.go_on(300)
    assert street.frozen() == []
    street.go_on(2_000)
    assert street.frozen()


def test_when_all_are_silent_it_is_the_connection_and_no_symbol():
    street = Street(A=1, B=1, C=1)
    street.go_on(60)
    street.stuck = {"A", "B", "C"}
    street.go_on(200)
    assert street.frozen() == []


def test_symbols_whose_connection_was_down_are_given_time_to_speak_again():
    street = Street(A=1, B=1, C=1, D=8)
    street.go_on(200)
    street.stuck = {"A", "B", "C", "D"}
    street.go_on(300)
    street.stuck = {"D"}
    street.go_on(20)
    assert street.frozen() == []
    for _ in range(300):
        street.at += 1_000
        street.stamps["A"] += 1
        assert street.pulses.look(street.stamps, street.at, {"B", "C", "D"}).frozen == ()


def test_a_symbol_that_is_not_subscribed_any_more_is_forgotten():
    street = Street(A=1, B=1)
    street.go_on(40)
    del street.every["B"], street.stamps["B"]
    street.go_on(100)
    assert set(street.pulses.rows) == {"A"}
    assert street.frozen() == []


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.02, 0.9))
def test_chance_alone_never_looks_like_a_freeze(seed, share):
    """Symbols that speak by the dice, at whatever rate, for half an hour."""
    dice, pulses, stamps = random.Random(seed), Pulses(), dict.fromkeys("ABCD", 0)
    for second in range(1_800):
        stamps = {name: stamp + (name == "A" or dice.random() < share) for name, stamp in stamps.items()}
        assert pulses.look(stamps, second * 1_000).frozen == ()
