"""D6: a SUBSCRIBE that the venue refused or never answered has subscribed nothing, and is said again."""

import json

import pytest

from core.domain.effects import Send
from core.domain.events import Beat, Complaint
from core.domain.policies import StreamPolicy
from core.feed.session import Session
from core.feed.unanswered import ANSWER_MS, DEAF, LONGEST_MS, PAUSE_MS, Unanswered
from core.venues.binance import VENUE
from core.venues.spec import Channel, Topic

A, B = Channel(Topic.TRADE, "AUSDT"), Channel(Topic.TRADE, "BUSDT")
S = 1_000


class Wire:
    """A session of Binance, and the messages that it sent."""

    def __init__(self, *wanted):
        self.session = Session(VENUE.stream, StreamPolicy(url="ws://x", mute_s=0, stale_s=0), "t")
        self.said = []
        self._keep(self.session.want(wanted, 0))
        self._keep(self.session.opened(0))

    def _keep(self, actions):
        self.said += [json.loads(action.body) for action in actions if isinstance(action, Send)]

    def want(self, *channels, at):
        self._keep(self.session.want(channels, at))

    def wait(self, until, since=0):
        for at in range(since, until, 250):
            self._keep(self.session.waited(at))

    def answer(self, place, at, error=None):
        told = {"id": self.said[place]["id"]}
        told |= {"result": None} if error is None else {"error": {"code": 2, "msg": error}}
        return self.session.received(json.dumps(told).encode(), at)

    def methods(self):
        return [(said["method"], len(said["params"])) for said in self.said]


def test_what_was_answered_is_settled_and_not_said_again():
    wire = Wire(A, B)
    assert not wire.session.settled
    assert wire.answer(0, 100) == [Beat(100, wire.said[0]["id"])]
    assert wire.session.settled
    wire.wait(60 * S)
    assert wire.methods() == [("SUBSCRIBE", 2)]
    assert wire.session.asked == {A, B}


def test_what_is_not_answered_is_said_again():
    wire = Wire(A)
    assert wire.session.due <= ANSWER_MS
    wire.wait(ANSWER_MS + S)
    assert wire.methods() == [("SUBSCRIBE", 1)] * 2
    wire.answer(1, ANSWER_MS + S)
    assert wire.session.settled


def test_what_is_refused_counts_as_not_subscribed_and_is_said_again_ever_more_rarely():
    wire = Wire(A)
    (told,) = wire.answer(0, 100, "no")
    assert isinstance(told, Complaint)
    assert wire.session.asked == frozenset()
    wire.wait(PAUSE_MS, since=100)
    assert len(wire.said) == 1
    assert wire.session.due <= 100 + PAUSE_MS
    wire.wait(PAUSE_MS + S, since=PAUSE_MS)
    assert len(wire.said) == 2
    wire.answer(1, 7 * S, "no")
    wire.wait(7 * S + 2 * PAUSE_MS, since=7 * S)
    assert len(wire.said) == 2
    wire.wait(9 * S + 2 * PAUSE_MS, since=7 * S + 2 * PAUSE_MS)
    wire.answer(2, 20 * S)
    assert wire.session.settled
    assert wire.session.asked == {A}


def test_a_refused_unsubscribe_is_said_again_too():
    wire = Wire(A, B)
    wire.answer(0, 100)
    wire.want(A, at=S)
    wire.answer(1, S + 100, "no")
    assert wire.session.asked == {A, B}
    wire.wait(S + 100 + PAUSE_MS + S, since=S + 100)
    assert wire.methods() == [("SUBSCRIBE", 2), ("UNSUBSCRIBE", 1), ("UNSUBSCRIBE", 1)]


def test_a_request_that_a_later_one_overtook_is_not_repeated():
    wire = Wire(A, B)
    wire.want(A, at=S)
    wire.answer(1, S + 100)
    wire.wait(ANSWER_MS + 2 * S, since=S)
    assert wire.methods() == [("SUBSCRIBE", 2), ("UNSUBSCRIBE", 1), ("SUBSCRIBE", 1)]
    assert wire.said[2]["params"] == ["ausdt@trade"]


def test_a_server_that_answers_nothing_is_not_asked_for_ever():
    wire = Wire(A)
    wire.wait(20 * ANSWER_MS)
    assert len(wire.said) == DEAF
    assert wire.session.settled


def test_a_new_connection_owes_no_answers():
    wire = Wire(A)
    wire.answer(0, 100, "no")
    wire.session.lost(200)
    wire._keep(wire.session.opened(300))
    assert len(wire.said) == 2
    assert not wire.session.settled


def test_a_thousand_channels_are_as_many_messages_as_the_venue_allows_and_each_is_known_by_its_number():
    wanted = [Channel(Topic.TRADE, f"S{n:04d}USDT") for n in range(1_000)]
    wire = Wire(*wanted)
    wire.wait(5 * S)
    assert wire.methods() == [("SUBSCRIBE", 200)] * 5
    for place in range(5):
        assert not wire.session.settled
        wire.answer(place, 5 * S, "no" if place == 3 else None)
    assert len(wire.session.asked) == 800
    wire.wait(15 * S, since=5 * S)
    assert wire.methods()[5:] == [("SUBSCRIBE", 200)]
    assert wire.said[5]["params"] == wire.said[3]["params"]


def test_answers_about_nothing_of_ours_change_nothing():
    rows = Unanswered()
    rows.said("x", 1)
    assert rows.answered("x", False, 1) is None
    assert (rows.refused, rows.lost, rows.held, rows.lapsed(10**9)) == (0, 0, 0, [])


@pytest.mark.parametrize("times", [1, 4, 9])
def test_the_pause_after_refusals_has_an_end(times):
    rows = Unanswered()
    for _ in range(times):
        rows.worded("x", True, [A])
        assert rows.answered("x", False, 0) is not None
    assert rows.held == min(PAUSE_MS * 2 ** (times - 1), LONGEST_MS)


def test_a_server_that_goes_down_is_known_to_leave_until_the_next_connection():
    """D6: serverShutdown."""
    wire = Wire(A)
    wire.session.received(b'{"e":"serverShutdown","E":1}', 100)
    assert wire.session.leaving
    wire.session.lost(200)
    wire.session.opened(300)
    assert not wire.session.leaving
