"""How a demo begins: one day fixed before anything runs, and another where the machine was too slow for it (I3)."""

from types import SimpleNamespace

import pytest

from core.domain.values import Market, Millis
from core.local import demo
from core.local.day import date_of, pressed
from core.local.template import ROOT
from core.settings import load

OWN = load(ROOT / "settings.yaml", {})
BEGAN = Millis(1_795_186_400_000)
SECONDS = 50.0


class Board:
    def __init__(self):
        self.told = []

    def tell(self, at, sentence):
        self.told.append(sentence)

    def show(self, frame):
        pass


class Slow:
    """Stands in for a whole system; time passes only while a function runs. `took` is what was asked, in its order."""

    def __init__(self, filter_s, air_s):
        self.at, self.took, self.days, self.streamed = BEGAN, [], {}, False
        self.settings = OWN
        self.plan = SimpleNamespace(clock=lambda: self.at)
        self.clockwork = SimpleNamespace(first=self.first, soon=self.soon, start=lambda: self.ask("start"), counts={})
        self.simulators = SimpleNamespace(play=lambda: self.ask("stories"), open=lambda opens, ends: self.ask("hours"))
        self.stack = None
        self._filter_s, self._air_s = filter_s, list(air_s)

    @property
    def views(self):
        up = SimpleNamespace(subscribed=("KRW-BTC",), started=self.at) if self.streamed else None
        return {Market.UPBIT: SimpleNamespace(stream=up)}

    def ask(self, what):
        self.took.append(what)

    def first(self, function, at):
        self.ask(function)
        self.at = Millis(self.at + round(self._filter_s * 1000 if function == "SafetyFilter" else 500))
        return SimpleNamespace(took_ms=500)

    def soon(self, function, at):
        assert self.streamed, "it would say that the streamer is silent"
        self.ask(function)
        self.clockwork.counts[function] = 1

    def wake(self, leave=()):
        assert demo.HIRES in leave
        self.ask(f"wake {len(leave)}")

    def stream(self):
        self.ask("stream")
        self.at = Millis(self.at + round((self._air_s.pop(0) if self._air_s else 2.0) * 1000))
        self.streamed = True

    def hush(self):
        self.ask("hush")
        self.streamed = False

    def renew(self, settings):
        self.ask("renew")
        self.settings = settings

    def step(self):
        return []

    def frame(self, phase, ends):
        return None


def opened(filter_s, monkeypatch, *air_s):
    monkeypatch.setattr(demo, "waiting", lambda stack: {})
    system = Slow(filter_s, air_s)
    system.settings = pressed(OWN, *demo.hours(BEGAN, demo.SET_UP_S + SECONDS))
    day = demo.Day(system, Board())
    day.fix(*demo.hours(BEGAN, demo.SET_UP_S + SECONDS))
    demo._open(day, SECONDS)
    return day, system


def test_on_a_quick_machine_the_day_stays_as_it_was_fixed_before_anything_ran(monkeypatch):
    day, system = opened(12.0, monkeypatch)

    assert day.ends == BEGAN + 67_000
    assert "renew" not in system.took
    assert system.took[-4:] == ["stream", "Sweep", "stories", "start"]
    assert day.left_s >= SECONDS


@pytest.mark.parametrize("filter_s", [30.0, 200.0])
def test_on_a_slow_machine_the_day_is_put_off_and_every_function_learns_of_it(monkeypatch, filter_s):
    day, system = opened(filter_s, monkeypatch)

    assert system.took.index("renew") < system.took.index("wake 1") < system.took.index("stream")
    assert day.left_s >= SECONDS
    policy = system.settings.markets[Market.KRX]
    assert list(policy.day.hours) == [date_of(day.clock())]


def test_a_streamer_that_comes_too_late_for_its_day_is_started_anew_for_a_later_one(monkeypatch):
    day, system = opened(12.0, monkeypatch, 40.0, 50.0)

    assert system.took.count("stream") == 3
    assert system.took.count("hush") == 2
    assert system.took.index("hush") < system.took.index("renew")
    assert day.left_s >= SECONDS - demo.SLACK_S


def test_a_machine_that_is_too_slow_for_any_day_goes_on_with_what_is_left_of_one(monkeypatch):
    _, system = opened(12.0, monkeypatch, *[400.0] * 9)

    assert system.took.count("stream") == demo.TRIES
    assert system.took[-3:] == ["Sweep", "stories", "start"]


def test_no_day_loses_more_than_the_slack(monkeypatch):
    for tenths in range(100, 220):
        day, _ = opened(tenths / 10, monkeypatch)
        assert day.left_s >= SECONDS - demo.SLACK_S
