"""One span's candles of one symbol with the indicators over them; the rules are in `candles.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from core.domain.candle import Candle
from core.domain.events import Bar
from core.domain.gauges import Gauges
from core.domain.quality import BY_THE_VENUE, EDGE_MS, JOINED, LOST, UNITED, Quality
from core.domain.sessions import Calendar
from core.domain.shelved import Closed
from core.domain.values import Millis


class Series:
    """One span of one symbol: closed candles oldest first, the forming one, and the indicators over the closed.

    gap_start, gap_end   the stretch in which trades may be missing (0, 0 = none), until the venue's bars heal it
    gap_why              what made it
    since                when we began to listen; 0 where that is not known, as in replay
    pending              the venue's bar of a candle that has not begun here yet
    """

    __slots__ = (
        "closed",
        "days",
        "forming",
        "gap_end",
        "gap_start",
        "gap_why",
        "gauges",
        "pending",
        "since",
        "span",
    )

    def __init__(self, span: Millis, gauges: Gauges, keep: int, days: Calendar) -> None:
        self.span, self.gauges, self.days = span, gauges, days
        self.closed = Closed(keep)
        self.forming: Candle | None = None
        self.pending: Bar | None = None
        self.gap_start = self.gap_end = self.since = 0
        self.gap_why = ""

    def take(self, at: int, price: float, quantity: float, amount: float, newest: bool, changes: list[Change]) -> None:
        """Count a trade where it belongs; `newest` says that none after it has been seen."""
        forming = self.forming
        if forming is not None and forming.opens <= at < forming.ends:
            forming.add(at, price, quantity, amount)
            return
        if forming is not None and newest:
            self._finish(forming, changes)
        last = self.closed[-1] if self.closed else None
        if last is not None and at < last.ends:
            self._amend(last, at, price, quantity, amount, changes)
            return
        candle = self._begin(at, price)
        candle.add(at, price, quantity, amount)
        if newest:
            self.forming = candle
            self._expect()
        else:
            self._append(candle, changes)

    def close_at(self, moment: int) -> float | None:
        """Price at a moment: the close of the last candle that had ended by then; None where none had."""
        return self.closed.close_at(moment)

    def value_between(self, start: int, end: int) -> float:
        """Quote currency traded in the closed candles that opened in [start, end)."""
        return self.closed.value_between(start, end)

    def gapped(self, since: int) -> bool:
        """May trades after `since` be missing?"""
        return self.gap_end > since

    def tear(self, start: int, end: int, why: str = LOST) -> list[Candle]:
        """Mark a gap, and the candles that it touches. Several are kept as the one stretch that covers them.

        Returns the closed candles that counted as whole until now.
        """
        self.gap_start = min(self.gap_start, start) if self.gap_end else start
        self.gap_end, self.gap_why = max(self.gap_end, end), why
        return self.spoil(start - EDGE_MS, end + EDGE_MS, Quality.GAPPED, why)

    def heal(self, seen: int) -> None:
        """Forget the gap, where the venue was asked after its end."""
        if seen >= self.gap_end:
            self.gap_start = self.gap_end = 0

    def listen(self, since: int) -> list[Candle]:
        """We have listened since then: what began before is partial. Returns the closed ones of those."""
        self.since = since
        return self.spoil(0, since, Quality.PARTIAL, JOINED)

    def spoil(self, start: int, end: int, quality: Quality, reason: str) -> list[Candle]:
        """Say of what overlaps [start, end) that it is not whole. Returns the closed ones of which it is news."""
        if self.forming is not None and self.forming.opens < end:
            self.forming.spoil(quality, reason)
        return self.closed.spoil(start, end, quality, reason)

    def adopt(self, bars: Iterable[Bar], today: int, counted: int = 0) -> tuple[float, float]:
        """Take the venue's own bars, oldest first: they replace what is here, and heal the gap they reach over.

        Its bar of the candle that is forming here lends that one its open and its extremes, and the larger of both
        volumes: which of the newest trades it holds cannot be told. A closed bar as new as the forming candle, or
        newer, ends that candle. Asking for a stretch twice changes nothing the second time.

        Returns:
            Traded value and volume that the closed candles gained in the day that began at `today`. Of what is older
            than all that is kept here, nothing from `counted` on (0 = never): that was told before it was forgotten.
        """
        rows = sorted(bars, key=lambda bar: bar.opens)
        shut = [bar for bar in rows if bar.closed]
        known = [*self.closed]
        before, kept_from = _traded(known, today), known[0].opens if known else 0
        if self.forming and shut and shut[-1].opens >= self.forming.opens:
            known.append(self.forming)
            self.forming = None
        known = self._merge(known, shut)
        self.pending = next((bar for bar in rows if not bar.closed), None)
        self._expect()
        if rows:
            self.heal(max(bar.seen for bar in rows))
        after = _traded((row for row in known if not 0 < counted <= row.opens < kept_from), today)
        return after[0] - before[0], after[1] - before[1]

    def _merge(self, candles: list[Candle], bars: list[Bar]) -> list[Candle]:
        """All of both, oldest first: kept as far as there is room, and counted in the indicators."""
        if not bars:
            return candles
        known = {candle.opens: candle for candle in candles} | {bar.opens: _settled(bar) for bar in bars}
        every = [known[opens] for opens in sorted(known)]
        self.gauges.reset()
        for candle in every:
            self.gauges.update(candle.high, candle.low, candle.close)
        self.closed.replace(every)
        return every

    def _expect(self) -> None:
        """Unite the forming candle with the venue's bar of the same stretch, once both are there."""
        candle, bar = self.forming, self.pending
        if candle is None or bar is None or bar.opens > candle.opens:
            return
        self.pending = None
        if bar.opens == candle.opens:
            candle.spoil(Quality.PARTIAL, UNITED)
            candle.open, candle.first_at = bar.open, bar.opens
            candle.high, candle.low = max(candle.high, bar.high), min(candle.low, bar.low)
            candle.volume, candle.value = max(candle.volume, bar.volume), max(candle.value, bar.value)

    def _begin(self, at: int, price: float) -> Candle:
        start = max(at - at % self.span, self.days.day_start(Millis(at)))
        candle = Candle(start, min(at - at % self.span + self.span, self.days.day_end(Millis(at))), at, price)
        if start < self.gap_end + EDGE_MS and candle.ends > self.gap_start - EDGE_MS and self.gap_end:
            candle.spoil(Quality.GAPPED, self.gap_why)
        elif start < self.since:
            candle.spoil(Quality.PARTIAL, JOINED)
        return candle

    def _finish(self, candle: Candle, changes: list[Change]) -> None:
        self.forming = None
        self._append(candle, changes)

    def _append(self, candle: Candle, changes: list[Change]) -> None:
        self.closed.append(candle)
        self.gauges.update(candle.high, candle.low, candle.close)
        changes.append(Change(self, candle, amended=False))

    def _amend(
        self, candle: Candle, at: int, price: float, quantity: float, amount: float, changes: list[Change]
    ) -> None:
        if candle.settled:
            return
        was = candle.close
        candle.add(at, price, quantity, amount)
        self.gauges.amend(was, candle.high, candle.low, candle.close)
        changes.append(Change(self, candle, amended=True))


class Change(NamedTuple):
    """A candle of `series` that closed, or that a late trade amended after it had."""

    series: Series
    candle: Candle
    amended: bool


def _traded(candles: Iterable[Candle], since: int) -> tuple[float, float]:
    rows = [candle for candle in candles if candle.opens >= since]
    return sum(candle.value for candle in rows), sum(candle.volume for candle in rows)


def _settled(bar: Bar) -> Candle:
    candle = Candle(bar.opens, bar.opens + bar.span, bar.opens, bar.open)
    candle.high, candle.low, candle.close = bar.high, bar.low, bar.close
    candle.volume, candle.value = bar.volume, bar.value
    candle.last_at, candle.settled = candle.ends - 1, True
    candle.quality, candle.reason = Quality.BACKFILLED.value, BY_THE_VENUE
    return candle
