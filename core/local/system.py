"""Everything that runs in one system on this machine, and what it has said so far."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from core.adapters.wiring import Wiring
from core.app.ports import Clock
from core.domain.errors import Misconfigured
from core.domain.values import Market, Millis
from core.local import register, template
from core.local.clockwork import Clockwork
from core.local.day import clock_of, written
from core.local.frame import Frame
from core.local.lines import FileLines, GroupLines, Line, groups
from core.local.look import books_of, empty, look
from core.local.processes import Child, clean
from core.local.schedules import schedules
from core.local.simulated import Simulators
from core.local.stack import NOBODY, Stack
from core.local.tally import Tally
from core.local.telling import LOST, changes
from core.local.waking import hello, record, stale, unwaited
from core.settings import Settings

REST_MS = 1_000
"""A streamer that died is started again this long after, as its service would do in the cloud."""

MENDED_BY_A_PERSON = 2
"""Exit code of a streamer whose settings have faults."""

PARALLEL = 4
KEPT = 50


class Feed(StrEnum):
    """Where prices come from."""

    SIM = "sim"
    UPBIT = "upbit"
    KRX = "krx"
    BINANCE = "binance"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be run.

    base      folder for what this and other runs write (`.hoga`)
    host      the caller's environment
    shape     the settings to run with, given the owner's, already pointing at the feed
    seed      of the simulated market
    markets   simulated, where the feed is that
    pace      how much faster than the clock the schedules come
    credentials  file of tokens that commands share; None where none is shared
    """

    settings: Settings
    feed: Feed
    base: Path
    pid: int
    host: Mapping[str, str]
    clock: Clock
    seed: int
    pace: float
    markets: tuple[Market, ...] = (Market.UPBIT, Market.KRX)
    shape: Callable[[Settings], Settings] = lambda settings: settings
    credentials: Path | None = None


class System:
    """Everything that runs, and what it has said so far."""

    def __init__(
        self, plan: Plan, settings: Settings, folder: Path, stack: Stack, simulators: Simulators | None
    ) -> None:
        self.plan, self.settings, self.folder, self.stack, self.simulators = plan, settings, folder, stack, simulators
        self.markets = settings.enabled
        self.started = plan.clock()
        self.tally = Tally()
        self.tallies = {market: Tally() for market in self.markets}
        self.views = {market: empty(market) for market in self.markets}
        self.alerts: deque[str] = deque(maxlen=KEPT)
        self.signals: deque[str] = deque(maxlen=KEPT)
        self.streamer: Child | None = None
        self.lives = 0
        self.days = dict.fromkeys(self.markets, "")
        self._died = Millis(0)
        self._errors: set[str] = set()
        self._books = books_of(stack)
        self._readers: list[GroupLines | FileLines] = [
            *groups(stack, self.started),
            FileLines("streamer", folder / "streamer.log"),
        ]
        self.clockwork = Clockwork(
            schedules(template.functions(template.load())), stack.invoke, plan.clock, pace=plan.pace
        )

    def renew(self, settings: Settings) -> None:
        """Go on with other settings: the functions from their next call on, the streamer from its next start."""
        self.settings = settings
        self.stack.settings.write_text(written(settings))
        self.stack.renew()

    def wake(self, leave: Collection[str] = ()) -> None:
        """Start every function but those in `leave` once, so that no cold start falls into the first signal; one
        alert says hello."""
        at = self.plan.clock()
        Wiring(self.stack.environment()).alerts.send([hello(at)])
        for market, view in self.views.items():
            symbol = view.safe.safe[0] if view.safe and view.safe.safe else "-"
            self.stack.invoke("Worker", record(stale(market, symbol, at)))
        functions = [function for function in self.clockwork.functions if function not in leave]
        with unwaited(PARALLEL) as pool:
            list(pool.map(lambda function: self.clockwork.first(function, self.plan.clock()), functions))

    def stream(self) -> None:
        """Start the streamer, and say to the other commands where everything is."""
        env = {**NOBODY, **clean(self.plan.host), **self.stack.environment(), "PYTHONUNBUFFERED": "1"}
        env["HOGA_RUN_DIR"] = str(self.folder)
        command = [sys.executable, "-m", "streamer"]
        log = self.folder / "streamer.log"
        self.streamer = self.stack.children.start("streamer", command, env, log, cwd=self.folder)
        self.lives += 1
        self.register()

    def undone(self) -> str:
        """What the last run of the safety filter could not do, in words; "" where nothing is left."""
        runs = [run for run in self.clockwork.runs if run.function == "SafetyFilter"]
        answers = (runs[-1].answer or {}) if runs else {}
        found = (self._undone(answers.get(market.value, {})) for market in self.markets)
        return "; ".join(sentence for sentence in found if sentence)

    def _undone(self, answer: dict[str, Any]) -> str:
        if failure := answer.get("failure"):
            return f"safety filter: {failure}"
        missing = (answer.get("references") or {}).get("missing", 0)
        return f"safety filter: the daily history of {missing} symbols is still to be loaded" if missing else ""

    def hush(self) -> None:
        """Stop the streamer; it drains what it holds. It is not started again."""
        if self.streamer is not None:
            self.stack.children.stop(self.streamer, patience_s=10.0)
            self.streamer = None

    def revive(self) -> bool:
        """Start a streamer that died again, after a rest. True where that was done.

        Raises:
            Misconfigured: it ended because a person must mend something; it would end in the same way for ever.
        """
        if self.streamer is None or self.streamer.running:
            return False
        if self.streamer.code == MENDED_BY_A_PERSON:
            raise Misconfigured("the streamer cannot start", said=self.streamer.tail())
        at = self.plan.clock()
        self._died = self._died or at
        if at - self._died < REST_MS:
            return False
        self.stack.children.forget(self.streamer)
        self._died = Millis(0)
        self.stream()
        return True

    def step(self) -> list[str]:
        """Read everything that is new; gives what is worth telling."""
        told = [f"streamer started again (life {self.lives})"] if self.revive() else []
        with (self.folder / "functions.log").open("a") as kept:
            for said in (said for reader in self._readers for said in reader.new()):
                told += self._hear(said)
                if said.source != "streamer":
                    kept.write(f"{clock_of(said.at)} {said.source} {said.text}\n")
        for market in self.markets:
            before = self.views[market]
            after = look(self._books, market, self.settings.markets[market], self.days[market])
            self.views[market] = after
            told += [self._named(market, sentence) for sentence in changes(before, after) if self._is_news(sentence)]
        return told

    def _named(self, market: Market, sentence: str) -> str:
        """Where there are several markets, each sentence says which one it is of."""
        return f"{market.value}: {sentence}" if len(self.markets) > 1 else sentence

    def _is_news(self, sentence: str) -> bool:
        """A signal is told once: one that is hidden while its symbol is held comes back with the same words."""
        if sentence == LOST and self.streamer is None:
            return False
        if not sentence.startswith("signal"):
            return True
        words = sentence.removeprefix("signal: ")
        known = words in self.signals
        if not known:
            self.signals.append(words)
        return not known

    def frame(self, phase: str, ends: Millis) -> Frame:
        """The picture of now."""
        return Frame(
            at=self.plan.clock(),
            phase=phase,
            feed=self.plan.feed.value,
            endpoint=self.stack.endpoint,
            views=list(self.views.values()),
            runs=dict(self.clockwork.counts),
            faults=dict(self.clockwork.faults),
            counts=dict(self.tally.sums),
            alerts=list(self.alerts),
            signals=list(self.signals),
            programs={name: child.running for name, child in self._programs().items()},
            ends=ends,
        )

    def close(self) -> None:
        """Fire no more schedules, then let the streamer drain."""
        self.clockwork.close()
        self.hush()

    def register(self) -> None:
        """Write down who runs, for the other commands of this folder."""
        standing = register.Standing(
            pid=self.plan.pid,
            endpoint=self.stack.endpoint,
            outputs=self.stack.outputs,
            settings=str(self.stack.settings),
            stage=self.stack.stage,
            feed=self.plan.feed.value,
            since=self.started,
            programs={name: child.pid for name, child in self._programs().items()},
            controls=self._controls(),
        )
        register.enter(self.folder, standing)

    def _controls(self) -> dict[str, str]:
        return self.simulators.controls if self.simulators else {}

    def _programs(self) -> dict[str, Child]:
        return {child.name: child for child in self.stack.children.all}

    def _hear(self, said: Line) -> list[str]:
        """Count a line's metrics, keep alert texts, pass each error on once."""
        self.tally.take(said.fields)
        if (own := self.tallies.get(said.fields.get("market", ""))) is not None:
            own.take(said.fields)
        if said.source == "notify" and "kind" in said.fields and "channel" not in said.fields:
            self.alerts.append(str(said.fields.get("message", "")))  # the log channel writes the alert itself
        if said.fields.get("level") not in ("ERROR", "CRITICAL"):
            return []
        sentence = f"{said.source}: {said.fields.get('message', said.text)}"
        if sentence in self._errors:
            return []
        self._errors.add(sentence)
        return [sentence]
