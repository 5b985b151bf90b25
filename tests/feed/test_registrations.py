"""Registrations that a venue answers one by one: paced, confirmed, capped, refused (D4, D6)."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.effects import Send
from core.domain.events import Echo
from core.domain.policies import StreamPolicy
from core.feed.freshness import NEVER, Gap
from core.feed.registrations import ANSWER_MS, CUTS, FULL_MS, FULLEST_MS, Registrations
from core.feed.session import Phase
from core.venues.spec import Topic
from tests.feed.answering import Talk, channels, letters, session, spec


def opened(wanted="", **changes):
    talk = Talk(session(**changes))
    talk.want(wanted, 0)
    talk.open(0)
    return talk


def confirm(talk, symbols, at):
    """Answer OK to each as it is asked, 100 ms apart."""
    for number, symbol in enumerate(symbols):
        talk.hear(f"trade/{symbol}/ok", at + number * 100)
        talk.run(at + number * 100 + 100)
    return at + len(symbols) * 100


def test_nothing_is_held_before_the_venue_says_so():
    talk = opened("A")
    assert talk.words == ["+A"]
    assert talk.machine.asked == frozenset()
    assert not talk.machine.settled
    talk.hear("trade/A/ok", 30)
    assert letters(talk.machine.asked) == "A"
    assert talk.machine.settled
    assert talk.machine.due == NEVER


def test_the_next_is_asked_a_gap_after_the_answer_to_the_last():
    """Also: a second user of a key is refused, and whoever does not know yet whether it is one asks no more."""
    talk = opened("ABC")
    talk.run(4_000)
    assert talk.words == ["+A"]
    talk.hear("trade/A/ok", 4_000)
    talk.run(4_500)
    assert talk.words == ["+A", "+B"]
    talk.hear("trade/B/retry", 4_500)
    talk.run(4_700)
    assert talk.heard == [(0, "+", "A"), (4_100, "+", "B"), (4_600, "+", "C")]


def test_they_are_made_in_the_order_in_which_they_are_wanted():
    talk = opened("DBCA")
    confirm(talk, "DBCA", 50)
    assert talk.words == ["+D", "+B", "+C", "+A"]


def test_what_goes_makes_room_before_what_comes_and_is_held_until_it_is_confirmed():
    talk = opened("ABC", slots=3)
    at = confirm(talk, "ABC", 0)
    talk.want("ABD", at)
    talk.run(at + 1_000)
    assert talk.words[-1] == "-C"
    assert letters(talk.machine.asked) == "ABC"
    talk.hear("trade/C/ok", at + 1_000)
    talk.run(at + 1_100)
    assert talk.words[-1] == "+D"
    assert letters(talk.machine.asked) == "AB"


def test_a_want_that_changed_before_its_answer_came_is_put_right_afterwards():
    talk = opened("A")
    talk.want("B", 10)
    talk.hear("trade/A/ok", 50)
    talk.run(500)
    assert talk.words == ["+A", "-A"]
    talk.hear("trade/A/ok", 500)
    talk.run(1_000)
    assert talk.words == ["+A", "-A", "+B"]


def test_a_session_that_a_second_one_holds_hangs_up_at_once_and_says_no_more():
    talk = opened("ABC")
    talk.hear("trade/A/used", 30)
    assert talk.hangups == ["in use: used "]
    talk.want("ABCD", 40)
    talk.run(60_000)
    assert talk.words == ["+A"]
    assert talk.machine.phase is Phase.HUNG
    assert not talk.machine.fruitful
    assert talk.machine.spent == ""


def test_a_refused_ticket_is_named_so_that_another_is_fetched():
    talk = opened("A")
    talk.hear("//key", 30)
    assert talk.machine.spent == "ticket"
    talk.machine.lost(40)
    talk.machine.ticket("another")
    assert talk.machine.spent == ""
    talk.open(200)
    assert talk.words == ["+A", "+A"]


def test_the_pace_is_kept_across_connections():
    """A reconnect is no reason to hurry."""
    talk = opened("A")
    talk.machine.lost(20)
    talk.open(30)
    talk.run(500)
    assert [at for at, *_ in talk.heard] == [0, 120]


def test_everything_is_asked_for_again_after_a_loss():
    talk = opened("ABC")
    at = confirm(talk, "ABC", 0)
    assert talk.machine.lost(at) == ""
    assert talk.machine.asked == frozenset()
    talk.open(at + 1_000)
    confirm(talk, "ABC", at + 1_000)
    assert talk.words == ["+A", "+B", "+C"] * 2


@pytest.mark.parametrize("code", ["retry", "never heard of"])
def test_what_may_pass_is_tried_again_each_time_after_twice_as_long(code):
    talk = opened("A")
    times = []
    for _ in range(9):
        at, *_ = talk.heard[-1]
        times.append(at)
        talk.hear(f"trade/A/{code}", at)
        talk.run(talk.machine.due)
    assert [b - a for a, b in pairwise(times)] == [
        1_000,
        2_000,
        4_000,
        8_000,
        16_000,
        32_000,
        60_000,
        60_000,
    ]
    assert talk.machine.strays == 0


def test_a_message_that_is_never_answered_is_said_again():
    talk = opened("A")
    talk.run(ANSWER_MS + 1_000)
    assert talk.heard == [(0, "+", "A"), (ANSWER_MS + 1_000, "+", "A")]
    talk.hear("trade/A/ok", 7_000)
    talk.want("", 7_000)
    talk.run(7_100 + ANSWER_MS + 1_000)
    assert talk.words == ["+A", "+A", "-A", "-A"]
    talk.hear("trade/A/ok", 14_000)
    assert talk.machine.asked == frozenset()


def test_one_that_is_never_answered_holds_the_others_up_until_it_counts_as_lost():
    talk = opened("AB")
    talk.run(ANSWER_MS + 99)
    assert talk.words == ["+A"]
    talk.run(ANSWER_MS + 100)
    assert talk.words == ["+A", "+B"]


def test_a_release_that_is_refused_is_said_again():
    talk = opened("A")
    talk.hear("trade/A/ok", 10)
    talk.want("", 200)
    talk.hear("trade/A/retry", 210)
    assert letters(talk.machine.asked) == "A"
    talk.run(2_000)
    assert talk.words == ["+A", "-A", "-A"]


def test_what_is_wrong_is_not_asked_for_again_until_it_was_not_wanted():
    talk = opened("AB")
    talk.hear("trade/A/wrong", 10)
    talk.run(1_000)
    talk.hear("trade/B/ok", 1_000)
    talk.run(10**7)
    assert talk.words == ["+A", "+B"]
    assert talk.machine.settled
    talk.want("B", 10**7)
    talk.want("AB", 10**7 + 100)
    assert talk.words[-1] == "+A"


def test_full_teaches_how_much_there_is_and_one_more_is_tried_ever_more_rarely():
    talk = opened("ABCD")
    at = confirm(talk, "AB", 0)
    assert talk.words == ["+A", "+B", "+C"]
    talk.hear("trade/C/full", at)
    assert talk.machine.room(at) == 2
    tried = []
    for _ in range(9):
        talk.run(talk.machine.due)
        tried.append(talk.heard[-1][0])
        assert talk.machine.room(tried[-1]) == 3
        talk.hear(f"trade/{talk.heard[-1][2]}/full", tried[-1])
    assert [b - a for a, b in pairwise([at, *tried])] == [min(FULL_MS << step, FULLEST_MS) for step in range(9)]
    assert letters(talk.machine.asked) == "AB"


def test_a_place_that_came_free_at_the_venue_is_taken():
    """Registrations of a connection that broke may be counted for a while: that is no cap."""
    talk = opened("ABC")
    at = confirm(talk, "A", 0)
    talk.hear("trade/B/full", at)
    talk.run(at + FULL_MS)
    talk.hear(f"trade/{talk.heard[-1][2]}/ok", at + FULL_MS)
    assert len(talk.machine.asked) == 2
    assert talk.machine.room(at + FULL_MS) == 3
    talk.run(at + FULL_MS + 200)
    talk.hear(f"trade/{talk.heard[-1][2]}/ok", at + FULL_MS + 200)
    assert letters(talk.machine.asked) == "ABC"


def test_a_known_cap_is_never_asked_beyond():
    talk = opened("ABCD", slots=2)
    confirm(talk, "AB", 0)
    talk.run(10**7)
    assert talk.words == ["+A", "+B"]
    assert talk.machine.room(0) == 2


def test_a_cap_that_a_release_went_under_leaves_room():
    talk = opened("ABC")
    at = confirm(talk, "AB", 0)
    talk.hear("trade/C/full", at)
    talk.want("BC", at)
    talk.run(at + 100)
    talk.hear("trade/A/ok", at + 100)
    talk.run(at + 300)
    assert talk.words[-2:] == ["-A", "+C"]


def test_an_answer_about_nothing_that_was_asked_is_counted():
    talk = opened("A")
    talk.hear("book/A/ok", 10)
    talk.hear("trade/Z/retry", 20)
    talk.hear("trade/A/ok", 30)
    talk.hear("trade/A/ok", 40)
    assert talk.machine.strays == 3
    assert letters(talk.machine.asked) == "A"


def test_a_refusal_that_names_nothing_is_about_the_oldest_message():
    talk = opened("AB")
    talk.hear("//wrong", 10)
    talk.run(300)
    assert talk.words == ["+A", "+B"]
    assert talk.machine.strays == 0
    talk.hear("//ok", 400)
    assert talk.machine.strays == 1


def test_an_echo_goes_back_at_once_whatever_the_pace():
    talk = opened("AB")
    talk.hear("trade/A/ok", 1)
    talk.hear("e 1", 2)
    assert talk.others == [Send(b"e 1")]
    talk.machine.received(b"e 2", 3)
    talk.machine.lost(4)
    talk.open(1_000)
    talk.wait(1_000)
    assert talk.others == [Send(b"e 1")]


def test_what_breaks_the_line_each_time_it_is_asked_for_is_left_alone():
    """A wrong id for own-order notices ends the connection without a word: the market data must go on."""
    talk = opened("XA")
    at = 0
    for number in range(CUTS):
        at += 1_000
        suspected = talk.machine.lost(at)
        assert bool(suspected) == (number == CUTS - 1)
        talk.open(at + 500)
    assert suspected == "the registration of trade may be what breaks the line"
    assert talk.words == ["+X"] * CUTS + ["+A"]
    talk.hear("trade/A/ok", at + 500)
    talk.run(at + FULLEST_MS - 1)
    assert talk.words[-1] == "+A"
    talk.run(at + FULLEST_MS + 200)
    assert talk.words[-1] == "+X"
    assert talk.machine.lost(at + FULLEST_MS + 300)  # suspected again at once
    talk.open(at + FULLEST_MS + 400)
    talk.run(at + FULLEST_MS + 600)
    assert talk.words[-1] == "+A"


def test_a_loss_while_several_were_asked_for_or_none_blames_nobody():
    talk = opened("ABC")
    talk.hear("trade/A/ok", 0)
    talk.run(300)
    for _ in range(CUTS + 1):
        assert talk.machine.lost(1_000) == ""


def test_data_is_expected_only_where_something_flows_and_the_market_is_open():
    hours = [False]
    policy = StreamPolicy(url="ws://x", stale_s=10.0, mute_s=0.0, ping_s=0.0)
    talk = Talk(session(policy, awake=lambda at: hours[0]))
    talk.open(0)
    talk(talk.machine.want(channels("X", Topic.ORDERS), 0), 0)
    talk.hear("orders/X/ok", 1)
    assert talk.machine.due == NEVER
    talk(talk.machine.want((*channels("X", Topic.ORDERS), *channels("A")), 150), 150)
    talk.hear("trade/A/ok", 200)
    assert talk.machine.due == 10_200
    talk.run(95_000)
    assert talk.hangups == []
    hours[0] = True
    talk.run(101_000)
    assert talk.hangups == ["frames but no market data for 10 s"]


def test_the_gap_reaches_over_every_refused_try():
    """D6: refused as already in use, again and again; the back-fill starts where the data ended."""
    talk = opened("A")
    talk.hear("trade/A/ok", 10)
    talk.hear("t", 5_000)
    talk.machine.lost(6_000)
    for at in (7_000, 9_000, 13_000):
        talk.open(at)
        talk.hear("trade/A/used", at + 20)
        talk.machine.lost(at + 30)
        assert talk.machine.gap(at + 30) is None
    talk.open(21_000)
    talk.hear("trade/A/ok", 21_020)
    assert talk.machine.fruitful
    talk.hear("t", 21_500)
    assert talk.machine.gap(21_500) == Gap(5_000, 21_500)


class Venue:
    """Hears late and answers late, sometimes not at all, sometimes that it has no room; `told` is when it heard."""

    def __init__(self, dice, slots, healthy_from):
        self.dice, self.slots, self.healthy_from = dice, slots, healthy_from
        self.subscribed, self.refused, self.post, self.told = set(), 0, [], []

    def said(self, at, kind, symbol):
        heard = at + self.dice.randrange(0, 1_500)
        self.told.append(heard)
        fault = self.dice.random() if at < self.healthy_from else 1.0
        code = "ok"
        if fault < 0.1:
            return  # neither heard nor answered
        if fault < 0.2:
            code = "retry"
        elif kind == "-":
            self.subscribed.discard(symbol)
        elif symbol not in self.subscribed and len(self.subscribed) >= self.slots:
            code, self.refused = "full", self.refused + 1
        else:
            self.subscribed.add(symbol)
        self.post.append((heard + self.dice.randrange(1, 1_500), f"trade/{symbol}/{code}"))

    def cut(self, at):
        """The line is gone: what was on its way arrives nowhere."""
        self.subscribed.clear()
        self.post.clear()
        self.told = [heard for heard in self.told if heard <= at]


@given(
    wishes=st.lists(st.tuples(st.text("ABCDEFGH", max_size=8), st.integers(0, 9_000)), min_size=1, max_size=25),
    seed=st.integers(0, 10**6),
    slots=st.integers(2, 9),
    losses=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_however_late_the_venue_hears_and_answers_the_pace_and_the_cap_are_kept_and_it_ends_with_what_is_wanted(
    wishes, seed, slots, losses
):
    """D4: the pace is what the venue sees, not what we meant."""
    dice = random.Random(seed)
    ends = sum(pause for _, pause in wishes)
    venue = Venue(dice, slots, healthy_from=ends)
    talk, at, done = opened(slots=slots), 0, 0
    for step, (wish, pause) in enumerate([*wishes, (wishes[-1][0], 3_000_000)]):
        if losses and dice.random() < 0.2:
            talk.machine.lost(at)
            venue.cut(at)
            talk.open(at)
        talk.want(dict.fromkeys(wish), at)
        until = at + pause
        while True:
            for heard in talk.heard[done:]:
                venue.said(*heard)
            done = len(talk.heard)
            when, text = min(venue.post, default=(NEVER, ""))
            due = talk.machine.due
            if min(when, due) > until:
                break
            at = max(at, min(when, due))
            if when <= due:
                venue.post.remove((when, text))
                talk.hear(text, at)
            else:
                talk.wait(at)
        at = until
        assert len(venue.subscribed) <= slots, step
    assert all(b - a >= 100 for a, b in pairwise(venue.told))
    wanted = set(wishes[-1][0])
    assert venue.subscribed == {channel.symbol for channel in talk.machine.asked}
    assert venue.subscribed <= wanted
    assert len(venue.subscribed) == min(len(wanted), slots)
    assert talk.machine.settled or len(wanted) > slots


def test_a_venue_without_a_number_of_slots_is_asked_for_everything():
    register = Registrations(spec(slots=0))
    register.want(channels("AB"))
    assert register.next(0, "t") is not None
    register.answered("trade", "A", "ok", 10)
    assert register.next(109, "t") is None
    assert register.next(110, "t") is not None
    assert register.unmet


def test_every_connection_has_a_decoder_of_its_own():
    """Keys that one connection was told open nothing on the next."""
    made = []

    def decoder():
        made.append(0)
        return lambda frame, seen: [Echo(f"{len(made)}".encode(), seen)]

    talk = Talk(session(decoder=decoder))
    for at in (0, 1_000):
        talk.open(at)
        talk.hear("x", at)
    assert len(made) == 3
    assert [action.body for action in talk.others] == [b"2", b"3"]


def test_a_clock_set_back_measures_every_wait_anew():
    talk = Talk(session())
    talk.want("ABC", 10**9)
    talk.open(10**9)
    talk.hear("trade/A/ok", 5_000)
    talk.run(5_100)
    assert talk.heard[1:] == [(5_100, "+", "B")]
    talk.run(5_300 + 2 * ANSWER_MS)
    assert talk.words == ["+A", "+B", "+C", "+B"]
