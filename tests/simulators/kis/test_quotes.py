"""Quotes, candles, ranking and the holiday call of the simulated KIS (reference/kis.md 4 to 6; A1, B1)."""

from decimal import Decimal

import pytest

from core.domain.values import Millis
from core.simulators.kis_time import Timetable, hours
from core.venues.kis.rules import RULES

MULTI = 29


async def test_the_multi_quote_has_29_text_fields_in_the_order_asked_and_no_time(real):
    status, body, _ = await real.multi(["000660", "005930"])
    assert status == 200
    rows = body["output"]
    assert [row["inter_shrn_iscd"] for row in rows] == ["000660", "005930"]
    assert {len(row) for row in rows} == {MULTI}
    assert {type(value) for row in rows for value in row.values()} == {str}
    assert not [name for name in rows[0] if "date" in name or name.endswith("_hour")]
    row, stock = rows[1], real.sim.market.lines["005930"]
    assert (row["inter2_prpr"], row["acml_vol"]) == (str(stock.last), str(stock.volume))
    assert (row["inter2_llam"], row["inter2_mxpr"]) == (str(stock.lower), str(stock.upper))
    assert row["kospi_kosdaq_cls_name"] == "KOSPI"


async def test_a_31st_code_is_cut_off_in_silence_and_counted(serving):
    async with serving(count=40) as client:
        symbols = list(client.sim.market.lines)[:31]
        status, body, _ = await client.multi(symbols)
        assert (status, body["rt_cd"]) == (200, "0")
        assert [row["inter_shrn_iscd"] for row in body["output"]] == symbols[:30]
        assert client.sim.log.refusals == {"more than 30 codes": 1}
        assert client.sim.log.groups["rest"] == 1


async def test_an_unknown_code_is_left_out_of_a_multi_quote_and_zero_in_a_single_one(real):
    assert [row["inter_shrn_iscd"] for row in (await real.multi(["ZZZZZZ", "005930"]))[1]["output"]] == ["005930"]
    assert (await real.quote("inquire-price", "FHKST01010100", "ZZZZZZ"))["output"]["stck_prpr"] == "0"


async def test_a_market_that_does_not_exist_is_refused(real):
    body = await real.quote("inquire-price", "FHKST01010100", FID_COND_MRKT_DIV_CODE="Q")
    assert (body["rt_cd"], body["msg_cd"]) == ("2", "OPSQ2001")


async def test_a_halted_stock_shows_zeros_in_the_multi_quote(real):
    row = (await real.multi(["900005"]))[1]["output"][0]
    assert (row["inter2_prpr"], row["acml_vol"]) == ("0", "0")
    assert int(row["inter2_sdpr"]) > 0


@pytest.mark.parametrize(
    ("symbol", "status", "flag", "value"),
    [
        ("005930", "55", "temp_stop_yn", "N"), ("900001", "51", "temp_stop_yn", "N"),
        ("900002", "52", "mrkt_warn_cls_code", "03"), ("900003", "53", "mrkt_warn_cls_code", "02"),
        ("900004", "54", "mrkt_warn_cls_code", "01"), ("900005", "58", "temp_stop_yn", "Y"),
        ("900006", "59", "short_over_yn", "Y"), ("900007", "55", "sltr_yn", "Y"), ("900009", "55", "invt_caful_yn", "Y"),
        ("900008", "51", "temp_stop_yn", "Y"),
    ],
)  # fmt: skip
async def test_the_single_quote_tells_status_and_every_flag(real, symbol, status, flag, value):
    row = (await real.quote("inquire-price", "FHKST01010100", symbol))["output"]
    assert (row["iscd_stat_cls_code"], row[flag]) == (status, value)


async def test_a_halt_hides_behind_another_status_and_the_second_look_finds_it(real):
    assert (await real.quote("inquire-price", "FHKST01010100", "900008"))["output"]["iscd_stat_cls_code"] == "51"
    assert (await real.quote("inquire-price-2", "FHPST01010000", "900008"))["output"]["trht_yn"] == "Y"
    assert (await real.quote("inquire-price-2", "FHPST01010000", "ZZZZZZ"))["output"] == {}


async def test_some_keys_of_the_single_quote_are_missing_in_some_stocks(real):
    rows = [
        (await real.quote("inquire-price", "FHKST01010100", code))["output"] for code in list(real.sim.market.lines)[:8]
    ]
    assert {"mang_issu_cls_code" in row for row in rows} == {True, False}


async def test_a_flag_that_is_raised_by_hand_is_told_at_once(real):
    _, told, _ = await real.send("POST", "/_sim/market", {}, body=b'{"symbol":"005930","flag":"overheated"}')
    assert told == {"symbol": "005930"}
    assert (await real.quote("inquire-price", "FHKST01010100"))["output"]["short_over_yn"] == "Y"
    assert (await real.send("POST", "/_sim/market", {}, body=b'{"symbol":"005930","flag":"sunny"}'))[0] == 400
    assert (await real.send("POST", "/_sim/market", {}, body=b'{"symbol":"nope","move":0.1}'))[0] == 400


def test_prices_are_on_the_ticks_and_within_the_limits_of_the_venue_s_rules(real):
    real.wait(30)
    at = Millis(real.clock.at)
    for symbol, stock in real.sim.market.lines.items():
        lower, upper = RULES.bounds(symbol, Decimal(stock.reference), at)
        assert (stock.lower, stock.upper) == (lower, upper)
        for price in {stock.last, stock.bid, stock.ask, stock.upper, stock.lower} - {0}:
            assert price % RULES.tick(symbol, Decimal(price), at) == 0
            assert lower <= price <= upper


async def test_the_book_has_ten_steps_of_each_side(real):
    body = await real.quote("inquire-asking-price-exp-ccn", "FHKST01010200")
    row, stock = body["output1"], real.sim.market.lines["005930"]
    asks = [int(row[f"askp{step}"]) for step in range(1, 11)]
    bids = [int(row[f"bidp{step}"]) for step in range(1, 11)]
    assert (bids[0], asks[0]) == (stock.bid, stock.ask)
    assert asks == sorted(asks)
    assert bids == sorted(bids, reverse=True)
    assert row["aspr_acpt_hour"] == "123902"
    assert int(row["total_askp_rsqn"]) == sum(int(row[f"askp_rsqn{step}"]) for step in range(1, 11))
    assert (await real.quote("inquire-asking-price-exp-ccn", "FHKST01010200", "ZZZZZZ"))["output1"] == {}


# candles -----------------------------------------------------------------------------------------------------------


def days(first: str, last: str, period: str = "D") -> dict[str, str]:
    return {
        "FID_INPUT_DATE_1": first, "FID_INPUT_DATE_2": last, "FID_PERIOD_DIV_CODE": period, "FID_ORG_ADJ_PRC": "0",
    }  # fmt: skip


async def test_daily_rows_come_newest_first_hundred_at_most_and_skip_closed_days(serving):
    async with serving(timetable=Timetable(holidays={"20260921"})) as client:
        body = await client.quote("inquire-daily-itemchartprice", "FHKST03010100", **days("20260101", "20260923"))
        dates = [row["stck_bsop_date"] for row in body["output2"]]
        assert len(dates) == 100
        assert dates[:4] == ["20260923", "20260922", "20260918", "20260917"]
        assert dates == sorted(dates, reverse=True)
        assert {type(value) for row in body["output2"] for value in row.values()} == {str}
        stock = client.sim.market.lines["005930"]
        assert body["output2"][0]["acml_vol"] == str(stock.volume)
        assert body["output2"][1]["stck_clpr"] == body["output1"]["stck_prdy_clpr"]


async def test_daily_rows_keep_within_the_dates_asked_for_and_their_figures_are_sane(real):
    rows = (await real.quote("inquire-daily-itemchartprice", "FHKST03010100", **days("20260907", "20260911")))[
        "output2"
    ]
    assert [row["stck_bsop_date"] for row in rows] == ["20260911", "20260910", "20260909", "20260908", "20260907"]
    for row in rows:
        low, high = int(row["stck_lwpr"]), int(row["stck_hgpr"])
        assert low <= min(int(row["stck_oprc"]), int(row["stck_clpr"]))
        assert high >= max(int(row["stck_oprc"]), int(row["stck_clpr"]))
        assert low * int(row["acml_vol"]) <= int(row["acml_tr_pbmn"]) <= high * int(row["acml_vol"])


async def test_weeks_and_months_are_folds_of_days(real):
    daily = (await real.quote("inquire-daily-itemchartprice", "FHKST03010100", **days("20260907", "20260911")))[
        "output2"
    ]
    (week,) = (await real.quote("inquire-daily-itemchartprice", "FHKST03010100", **days("20260907", "20260911", "W")))[
        "output2"
    ]
    assert (week["stck_oprc"], week["stck_clpr"]) == (daily[-1]["stck_oprc"], daily[0]["stck_clpr"])
    assert int(week["acml_vol"]) == sum(int(row["acml_vol"]) for row in daily)
    months = (await real.quote("inquire-daily-itemchartprice", "FHKST03010100", **days("20260701", "20260831", "M")))[
        "output2"
    ]
    assert [row["stck_bsop_date"][:6] for row in months] == ["202608", "202607"]


async def test_the_short_daily_call_gives_30_rows_and_a_wrong_date_is_refused(real):
    body = await real.quote("inquire-daily-price", "FHKST01010400", FID_PERIOD_DIV_CODE="D", FID_ORG_ADJ_PRC="1")
    assert len(body["output"]) == 30
    assert (await real.quote("inquire-daily-itemchartprice", "FHKST03010100", **days("x", "20260911")))["rt_cd"] == "2"


def today(hour: str) -> dict[str, str]:
    return {"FID_INPUT_HOUR_1": hour, "FID_PW_DATA_INCU_YN": "N", "FID_ETC_CLS_CODE": ""}


async def test_minutes_are_30_of_today_newest_first_with_a_running_value(real):
    body = await real.quote("inquire-time-itemchartprice", "FHKST03010200", **today("123000"))
    rows = body["output2"]
    assert len(rows) == 30
    assert (rows[0]["stck_cntg_hour"], rows[-1]["stck_cntg_hour"]) == ("123000", "120100")
    values = [int(row["acml_tr_pbmn"]) for row in rows]
    assert values == sorted(values, reverse=True)
    early = (await real.quote("inquire-time-itemchartprice", "FHKST03010200", **today("090100")))["output2"]
    assert [row["stck_cntg_hour"] for row in early] == ["090100", "090000"]


async def test_a_future_hour_brings_rows_made_of_the_present_price(real):
    rows = (await real.quote("inquire-time-itemchartprice", "FHKST03010200", **today("124500")))["output2"]
    stock = real.sim.market.lines["005930"]
    future = [row for row in rows if row["stck_cntg_hour"] > "123900"]
    assert [row["stck_cntg_hour"] for row in future][:2] == ["124500", "124400"]
    assert {(row["stck_prpr"], row["stck_oprc"], row["cntg_vol"]) for row in future} == {
        (str(stock.last), str(stock.last), "0")
    }


async def test_before_its_first_trade_the_newest_minute_shows_the_volume_of_the_one_before(real):
    real.wait(60 - 2 + 0.1)
    minute = real.clock.at // 60_000 * 60_000
    stocks = [stock for code, stock in real.sim.market.lines.items() if not real.sim.market.halted(code, real.clock.at)]
    stock = next(stock for stock in stocks if stock.minutes()[-1].opens < minute)
    bars = stock.minutes()
    query = today("124000")
    body = await real.quote("inquire-time-itemchartprice", "FHKST03010200", stock.issue.symbol, **query)
    newest = body["output2"][0]
    assert (newest["stck_cntg_hour"], newest["cntg_vol"]) == ("124000", f"{bars[-1].volume:.0f}")


async def test_minutes_of_an_earlier_day_agree_with_its_daily_row(real):
    found = []
    for hour in ("153000", "133000", "113000", "093000"):
        query = {
            "FID_INPUT_DATE_1": "20260918",
            "FID_INPUT_HOUR_1": hour,
            "FID_PW_DATA_INCU_YN": "Y",
            "FID_FAKE_TICK_INCU_YN": "",
        }
        page = (await real.quote("inquire-time-dailychartprice", "FHKST03010230", **query))["output2"]
        found += [row for row in page if not found or row["stck_cntg_hour"] < found[-1]["stck_cntg_hour"]]
        real.breathe()
    (day,) = (await real.quote("inquire-daily-itemchartprice", "FHKST03010100", **days("20260918", "20260918")))[
        "output2"
    ]
    assert len(found) == 390
    assert (found[-1]["stck_oprc"], found[0]["stck_prpr"]) == (day["stck_oprc"], day["stck_clpr"])
    assert max(int(row["stck_hgpr"]) for row in found) == int(day["stck_hgpr"])
    assert sum(int(row["cntg_vol"]) for row in found) == int(day["acml_vol"])
    closed = {
        "FID_INPUT_DATE_1": "20260919",
        "FID_INPUT_HOUR_1": "153000",
        "FID_PW_DATA_INCU_YN": "Y",
        "FID_FAKE_TICK_INCU_YN": "",
    }
    assert (await real.quote("inquire-time-dailychartprice", "FHKST03010230", **closed))["output2"] == []


async def test_the_ranking_has_30_rows_by_value_without_what_is_to_be_left_out(serving):
    async with serving(count=40) as client:
        query = {
            "FID_COND_SCR_DIV_CODE": "20171", "FID_INPUT_ISCD": "0000", "FID_BLNG_CLS_CODE": "3",
            "FID_TRGT_EXLS_CLS_CODE": "1111111111",
        }  # fmt: skip
        rows = (await client.quote("volume-rank", "FHPST01710000", "0000", **query))["output"]
        assert len(rows) == 30
        values = [int(row["acml_tr_pbmn"]) for row in rows]
        assert values == sorted(values, reverse=True)
        assert [row["data_rank"] for row in rows[:2]] == ["1", "2"]
        assert not {row["mksc_shrn_iscd"] for row in rows} & {"069500", "005935", "900005", "478440"}
        wide = (
            await client.quote("volume-rank", "FHPST01710000", "0000", **{**query, "FID_TRGT_EXLS_CLS_CODE": "000000"})
        )["output"]
        assert "069500" in {row["mksc_shrn_iscd"] for row in wide}


async def test_the_holiday_call_tells_open_days_by_the_timetable(serving):
    timetable = Timetable(holidays={"20260924", "20260925"}, special={"20260928": hours("10:00", "16:30")})
    async with serving(timetable=timetable) as client:
        path = "/uapi/domestic-stock/v1/quotations/chk-holiday"
        _, body, headers = await client.get(
            path, "CTCA0903R", {"BASS_DT": "20260923", "CTX_AREA_FK": "", "CTX_AREA_NK": ""}
        )
        told = [(row["bass_dt"], row["wday_dvsn_cd"], row["opnd_yn"]) for row in body["output"][:6]]
        assert told == [
            ("20260923", "04", "Y"), ("20260924", "05", "N"), ("20260925", "06", "N"), ("20260926", "07", "N"),
            ("20260927", "01", "N"), ("20260928", "02", "Y"),
        ]  # fmt: skip
        assert headers["tr_cont"] == "F"
