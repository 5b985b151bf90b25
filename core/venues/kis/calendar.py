"""KRX's time: which days trade, from when to when, and what kind of trading goes on at each moment.

What holds for a day, first to last: the owner's `hours`, what the venue told at run time (the holiday call), the table
shipped in holidays.json (`make calendar`), and Monday to Friday 09:00 to 15:30. Source: reference/kis.md 9.

A market's day runs from one cut to the next; every cut follows a close, so each day has exactly one close in it, and
weekends and holidays belong to the trading day after them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from importlib.resources import files
from typing import NamedTuple

from core.domain.phases import Phase
from core.domain.policies import DayPolicy
from core.domain.sessions import TOLD, Calendar, of_day
from core.domain.values import DAY, HOUR, KST, MINUTE, Millis

_TABLE = json.loads(files(__package__).joinpath("holidays.json").read_bytes())
HOLIDAYS = frozenset(_TABLE["closed"])
HOURS: dict[str, tuple[str, str]] = {day: (opens, closes) for day, (opens, closes) in _TABLE["hours"].items()}
LAST: str = _TABLE["last"]
"""The last day that the table knows; after it only weekends are closed, unless the holiday call says more."""

LONGER_SINCE = "2016-08-01"  # before, a day ended at 15:00
AFTER_SINCE = "2026-09-14"  # the after-market replaced the single price of the evening

OPENING = Millis(30 * MINUTE)
CLOSING = Millis(10 * MINUTE)
SETTLED = (Millis(10 * MINUTE), Millis(30 * MINUTE))
"""Trading at the day's close: from, until, after the close."""

CUT = Millis(30 * MINUTE)
"""A day is cut this long after its last close at the earliest: the auction's fills and their settling belong to it.
`DayPolicy.settle_s` is another length.
"""

EVENING = Millis(20 * HOUR)
WEEKEND = 5
FURTHEST = 60
"""Days to look for the next session: the longest KRX has ever been closed is under two weeks."""


class Session(NamedTuple):
    """One trading day, every moment in epoch ms. `closing` is when the closing auction begins, `evening` the last
    end of trading of any kind; `traded` the stretches that the owner trades in, `cut` the end of the market's day.
    """

    day: str
    opens: Millis
    closing: Millis
    closes: Millis
    evening: Millis
    traded: tuple[tuple[Millis, Millis], ...]
    cut: Millis

    @property
    def ends(self) -> Millis:
        """What must be sold that day is sold before this."""
        return self.traded[-1][1]


def calendar(policy: DayPolicy, told: Mapping[str, bool] = TOLD) -> Calendar:
    """KRX's calendar under the owner's settings; `told` is whether single days are open, by name.

    >>> days = calendar(DayPolicy())
    >>> days.day_of(Millis(1_795_132_800_000)), days.phase(Millis(1_795_132_800_000))  # 2026-11-20 09:00
    ('2026-11-20', <Phase.REGULAR: 'regular'>)
    """
    find = _Sessions(policy, told)
    return Calendar(
        is_open=lambda at: _is_open(find.of(at), at),
        day_start=lambda at: find.before(find.of(at)).cut,
        day_end=lambda at: find.of(at).cut,
        day_of=lambda at: find.of(at).day,
        opens=lambda at: _opens(find.of(at), find, at),
        closes=lambda at: _closes(find.of(at), find, at),
        closed=lambda at: _closed(find.of(at), find, at),
        phase=lambda at: _phase(find.of(at), find, at),
        flat=policy.liquidate is not False,
    )


class _Sessions:
    """Finds the trading day whose market day a moment lies in, and remembers what it found."""

    def __init__(self, policy: DayPolicy, told: Mapping[str, bool]) -> None:
        self._policy, self._told = policy, told
        self._known: dict[int, Session | None] = {}
        self._now: Session | None = None
        self._since = Millis(0)

    def of(self, at: Millis) -> Session:
        """The first trading day with a cut later than `at`."""
        now = self._now
        if now is None or not self._since <= at < now.cut:
            self._now = now = next(each for each in self._from(_number(at) - 1) if each.cut > at)
            self._since = self.before(now).cut
        return now

    def after(self, session: Session) -> Session:
        return next(self._from(_number_of(session.day) + 1))

    def before(self, session: Session) -> Session:
        number = _number_of(session.day)
        back = (self.on(each) for each in range(number - 1, number - FURTHEST, -1))
        return next(each for each in back if each is not None)

    def _from(self, number: int) -> Iterator[Session]:
        days = (self.on(each) for each in range(number, number + FURTHEST))
        return (each for each in days if each is not None)

    def on(self, number: int) -> Session | None:
        if number not in self._known:
            self._known[number] = _session(number, self._policy, self._told)
        return self._known[number]


def _session(number: int, policy: DayPolicy, told: Mapping[str, bool]) -> Session | None:
    """The trading day with that number (days since 1970), None where nothing trades."""
    day = (date(1970, 1, 1) + timedelta(days=number)).isoformat()
    hours = _hours(day, policy, told)
    if hours is None:
        return None
    midnight = Millis(number * DAY - KST)
    opens, closes = (Millis(midnight + of_day(text)) for text in hours)
    auction = CLOSING if policy.auction_s is None else Millis(round(policy.auction_s * 1000))
    closing = max(opens, Millis(closes - auction))
    evening = max(Millis(closes + SETTLED[1]), Millis(midnight + _evening(day)))
    stretches = {
        Phase.OPENING: (Millis(opens - OPENING), opens),
        Phase.REGULAR: (opens, closes),
        Phase.SETTLED: (Millis(closes + SETTLED[0]), Millis(closes + SETTLED[1])),
        Phase.AFTER: (Millis(closes + SETTLED[1]), evening),
    }
    chosen = (stretches[phase] for phase in stretches if phase in policy.trade_in)
    traded = tuple(stretch for stretch in chosen if stretch[0] < stretch[1]) or (stretches[Phase.REGULAR],)
    settle = CUT if policy.settle_s is None else round(policy.settle_s * 1000)
    cut = max(Millis(midnight + of_day(policy.ends)), Millis(traded[-1][1] + settle))
    return Session(day, opens, closing, closes, evening, traded, cut)


def _hours(day: str, policy: DayPolicy, told: Mapping[str, bool]) -> tuple[str, str] | None:
    own = policy.hours.get(day)
    if own is not None:
        return None if own == "closed" else _pair(own)
    usual = HOURS.get(day, ("09:00", "15:30" if day >= LONGER_SINCE else "15:00"))
    weekday = date.fromisoformat(day).weekday() < WEEKEND
    return usual if told.get(day, weekday and day not in HOLIDAYS) else None


def _pair(text: str) -> tuple[str, str]:
    opens, _, closes = text.partition("-")
    return opens, closes


def _evening(day: str) -> Millis:
    return EVENING if day >= AFTER_SINCE else Millis(0)


def _number(at: int) -> int:
    """Days since 1970, in Korea."""
    return (at + KST) // DAY


def _number_of(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days


def _is_open(session: Session, at: Millis) -> bool:
    return any(begins <= at < ends for begins, ends in session.traded)


def _opens(session: Session, find: _Sessions, at: Millis) -> Millis:
    for begins, ends in session.traded:
        if at < ends:
            return max(at, begins)
    return find.after(session).traded[0][0]


def _closes(session: Session, find: _Sessions, at: Millis) -> Millis:
    return session.ends if at < session.ends else find.after(session).ends


def _closed(session: Session, find: _Sessions, at: Millis) -> Millis:
    return session.ends if at >= session.ends else find.before(session).ends


def _phase(session: Session, find: _Sessions, at: Millis) -> Phase:
    """The evening of the day before may run on after its cut."""
    previous = find.before(session)
    return _within(previous if at < previous.evening else session, at)


def _within(session: Session, at: Millis) -> Phase:
    marks: tuple[tuple[int, Phase], ...] = (
        (session.opens - OPENING, Phase.CLOSED),
        (session.opens, Phase.OPENING),
        (session.closing, Phase.REGULAR),
        (session.closes, Phase.CLOSING),
        (session.closes + SETTLED[0], Phase.CLOSED),
        (session.closes + SETTLED[1], Phase.SETTLED),
        (session.evening, Phase.AFTER),
    )
    return next((phase for until, phase in marks if at < until), Phase.CLOSED)


NXT_OPENS, NXT_CLOSES = Millis(30_000), Millis(10 * MINUTE)
NXT_BEFORE = (Millis(8 * HOUR), Millis(8 * HOUR + 50 * MINUTE))


def nxt_phase(policy: DayPolicy, told: Mapping[str, bool] = TOLD) -> Callable[[Millis], Phase]:
    """What goes on at the alternative venue NXT: BEFORE stands for its pre-market, AFTER for its after-market.

    Its main market opens 30 s after KRX and ends ten minutes before it; a day that opens late has no pre-market.
    """
    find = _Sessions(policy, told)

    def phase(at: Millis) -> Phase:
        session = find.on(_number(at))
        return Phase.CLOSED if session is None else _at_nxt(session, at)

    return phase


def _at_nxt(session: Session, at: Millis) -> Phase:
    midnight = _number_of(session.day) * DAY - KST
    late = session.opens - midnight > 9 * HOUR
    marks = (
        (midnight + NXT_BEFORE[0], Phase.CLOSED),
        (midnight + NXT_BEFORE[1], Phase.CLOSED if late else Phase.BEFORE),
        (session.opens + NXT_OPENS, Phase.CLOSED),
        (session.closes - NXT_CLOSES, Phase.REGULAR),
        (session.closes + (0 if late else SETTLED[0]), Phase.CLOSED),
        (midnight + EVENING, Phase.AFTER),
    )
    return next((each for until, each in marks if at < until), Phase.CLOSED)
