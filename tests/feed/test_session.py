"""The session as a pure machine: D2 (re-sent requests), D4 (message rates), D6 (silence), all by the clock it is told."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.effects import Hangup, Ping, Send
from core.domain.errors import WireSurprise
from core.domain.events import Beat, Complaint, Trade
from core.domain.policies import StreamPolicy
from core.domain.values import Instrument, Market
from core.feed.freshness import NEVER, Gap
from core.feed.session import Phase, Session
from core.venues.spec import Channel, StreamSpec, Topic

BTC = Instrument(Market.UPBIT, "KRW-BTC")
TRADE = Trade(instrument=BTC, price=1.0, quantity=1.0, taker=None, at=0, seen=0)
POLICY = StreamPolicy(url="ws://nowhere")
CHANNELS = [Channel(Topic.TRADE, symbol) for symbol in "ABCDEF"]


def decode(frame, seen):
    """A made-up venue: `t` is a trade, `b` a beat, `c` a complaint, anything else does not read."""
    known = {b"t": [TRADE], b"b": [Beat(seen)], b"c": [Complaint("NO", "no", seen)], b"bt": [Beat(seen), TRADE]}
    if frame not in known:
        raise WireSurprise("this does not read")
    return known[frame]


def names(channels):
    return "".join(sorted(channel.symbol for channel in channels))


def spec(**changes):
    """Ask, drop and heartbeat are readable: `+AB`, `-C`, `PING`. A replacing venue's request is `=AB`."""
    plain = StreamSpec(
        market=Market.UPBIT,
        decode=decode,
        request=lambda channels, ticket: [f"={names(channels)}".encode()],
        release=lambda channels, ticket: [],
        replaces=True,
        heartbeat=None,
        ping_s=20.0,
        mute_s=45.0,
        stale_s=90.0,
        messages_per_s=5,
        messages_per_min=100,
        connects_per_s=5,
        channels_per_connection=0,
        topics=(Topic.TRADE,),
    )
    return msgspec.structs.replace(plain, **changes)


def one_by_one(**changes):
    """A venue that takes one channel in each message and does not replace."""
    return spec(
        replaces=False,
        request=lambda channels, ticket: [f"+{name}".encode() for name in names(channels)],
        release=lambda channels, ticket: [f"-{name}".encode() for name in names(channels)],
        **changes,
    )


def said(actions):
    return [action.body.decode() for action in actions if isinstance(action, Send)]


def subscribed(messages):
    """What the venue would carry after these messages."""
    carried = set()
    for message in messages:
        match message[0]:
            case "=":
                carried = set(message[1:])
            case "+":
                carried |= set(message[1:])
            case "-":
                carried -= set(message[1:])
    return carried


def channels_of(text):
    return frozenset(Channel(Topic.TRADE, letter) for letter in text)


wishes = st.lists(
    st.tuples(st.sets(st.sampled_from("ABCDEF")).map("".join), st.integers(0, 2_000)), min_size=1, max_size=60
)
limits = st.tuples(st.integers(1, 5), st.integers(5, 60))


def run_out(session, at, sent):
    """Let time pass until everything is said; returns when that was."""
    for _ in range(500):
        if session.settled:
            return at
        at = max(at, session.due)
        sent += [(at, action) for action in session.waited(at)]
    raise AssertionError("the session never came to rest")


@pytest.mark.parametrize("venue", [spec, one_by_one])
@given(wishes=wishes, limits=limits)
@settings(max_examples=150)
def test_whatever_the_wants_the_rates_are_kept_and_the_last_want_is_what_was_asked_for(venue, wishes, limits):
    """D2, D4"""
    session = Session(venue(messages_per_s=limits[0], messages_per_min=limits[1], mute_s=0.0, stale_s=0.0), POLICY, "t")
    sent = [(0, action) for action in session.opened(0)]
    at = 0
    for wish, pause in wishes:
        at += pause
        sent += [(at, action) for action in session.want(channels_of(wish), at)]
        sent += [(at, action) for action in session.waited(at)]
    run_out(session, at, sent)

    times = [when for when, _ in sent]
    assert all(sum(start <= when < start + 1_000 for when in times) <= limits[0] for start in times)
    assert all(sum(start <= when < start + 60_000 for when in times) <= limits[1] for start in times)
    assert subscribed(said(action for _, action in sent)) == set(wishes[-1][0])
    assert session.asked == channels_of(wishes[-1][0])
    assert session.sent == len(sent)


events = st.lists(
    st.tuples(st.sampled_from(["trade", "beat", "junk", "pong", "wait"]), st.integers(0, 9_000)), max_size=60
)


@given(events=events, subscribe=st.booleans())
def test_it_hangs_up_exactly_when_the_line_or_the_data_was_silent_too_long(events, subscribe):
    """D6: an open but silent connection is treated as lost, and nothing else is."""
    session = Session(spec(mute_s=10.0, stale_s=25.0), POLICY, "t")
    session.want(channels_of("A" if subscribe else ""), 0)
    session.opened(0)
    at = heard = fresh = 0
    for kind, pause in events:
        at += pause
        promised = at - heard >= 10_000 or (subscribe and at - fresh >= 25_000)
        hung = any(isinstance(action, Hangup) for action in session.waited(at))
        assert hung == promised
        if hung:
            assert session.phase is Phase.HUNG
            assert session.waited(at + 10**6) == []
            assert session.due == NEVER
            return
        if kind == "trade":
            session.received(b"t", at)
            heard = fresh = at
        elif kind == "beat":
            session.received(b"b", at)
            heard = at
        elif kind == "junk":
            with pytest.raises(WireSurprise):
                session.received(b"?", at)
            heard = at
        elif kind == "pong":
            session.heard(at)
            heard = at


@given(pauses=st.lists(st.integers(1, 40_000), max_size=30))
def test_it_never_has_anything_to_do_before_it_is_due(pauses):
    session = Session(spec(), POLICY, "t")
    session.want(channels_of("AB"), 0)
    session.opened(0)
    at = 0
    for pause in pauses:
        due = session.due
        early = min(at + pause, due - 1)
        if early > at:
            assert session.waited(early) == []
            at = early
        if session.waited(at := max(at, due)):
            return
        session.received(b"t", at)


def test_the_whole_wanted_set_is_asked_for_when_it_opens_and_again_after_every_loss():
    """D6"""
    session = Session(spec(), POLICY, "t")
    assert session.want(channels_of("AB"), 0) == []
    assert said(session.opened(5)) == ["=AB"]
    session.lost(10)
    assert session.want(channels_of("ABC"), 11) == []
    assert session.asked == frozenset()
    assert said(session.opened(20)) == ["=ABC"]
    assert session.opens == 2


def test_a_change_is_one_request_and_no_reconnect():
    """D2"""
    session = Session(spec(), POLICY, "t")
    session.opened(0)
    assert said(session.want(channels_of("AB"), 10)) == ["=AB"]
    assert said(session.want(channels_of("BC"), 20)) == ["=BC"]
    assert session.want(channels_of("BC"), 30) == []


def test_changes_that_wait_for_their_turn_become_one_request():
    """D4"""
    session = Session(spec(messages_per_s=1), POLICY, "t")
    session.opened(0)
    assert said(session.want(channels_of("A"), 0)) == ["=A"]
    assert session.want(channels_of("AB"), 100) == []
    assert session.want(channels_of("ABC"), 200) == []
    assert session.due == 1_000
    assert said(session.waited(1_000)) == ["=ABC"]
    assert session.settled


def test_a_change_taken_back_while_it_waits_is_never_said():
    session = Session(spec(messages_per_s=1), POLICY, "t")
    session.opened(0)
    session.want(channels_of("A"), 0)
    session.want(channels_of("AB"), 100)
    assert session.want(channels_of("A"), 200) == []
    assert session.waited(5_000) == []


def test_a_venue_that_does_not_replace_is_told_what_goes_before_what_comes():
    session = Session(one_by_one(), POLICY, "t")
    session.opened(0)
    assert said(session.want(channels_of("AB"), 0)) == ["+A", "+B"]
    assert said(session.want(channels_of("BC"), 0)) == ["-A", "+C"]
    assert said(session.want(channels_of("B"), 5_000)) == ["-C"]


def test_a_heartbeat_goes_when_nothing_was_said_for_long_and_a_ping_where_the_venue_has_no_text():
    session = Session(spec(ping_s=20.0), POLICY, "t")
    session.opened(0)
    assert session.waited(19_999) == []
    assert session.waited(20_000) == [Ping()]
    assert session.waited(20_001) == []
    texting = Session(spec(heartbeat=b"PING"), POLICY, "t")
    texting.opened(0)
    assert texting.waited(20_000) == [Send(b"PING")]


def test_a_heartbeat_keeps_the_rates_too_and_requests_leave_it_room():
    """D4"""
    session = Session(spec(messages_per_min=20, messages_per_s=0, ping_s=1.0, mute_s=0.0), POLICY, "t")
    session.opened(0)
    asked = sum(len(session.want(channels_of("AB"[step % 2]), step)) for step in range(30))
    assert asked == 18
    assert [len(session.waited(at)) for at in (1_100, 2_200, 3_300)] == [1, 1, 0]


def test_the_owners_figures_win_over_the_venues():
    session = Session(spec(), StreamPolicy(url="ws://x", mute_s=3.0, stale_s=0.0, ping_s=0.0), "t")
    session.opened(0)
    assert session.due == 3_000
    assert session.waited(3_000) == [Hangup("no frame for 3 s")]


def test_staleness_is_counted_from_the_first_request_not_from_the_opening():
    session = Session(spec(mute_s=0.0, stale_s=10.0), POLICY, "t")
    session.opened(0)
    session.want(channels_of("A"), 9_000)
    assert not any(isinstance(action, Hangup) for action in session.waited(18_999))
    assert session.waited(19_000) == [Hangup("frames but no market data for 10 s")]


def test_only_market_data_proves_a_connection():
    session = Session(spec(), POLICY, "t")
    session.want(channels_of("A"), 0)
    session.opened(0)
    session.received(b"b", 1)
    session.received(b"c", 2)
    assert not session.proved
    session.received(b"bt", 3)
    assert session.proved
    assert session.frames == 3
    assert session.last_heard == 3


def test_a_frame_that_does_not_read_is_counted_and_changes_nothing_else():
    session = Session(spec(), POLICY, "t")
    session.want(channels_of("A"), 0)
    session.opened(0)
    with pytest.raises(WireSurprise, match="this does not read"):
        session.received(b"?", 1)
    assert session.surprises == 1
    assert session.phase is Phase.OPEN
    assert session.received(b"t", 2) == [TRADE]


def test_the_gap_runs_from_the_last_data_to_the_first_and_is_told_once():
    """D6"""
    session = Session(spec(), POLICY, "t")
    session.want(channels_of("A"), 0)
    session.opened(0)
    session.received(b"t", 1_000)
    session.received(b"b", 2_000)
    session.lost(3_000)
    session.opened(9_000)
    session.lost(9_500)
    session.opened(10_000)
    assert session.gap(10_100) is None
    session.received(b"t", 10_200)
    assert session.gap(10_200) == Gap(1_000, 10_200)
    assert session.gap(10_300) is None


def test_a_loss_with_nothing_asked_for_leaves_no_gap():
    session = Session(spec(), POLICY, "t")
    session.opened(0)
    session.lost(3_000)
    session.lost(3_001)
    session.want(channels_of("A"), 4_000)
    session.opened(5_000)
    session.received(b"t", 5_100)
    assert session.gap(5_100) is None


def test_a_clock_set_back_neither_hangs_up_nor_waits_for_it_to_catch_up():
    session = Session(spec(mute_s=10.0), POLICY, "t")
    session.want(channels_of("A"), 10**9)
    session.opened(10**9)
    assert session.waited(5_000) == []
    assert session.waited(14_999) == []
    assert session.waited(15_000) == [Hangup("no frame for 10 s")]


def test_nothing_is_due_before_it_is_opened():
    assert Session(spec(), POLICY, "t").due == NEVER
    assert Session(spec(), POLICY, "t").waited(10**9) == []


def test_a_venue_that_has_no_words_for_nothing_is_told_nothing():
    wordless = spec(request=lambda channels, ticket: [f"={names(channels)}".encode()] if channels else [])
    session = Session(wordless, POLICY, "t")
    session.want(channels_of("A"), 0)
    session.opened(0)
    assert session.want(frozenset(), 1) == []
    assert session.settled
