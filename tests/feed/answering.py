"""A made-up venue that answers every registration, and a session on it: for tests of whatever must hold there."""

import json

from core.domain.effects import Hangup, Send
from core.domain.errors import WireSurprise
from core.domain.events import Acknowledged, Echo, Trade
from core.domain.policies import StreamPolicy
from core.domain.values import Instrument, Market
from core.feed.session import Session
from core.venues.spec import Channel, Cure, StreamSpec, Topic

TRADE = Trade(instrument=Instrument(Market.KRX, "A"), price=1.0, quantity=1.0, taker=None, at=0, seen=0)
CURES = {
    "ok": Cure.DONE,
    "full": Cure.FULL,
    "retry": Cure.RETRY,
    "wrong": Cure.WRONG,
    "used": Cure.IN_USE,
    "key": Cure.RENEW,
}
POLICY = StreamPolicy(url="ws://nowhere", ping_s=0.0, mute_s=0.0, stale_s=0.0)


def decode(frame, seen):
    """`t` is a trade, `e...` wants to come back, `topic/symbol/code` is an answer; all else does not read."""
    if frame == b"t":
        return [TRADE]
    if frame.startswith(b"e"):
        return [Echo(frame, seen)]
    if frame.count(b"/") != 2:
        raise WireSurprise("this does not read")
    topic, symbol, code = frame.decode().split("/")
    return [Acknowledged(topic, symbol, code, "", seen)]


def said(kind):
    def words(channels, ticket):
        return [json.dumps([kind, c.topic, c.symbol, ticket]).encode() for c in sorted(channels)]

    return words


def spec(**changes):
    plain = {
        "market": Market.KRX, "decode": decode, "request": said("+"), "release": said("-"), "replaces": False,
        "heartbeat": None, "ping_s": 0.0, "mute_s": 0.0, "stale_s": 0.0, "messages_per_s": 0, "messages_per_min": 0,
        "connects_per_s": 1, "channels_per_connection": 0, "topics": (Topic.TRADE,), "answers": True,
        "cure": lambda code: CURES.get(code, Cure.UNKNOWN), "slots": 41, "gap_ms": 100,
    }  # fmt: skip
    return StreamSpec(**(plain | changes))


def session(policy=POLICY, awake=lambda at: True, **changes):
    return Session(spec(**changes), policy, "ticket", awake)


def channels(text, topic=Topic.TRADE):
    return tuple(Channel(topic, letter) for letter in text)


def letters(found):
    return "".join(channel.symbol for channel in sorted(found))


class Talk:
    """Drives one session by hand; `heard` is (when, sign, symbol) of every registration message."""

    def __init__(self, machine):
        self.machine, self.heard, self.hangups, self.others = machine, [], [], []

    def __call__(self, actions, at):
        for action in actions:
            match action:
                case Send(body=body) if body.startswith(b"["):
                    kind, _, symbol, _ = json.loads(body)
                    self.heard.append((at, kind, symbol))
                case Hangup(reason=reason):
                    self.hangups.append(reason)
                case other:
                    self.others.append(other)

    def open(self, at):
        self(self.machine.opened(at), at)

    def want(self, wanted, at):
        self(self.machine.want(channels(wanted), at), at)

    def hear(self, text, at):
        self.machine.received(text.encode(), at)
        if self.machine.stirred:
            self.wait(at)

    def wait(self, at):
        self(self.machine.waited(at), at)

    def run(self, until):
        """Let time pass, always to the moment that the session names."""
        steps = 0
        while (due := self.machine.due) <= until:
            before = len(self.heard) + len(self.hangups) + len(self.others)
            self.wait(due)
            steps = 0 if len(self.heard) + len(self.hangups) + len(self.others) > before else steps + 1
            assert steps < 50, f"it names {due} again and again and does nothing"

    @property
    def words(self):
        return [f"{kind}{symbol}" for _, kind, symbol in self.heard]
