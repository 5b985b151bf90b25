"""When a schedule of `template.yaml` fires: EventBridge's cron and rate expressions, pure.

The embedded AWS drops the time zone and the input of a schedule, so the clockwork asks here instead.
Source: EventBridge Scheduler user guide, "Schedule types": fields are minutes, hours, day of month, month,
day of week (1 = Sunday), year; one of the two day fields is `?`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from core.domain.errors import Misconfigured
from core.domain.values import DAY, HOUR, KST, MINUTE, Millis

ZONES = {"Asia/Seoul": KST, "UTC": Millis(0)}
"""Zones without daylight saving time, as offsets: a machine without a zone database works too."""

UNITS = {"minute": MINUTE, "hour": HOUR, "day": DAY}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

FIELDS = (
    ("minutes", 0, 59, ()),
    ("hours", 0, 23, ()),
    ("days", 1, 31, ()),
    ("months", 1, 12, MONTHS),
    ("weekdays", 1, 7, WEEKDAYS),
    ("years", 1970, 2199, ()),
)


class Cron(msgspec.Struct, frozen=True, kw_only=True):
    """The values each field allows; `days` and `weekdays` are full where the expression says `*` or `?`."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]
    offset: Millis = KST


class Rate(msgspec.Struct, frozen=True):
    """Every so many milliseconds, counted from when it was started."""

    period: Millis


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """One schedule of one function. `input` is the event it is given, before the scheduled time is put in."""

    function: str
    name: str
    when: Cron | Rate
    input: str
    enabled: bool = True


def read(expression: str, zone: str = "Asia/Seoul") -> Cron | Rate:
    """Read `cron(...)` or `rate(...)`. Raises Misconfigured naming the part that does not read.

    >>> read("rate(5 minutes)")
    Rate(period=300000)
    """
    if zone not in ZONES:
        raise Misconfigured("the clockwork does not know this time zone", zone=zone, known=", ".join(ZONES))
    if rate := re.fullmatch(r"rate\(([1-9]\d*) (minute|hour|day)s?\)", expression):
        return Rate(Millis(int(rate[1]) * UNITS[rate[2]]))
    cron = re.fullmatch(r"cron\((.+)\)", expression)
    parts = cron[1].split() if cron else []
    if len(parts) != len(FIELDS):
        raise Misconfigured("a schedule is neither cron with six fields nor a rate", written=expression)
    if (parts[2] == "?") == (parts[4] == "?"):
        raise Misconfigured("exactly one of day of month and day of week must be ?", written=expression)
    sets = {name: _field(part, low, high, names) for part, (name, low, high, names) in zip(parts, FIELDS, strict=True)}
    return Cron(**sets, offset=ZONES[zone])


def fires(when: Cron | Rate, after: Millis, until: Millis, start: Millis) -> list[Millis]:
    """Every moment of the schedule in (after, until]; `start` is when a rate began to count."""
    match when:
        case Rate(period):
            first = start + ((after - start) // period + 1) * period
            return [Millis(at) for at in range(first, until + 1, period)]
        case _:
            return list(_minutes(when, after, until))


def schedules(functions: dict[str, dict[str, Any]]) -> list[Schedule]:
    """Every schedule of the template's functions (logical id -> properties)."""
    return [
        Schedule(
            function=function,
            name=name,
            when=read(own["ScheduleExpression"], own.get("ScheduleExpressionTimezone", "UTC")),
            input=own.get("Input", "{}"),
            enabled=own.get("State") != "DISABLED",
        )
        for function, properties in functions.items()
        for name, event in properties.get("Events", {}).items()
        if event["Type"] == "ScheduleV2"
        for own in [event["Properties"]]
    ]


def _minutes(cron: Cron, after: Millis, until: Millis) -> Iterator[Millis]:
    at = (after // MINUTE + 1) * MINUTE
    while at <= until:
        local = datetime.fromtimestamp(at // 1000, UTC) + timedelta(milliseconds=cron.offset)
        if not _day_matches(cron, local):
            at += DAY - (at + cron.offset) % DAY
        elif local.hour not in cron.hours:
            at += HOUR - (at + cron.offset) % HOUR
        else:
            if local.minute in cron.minutes:
                yield Millis(at)
            at += MINUTE


def _day_matches(cron: Cron, local: datetime) -> bool:
    return (
        local.year in cron.years
        and local.month in cron.months
        and local.day in cron.days
        and local.isoweekday() % 7 + 1 in cron.weekdays
    )


def _field(text: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        found |= _range(part, low, high, names)
    return frozenset(found)


def _range(part: str, low: int, high: int, names: tuple[str, ...]) -> set[int]:
    body, slash, step = part.partition("/")
    if (slash and not re.fullmatch(r"[1-9]\d*", step)) or not body:
        raise Misconfigured("a schedule's step does not read", written=part)
    if body in ("*", "?"):
        return set(range(low, high + 1, int(step or 1)))
    first, dash, last = body.partition("-")
    start = _number(first, low, high, names)
    end = _number(last, low, high, names) if dash else (high if slash else start)
    if end < start:
        raise Misconfigured("a schedule's range runs backwards", written=part)
    return set(range(start, end + 1, int(step or 1)))


def _number(text: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + low
    if not text.isdecimal() or not low <= int(text) <= high:
        raise Misconfigured("a schedule's field does not read", written=text, allowed=f"{low} to {high}")
    return int(text)
