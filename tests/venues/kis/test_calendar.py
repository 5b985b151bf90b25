"""B6, E6: KRX's days, hours, auctions and holidays. Source: reference/kis.md 9 and the shipped table."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.domain.phases import Phase
from core.domain.policies import DayPolicy
from core.domain.sessions import awake, latest_day, liquidating, settling, thin_liquidating
from core.domain.values import DAY, HOUR, KST, MINUTE, Millis
from core.venues.kis.calendar import HOLIDAYS, HOURS, LAST, calendar, nxt_phase

DATA = Path(__file__).parents[3] / ".." / "shared" / "data" / "krx"
DAYS = calendar(DayPolicy())


def at(text):
    """Epoch ms of a moment in Korea."""
    return Millis(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000) - KST)


moments = st.integers(at("2012-01-01"), at("2028-06-01")).map(Millis)
policies = st.builds(
    DayPolicy,
    trade_in=st.sets(st.sampled_from([Phase.OPENING, Phase.REGULAR, Phase.SETTLED, Phase.AFTER])).map(tuple),
    ends=st.sampled_from(["09:00", "15:45", "18:30", "23:59"]),
    auction_s=st.sampled_from([None, 0.0, 30.0]),
)


@given(moment=moments, policy=policies)
def test_every_moment_lies_in_one_day_that_has_one_close(moment, policy):
    days = calendar(policy)
    start, end = days.day_start(moment), days.day_end(moment)

    assert start <= moment < end
    assert days.day_start(end) == end
    assert days.day_of(start) == days.day_of(Millis(end - 1)) == days.day_of(moment)
    assert days.day_of(end) > days.day_of(moment)
    assert start < days.closes(start) < end
    assert days.closes(days.closes(start)) > end


@given(moment=moments, policy=policies)
def test_a_close_is_the_first_after_and_the_last_before(moment, policy):
    days = calendar(policy)
    closes, closed = days.closes(moment), days.closed(moment)

    assert closed <= moment < closes
    assert days.closes(closed) == closes
    assert days.closed(closes) == closes
    assert days.is_open(Millis(closes - 1))
    assert not days.is_open(closes)


@given(moment=moments, policy=policies)
def test_a_market_opens_now_where_it_is_open_and_else_at_the_next_opening(moment, policy):
    days = calendar(policy)
    opens = days.opens(moment)

    assert days.is_open(opens)
    assert (opens == moment) is days.is_open(moment)
    assert opens == moment or not days.is_open(Millis(opens - 1))
    assert awake(moment, days) is (opens - moment <= HOUR)


@given(moment=moments)
def test_a_calendar_gives_the_same_answer_whatever_it_was_asked_before(moment):
    fresh = calendar(DayPolicy())

    for name in ("is_open", "day_start", "day_end", "day_of", "opens", "closes", "closed", "phase"):
        assert getattr(DAYS, name)(moment) == getattr(fresh, name)(moment)


@given(moment=moments)
def test_the_market_is_open_in_the_regular_session_and_its_closing_auction_and_nowhere_else(moment):
    assert DAYS.is_open(moment) is (DAYS.phase(moment) in {Phase.REGULAR, Phase.CLOSING})


@pytest.mark.parametrize(
    ("moment", "phase", "nxt"),
    [
        ("2026-11-20 07:59:59", Phase.CLOSED, Phase.CLOSED),
        ("2026-11-20 08:00:00", Phase.CLOSED, Phase.BEFORE),
        ("2026-11-20 08:29:59", Phase.CLOSED, Phase.BEFORE),
        ("2026-11-20 08:30:00", Phase.OPENING, Phase.BEFORE),
        ("2026-11-20 08:50:00", Phase.OPENING, Phase.CLOSED),
        ("2026-11-20 09:00:00", Phase.REGULAR, Phase.CLOSED),
        ("2026-11-20 09:00:30", Phase.REGULAR, Phase.REGULAR),
        ("2026-11-20 15:19:59", Phase.REGULAR, Phase.REGULAR),
        ("2026-11-20 15:20:00", Phase.CLOSING, Phase.CLOSED),
        ("2026-11-20 15:30:00", Phase.CLOSED, Phase.CLOSED),
        ("2026-11-20 15:40:00", Phase.SETTLED, Phase.AFTER),
        ("2026-11-20 16:00:00", Phase.AFTER, Phase.AFTER),
        ("2026-11-20 19:59:59", Phase.AFTER, Phase.AFTER),
        ("2026-11-20 20:00:00", Phase.CLOSED, Phase.CLOSED),
        ("2026-11-21 10:00:00", Phase.CLOSED, Phase.CLOSED),  # a Saturday
        ("2026-09-11 15:59:59", Phase.SETTLED, Phase.AFTER),
        ("2026-09-11 16:00:00", Phase.CLOSED, Phase.AFTER),  # the last day before the after-market
        ("2026-09-14 16:00:00", Phase.AFTER, Phase.AFTER),
    ],
)
def test_the_day_has_its_phases_on_both_venues(moment, phase, nxt):
    assert DAYS.phase(at(moment)) is phase
    assert nxt_phase(DayPolicy())(at(moment)) is nxt


@pytest.mark.parametrize(
    ("moment", "phase", "nxt"),
    [
        ("2026-11-19 08:15:00", Phase.CLOSED, Phase.CLOSED),  # no pre-market on a day that opens late
        ("2026-11-19 09:29:59", Phase.CLOSED, Phase.CLOSED),
        ("2026-11-19 09:30:00", Phase.OPENING, Phase.CLOSED),
        ("2026-11-19 10:00:30", Phase.REGULAR, Phase.REGULAR),
        ("2026-11-19 16:19:59", Phase.REGULAR, Phase.REGULAR),
        ("2026-11-19 16:20:00", Phase.CLOSING, Phase.CLOSED),
        ("2026-11-19 16:30:00", Phase.CLOSED, Phase.AFTER),
        ("2026-11-19 17:00:00", Phase.AFTER, Phase.AFTER),
    ],
)
def test_on_the_day_of_the_entrance_exam_everything_is_an_hour_later(moment, phase, nxt):
    assert DAYS.phase(at(moment)) is phase
    assert nxt_phase(DayPolicy())(at(moment)) is nxt


def test_the_first_trading_day_of_a_year_opens_at_ten_and_closes_as_ever():
    assert DAYS.opens(at("2026-12-30 15:30")) == at("2027-01-04 10:00")
    assert DAYS.closes(at("2027-01-04 10:00")) == at("2027-01-04 15:30")


def test_until_august_2016_a_day_ended_at_three():
    assert DAYS.closes(at("2016-07-29 10:00")) == at("2016-07-29 15:00")
    assert DAYS.closes(at("2016-08-01 10:00")) == at("2016-08-01 15:30")


@pytest.mark.parametrize(
    "day",
    [
        "2026-02-17",  # lunar new year
        "2026-05-01",  # labour day
        "2026-05-25",  # Buddha's birthday, the Monday after
        "2026-06-03",  # local elections
        "2026-07-17",  # Constitution Day
        "2026-09-25",  # Chuseok
        "2026-12-31",  # year-end closing
        "2027-02-08",
        "2027-09-15",
        "2027-12-31",
    ],
)
def test_holidays_lunar_ones_labour_day_and_the_year_end_are_closed(day):
    assert not DAYS.is_open(at(f"{day} 11:00"))
    assert DAYS.phase(at(f"{day} 11:00")) is Phase.CLOSED


def test_the_table_agrees_with_an_independent_list_of_holidays():
    """FinanceDataReader's list names every holiday up to its making, without special ones decided later."""
    file = DATA / "holidays_krx.csv"
    if not file.exists():
        pytest.skip("no shared data beside this checkout")
    with file.open() as lines:
        days = [row["date"] for row in csv.DictReader(lines)]
    weekdays = {day for day in days if "2010" <= day <= LAST and date.fromisoformat(day).weekday() < 5}
    decided_later = {
        "2023-10-02",
        "2024-04-10",
        "2024-10-01",
        "2025-01-27",
        "2025-06-03",
        "2026-05-25",
        "2026-06-03",
        "2026-07-17",
    }
    assert {day for day in HOLIDAYS if day < "2027"} - decided_later == weekdays


def test_hours_of_their_own_are_those_of_trading_days():
    assert not HOLIDAYS & HOURS.keys()
    for day, (opens, closes) in HOURS.items():
        assert DAYS.opens(at(f"{day} 08:00")) == at(f"{day} {opens}")
        assert DAYS.closes(at(f"{day} 08:00")) == at(f"{day} {closes}")
    assert {day[:4] for day in HOURS if day[5:7] == "11"} >= {"2025", "2026", "2027"}


def test_whole_market_days_of_the_data_are_trading_days_and_the_empty_one_is_not():
    assert DAYS.is_open(at("2021-01-22 11:00"))
    assert DAYS.is_open(at("2020-12-30 11:00"))
    assert not DAYS.is_open(at("2021-01-23 11:00"))


def test_what_the_venue_tells_of_a_day_beats_the_table_and_the_owner_beats_both():
    told = {"2026-12-01": False, "2026-12-31": True, "2026-12-05": True}
    days = calendar(DayPolicy(), told)
    assert not days.is_open(at("2026-12-01 11:00"))
    assert days.is_open(at("2026-12-31 11:00"))
    assert days.is_open(at("2026-12-05 11:00"))  # a Saturday

    owned = calendar(DayPolicy(hours={"2026-12-01": "09:00-12:00", "2026-12-31": "closed"}), told)
    assert owned.closes(at("2026-12-01 11:00")) == at("2026-12-01 12:00")
    assert owned.phase(at("2026-12-01 11:55")) is Phase.CLOSING
    assert not owned.is_open(at("2026-12-31 11:00"))


def test_a_pressed_day_may_run_past_midnight():
    policy = DayPolicy(hours={"2026-11-21": "23:58:30-24:01"}, auction_s=10.0, settle_s=5.0)
    days = calendar(policy)
    assert days.is_open(at("2026-11-22 00:00:10"))
    assert days.phase(at("2026-11-22 00:00:55")) is Phase.CLOSING
    assert days.closes(at("2026-11-21 23:59")) == at("2026-11-22 00:01")
    assert days.day_of(at("2026-11-22 00:01:04")) == "2026-11-21"
    assert days.day_of(at("2026-11-22 00:01:05")) == "2026-11-23"


def test_a_day_is_cut_half_an_hour_after_its_close_or_later_where_the_owner_says():
    assert DAYS.day_end(at("2026-11-20 11:00")) == at("2026-11-20 16:00")
    assert DAYS.day_end(at("2026-11-19 11:00")) == at("2026-11-19 17:00")
    assert calendar(DayPolicy(ends="18:00")).day_end(at("2026-11-20 11:00")) == at("2026-11-20 18:00")


def test_weekends_and_holidays_belong_to_the_trading_day_after_them():
    assert DAYS.day_of(at("2026-11-20 16:00")) == "2026-11-23"
    assert DAYS.day_of(at("2026-12-30 17:00")) == "2027-01-04"


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-20 08:59", "2026-11-19"),
        ("2026-11-20 09:00", "2026-11-20"),
        ("2026-11-20 23:00", "2026-11-20"),
        ("2026-11-22 12:00", "2026-11-20"),
    ],
)
def test_what_people_call_today_is_the_last_day_that_has_traded(moment, day):
    assert latest_day(at(moment), DAYS) == day


def test_other_phases_are_traded_in_where_the_owner_says():
    days = calendar(DayPolicy(trade_in=(Phase.REGULAR, Phase.AFTER)))
    assert days.is_open(at("2026-11-20 19:00"))
    assert not days.is_open(at("2026-11-20 15:45"))
    assert days.opens(at("2026-11-20 15:45")) == at("2026-11-20 16:00")
    assert days.closes(at("2026-11-20 11:00")) == at("2026-11-20 20:00")
    assert days.day_end(at("2026-11-20 11:00")) == at("2026-11-20 20:30")


def test_shares_are_sold_before_the_close_unless_the_owner_holds_them():
    policy = DayPolicy()
    before = lambda minutes: Millis(at("2026-11-20 15:30") - minutes * MINUTE)
    assert liquidating(before(15), policy, DAYS)
    assert not liquidating(before(16), policy, DAYS)
    assert thin_liquidating(before(25), policy, DAYS)
    assert not thin_liquidating(before(26), policy, DAYS)
    assert liquidating(at("2026-11-19 16:15"), policy, DAYS)

    holding = replace(policy, liquidate=False)
    assert not liquidating(before(1), holding, calendar(holding))
    assert not settling(at("2026-11-20 15:31"), calendar(holding))


def test_just_after_a_close_it_is_time_to_settle():
    assert not settling(at("2026-11-20 15:29:59"), DAYS)
    assert settling(at("2026-11-20 15:30"), DAYS)
    assert settling(at("2026-11-20 15:39:59"), DAYS)
    assert not settling(at("2026-11-20 15:40"), DAYS)


def test_years_that_no_table_knows_trade_on_weekdays():
    day = date(2031, 3, 3)
    assert DAYS.is_open(at(f"{day} 11:00"))
    assert not DAYS.is_open(at(f"{day - timedelta(days=1)} 11:00"))


def test_the_next_close_is_found_across_the_longest_holidays():
    assert DAYS.closes(at("2017-09-29 16:00")) == at("2017-10-10 15:30")
    assert DAYS.closed(at("2017-10-10 08:00")) == at("2017-09-29 15:30")
    assert DAYS.day_end(at("2017-10-05 00:00")) - DAYS.day_start(at("2017-10-05 00:00")) == 11 * DAY
