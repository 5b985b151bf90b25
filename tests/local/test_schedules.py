"""When schedules fire (DESIGN section 2: all times KST)."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import Misconfigured
from core.domain.values import MINUTE, Millis
from core.local import template
from core.local.schedules import Cron, Rate, fires, read, schedules

KOREA = timezone(timedelta(hours=9))
FROM, TO = 1_700_000_000_000, 1_900_000_000_000


def kst(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(KOREA)


def millis(*parts: int) -> Millis:
    return Millis(int(datetime(*parts, tzinfo=KOREA).timestamp() * 1000))


def test_every_schedule_of_the_template_reads_and_fires_within_two_weeks():
    """I1: schedules in KST."""
    found = schedules(template.functions(template.load()))
    start = millis(2026, 11, 20)

    assert len(found) >= 6
    for one in found:
        moments = fires(one.when, start, Millis(start + 14 * 86_400_000), start)
        assert moments, f"{one.function}.{one.name} never fires"
        assert '"scheduled"' in one.input


def test_before_krx_opens_means_twenty_past_eight_in_korea_on_weekdays():
    """A1 of DESIGN 2: 08:20 before KRX opens."""
    week = fires(read("cron(20 8 ? * MON-FRI *)"), millis(2026, 11, 21), millis(2026, 11, 28), Millis(0))

    assert [kst(at).strftime("%a %H:%M") for at in week] == [
        f"{day} 08:20" for day in ("Mon", "Tue", "Wed", "Thu", "Fri")
    ]


def test_the_hour_of_another_zone_is_nine_hours_away():
    korea = fires(read("cron(0 9 * * ? *)"), millis(2026, 1, 1), millis(2026, 1, 2), Millis(0))
    london = fires(read("cron(0 0 * * ? *)", "UTC"), millis(2026, 1, 1), millis(2026, 1, 2), Millis(0))

    assert korea == london == [millis(2026, 1, 1, 9)]


def test_a_step_from_a_start_runs_to_the_end_of_the_field():
    assert read("cron(5/10 * * * ? *)").minutes == frozenset({5, 15, 25, 35, 45, 55})
    assert read("cron(0-30/15,59 * * * ? *)").minutes == frozenset({0, 15, 30, 59})


def test_a_month_and_a_last_year_are_kept():
    assert fires(read("cron(0 0 1 FEB ? 2030)"), millis(2029, 1, 1), millis(2031, 1, 1), Millis(0)) == [
        millis(2030, 2, 1)
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "every minute",
        "cron(* * * * *)",
        "cron(* * * * * *)",
        "cron(* * ? * ? *)",
        "cron(60 * * * ? *)",
        "cron(5-1 * * * ? *)",
        "cron(*/0 * * * ? *)",
        "cron(/5 * * * ? *)",
        "cron(0 0 L * ? *)",
        "rate(0 minutes)",
        "rate(5 fortnights)",
    ],
)
def test_what_is_not_a_schedule_is_refused_by_name(wrong):
    with pytest.raises(Misconfigured):
        read(wrong)


def test_a_zone_with_daylight_saving_time_is_refused():
    with pytest.raises(Misconfigured, match="America/New_York"):
        read("rate(1 hour)", "America/New_York")


def fields(low: int, high: int):
    values = st.sets(st.integers(low, high), min_size=1, max_size=6)
    return st.one_of(st.just("*"), values.map(lambda found: ",".join(str(value) for value in sorted(found))))


crons = st.builds(
    lambda minute, hour, day, month: f"cron({minute} {hour} {day} {month} ? *)",
    fields(0, 59),
    fields(0, 23),
    fields(1, 31),
    fields(1, 12),
)


@given(crons, st.integers(FROM, TO))
def test_fires_are_exactly_the_minutes_that_every_field_allows(expression, after):
    cron = read(expression)
    until = after + 3 * 86_400_000

    found = set(fires(cron, Millis(after), Millis(until), Millis(0)))

    assert isinstance(cron, Cron)
    for at in range((after // MINUTE + 1) * MINUTE, until + 1, MINUTE):
        moment = kst(at)
        allowed = (
            moment.minute in cron.minutes
            and moment.hour in cron.hours
            and moment.day in cron.days
            and moment.month in cron.months
        )
        assert (at in found) == allowed


@given(crons, st.integers(FROM, TO), st.lists(st.integers(0, 86_400_000), max_size=5))
def test_cutting_the_time_into_pieces_loses_and_repeats_no_fire(expression, after, cuts):
    cron, edges = read(expression), sorted([after, after + 86_400_000, *(after + cut for cut in cuts)])

    pieces = [at for low, high in pairwise(edges) for at in fires(cron, Millis(low), Millis(high), Millis(0))]

    assert pieces == fires(cron, Millis(edges[0]), Millis(edges[-1]), Millis(0))


@given(st.integers(1, 500), st.integers(FROM, TO), st.integers(0, 86_400_000))
def test_a_rate_fires_at_whole_periods_from_its_start(minutes, start, length):
    rate = read(f"rate({minutes} minutes)")
    assert isinstance(rate, Rate)

    found = fires(rate, Millis(start), Millis(start + length), Millis(start))

    assert found == [start + n * rate.period for n in range(1, length // rate.period + 1)]
