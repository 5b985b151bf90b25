"""KIS's candles and their traps (reference/kis.md 6)."""

import pytest

from core.domain.errors import Refused
from core.domain.policies import Environment
from core.domain.values import DAY, HOUR, MINUTE, Millis
from core.venues.flow import run
from core.venues.kis.charts import PAGES
from core.venues.kis.figures import midnight, stamp
from core.venues.kis.rest import REST
from tests.venues.kis.desk import SEEN, Desk, day_rows, minute_rows, sessions

MOCK = REST.at(Environment.MOCK)
FIVE = Millis(5 * MINUTE)
TODAY = midnight("20261120")
NINE = stamp("20261120", "090000")


def bars(desk, span, count, until=None, spec=REST, seen=SEEN):
    return run(spec.bars("005930", span, count, until, seen), desk)


def desk_of(minutes=(), days=(), **options):
    desk = Desk("005930", **options)
    desk.minutes, desk.days = list(minutes), list(days)
    return desk


# ---- days -------------------------------------------------------------------------------------------------------


def test_finished_days_come_oldest_first_with_one_call():
    desk = desk_of(days=day_rows(60))

    found = bars(desk, DAY, 19, TODAY)

    assert len(found) == 19
    assert [bar.opens for bar in found] == sorted({bar.opens for bar in found})
    assert found[-1].opens == TODAY - DAY
    assert (found[0].open, found[0].high, found[0].low, found[0].close, found[0].volume, found[0].value) == (
        99,
        110,
        90,
        100,
        7,
        700,
    )
    assert all(bar.closed for bar in found)
    assert len(desk.asked) == 1


def test_more_days_than_a_page_are_paged_and_none_comes_twice():
    desk = desk_of(days=day_rows(300))

    found = bars(desk, DAY, 250)

    assert len({bar.opens for bar in found}) == len(found) == 250
    assert len(desk.asked) == 3
    assert not found[-1].closed  # today's


def test_a_young_stock_has_what_it_has():
    desk = desk_of(days=day_rows(4))

    assert len(bars(desk, DAY, 19, TODAY)) == 3
    assert len(desk.asked) == 1


def test_a_day_without_trades_has_its_close_for_every_price_and_blank_rows_are_dropped():
    still = {
        **day_rows(2)[1],
        "stck_oprc": "0",
        "stck_hgpr": "0",
        "stck_lwpr": "0",
        "acml_vol": "0",
        "acml_tr_pbmn": "0",
    }
    nothing = {**day_rows(3)[2], "stck_clpr": "0"}

    [bar] = bars(desk_of(days=[still, nothing, {}]), DAY, 5, TODAY)

    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (100, 100, 100, 100, 0)


# ---- minutes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wide", "asked"),
    [
        (True, ["inquire-time-itemchartprice", "inquire-time-dailychartprice"]),
        (
            False,
            ["inquire-time-itemchartprice", "inquire-time-dailychartprice", "inquire-time-itemchartprice"],
        ),
    ],
)
def test_todays_newest_minutes_come_thirty_at_a_time_and_older_ones_120_where_kis_tells_them(wide, asked):
    """Whether the call for earlier days tells today's minutes is UNCONFIRMED: one call finds out."""
    desk = desk_of(sessions("20261120", "20261119"), wide=wide)

    found = bars(desk, MINUTE, 60)

    assert [bar.opens for bar in found[-60:]] == [SEEN - SEEN % MINUTE - n * MINUTE for n in reversed(range(60))]
    assert len(found) == 60
    assert desk.paths() == asked
    assert (found[0].value, found[0].volume) == (200.0, 2.0)
    assert [bar.closed for bar in found[-2:]] == [True, False]


def test_beyond_today_the_days_before_are_asked_for():
    desk = desk_of(sessions("20261120", "20261119", "20261118"))

    found = bars(desk, MINUTE, 200)

    assert len({bar.opens for bar in found}) == 200
    assert desk.paths() == ["inquire-time-itemchartprice", *["inquire-time-dailychartprice"] * 2]
    assert [query["FID_INPUT_DATE_1"] for _, query in desk.asked[1:]] == ["20261120", "20261119"]


def test_the_mock_environment_has_the_minutes_of_today_only():
    desk = desk_of(sessions("20261120", "20261119"))

    found = bars(desk, MINUTE, 200, spec=MOCK)

    assert [found[0].opens, len(found)] == [NINE, 76]
    assert set(desk.paths()) == {"inquire-time-itemchartprice"}


def test_minutes_that_have_not_come_yet_are_dropped():
    """KIS fills them with the present price."""
    desk = desk_of()
    desk.trouble = {
        "inquire-time-itemchartprice": desk_of(
            minute_rows(NINE, stamp("20261120", "103000"))
        ).inquire_time_itemchartprice({"FID_INPUT_HOUR_1": "235959"}, "")
    }

    found = bars(desk, MINUTE, 10, spec=MOCK)

    assert found[-1].opens == SEEN - SEEN % MINUTE


def test_the_future_is_never_asked_about():
    desk = desk_of(sessions("20261120"))

    bars(desk, MINUTE, 5)
    bars(desk, MINUTE, 5, Millis(SEEN + HOUR))
    bars(desk, MINUTE, 5, Millis(NINE + 30 * MINUTE))

    assert [query["FID_INPUT_HOUR_1"] for _, query in desk.asked] == ["101530", "101530", "092959"]


def test_the_newest_minute_before_its_first_trade_is_no_candle():
    """It shows the volume of the minute before it; the day's value has not grown."""
    rows = minute_rows(NINE, Millis(SEEN - SEEN % MINUTE))
    rows[0] = {**rows[0], "acml_tr_pbmn": rows[1]["acml_tr_pbmn"]}

    found = bars(desk_of(rows), MINUTE, 3, spec=MOCK)

    assert found[-1].opens == SEEN - SEEN % MINUTE - MINUTE
    opening = minute_rows(NINE, NINE)
    opening[0]["acml_tr_pbmn"] = "0"
    assert bars(desk_of(opening), MINUTE, 3, spec=MOCK, seen=Millis(NINE + 1000)) == []


def test_the_first_row_of_what_came_has_its_value_by_price_and_volume():
    found = bars(desk_of(sessions("20261120")), MINUTE, 30)

    assert found[0].value == found[0].close * found[0].volume == 200.0


def test_all_lengths_are_made_from_the_same_minutes():
    """D8: what the default settings read of one symbol takes two calls, where each length by itself took 39 in all."""
    desk = desk_of(sessions("20261120", "20261119", "20261118"))

    found = run(REST.history("005930", {MINUTE: 78, FIVE: 21, HOUR: 0}, SEEN), desk)

    assert desk.paths() == ["inquire-time-itemchartprice", "inquire-time-dailychartprice"]
    assert (len(found[MINUTE]), len(found[FIVE])) == (150, 30)
    assert [bar.opens for bar in found[FIVE]] == sorted({bar.opens - bar.opens % FIVE for bar in found[MINUTE]})[1:]
    for span in (FIVE, HOUR):
        for bar in found[span]:
            within = [one for one in found[MINUTE] if one.opens - one.opens % span == bar.opens]
            assert bar.volume == sum(one.volume for one in within)
            assert (bar.open, bar.close) == (within[0].open, within[-1].close)
            assert within[0].opens == bar.opens  # none that lacks its beginning


def test_history_of_mock_is_todays():
    desk = desk_of(sessions("20261120", "20261119"))

    found = run(MOCK.history("005930", {MINUTE: 200, HOUR: 78}, SEEN), desk)

    assert (found[MINUTE][0].opens, found[HOUR][0].opens) == (NINE, NINE)
    with pytest.raises(Refused, match="length"):
        run(MOCK.history("005930", {Millis(7): 1}, SEEN), desk)


def test_longer_candles_are_made_from_whole_minutes():
    desk = desk_of(sessions("20261120", "20261119"))

    found = bars(desk, FIVE, 15)

    assert [bar.opens for bar in found] == [NINE + n * FIVE for n in range(1, 16)]
    assert (found[0].volume, found[0].open, found[0].high, found[0].low, found[0].close) == (
        10.0,
        99.0,
        105.0,
        95.0,
        100.0,
    )
    assert (found[0].closed, found[-1].closed, found[-1].volume) == (True, False, 2.0)


def test_hours_reach_back_over_weekends_and_calls_have_an_end():
    desk = desk_of(sessions("20261120", "20261119", "20261118", "20261117", "20261116", "20261113", "20261112"))

    found = bars(desk, HOUR, 200)

    assert len(desk.asked) <= PAGES
    whole = {HOUR * (bar.opens // HOUR): 40.0 if bar.opens % DAY == 6 * HOUR else 120.0 for bar in found[:-1]}
    assert {bar.opens: bar.volume for bar in found[:-1]} == whole  # one that the last call cut in half is not given
    assert {bar.opens % HOUR for bar in found} == {0}


def test_a_stock_without_any_minutes_costs_few_calls():
    desk = desk_of()

    assert bars(desk, MINUTE, 30) == []
    assert len(desk.asked) == 4


def test_no_candles_asked_for_cost_no_call_and_odd_lengths_are_refused():
    desk = desk_of()

    assert bars(desk, MINUTE, 0) == []
    assert desk.asked == []
    with pytest.raises(Refused, match="length"):
        bars(desk, Millis(7 * MINUTE), 1)
