"""KIS's REST side as flows (reference/kis.md 4 to 6): A1, B1, and what the mock environment does not have."""

from contextlib import suppress
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import Refused, Transient, WireSurprise, WrongEnvironment
from core.domain.policies import Environment, UniversePolicy
from core.domain.values import DAY, Market, Millis
from core.venues.flow import Response, run
from core.venues.kis.figures import midnight
from core.venues.kis.refusals import KeyRefused
from core.venues.kis.rest import REST
from core.venues.spec import venue
from tests.venues.kis.desk import SEEN, Desk, ok, refused

MOCK = REST.at(Environment.MOCK)
CODES = tuple(f"{number:05}0" for number in range(1, 251))


def universe(*codes):
    return UniversePolicy(listed=tuple((code, "", "KOSPI") for code in codes))


def tickers(desk, *codes, spec=REST):
    return run(spec.tickers(codes, "KRW", SEEN), desk)


# ---- multi-quote ------------------------------------------------------------------------------------------------


def test_a_multi_quote_is_read_as_kis_wrote_it():
    [row] = tickers(Desk("005930"), "005930")

    assert str(row.instrument) == "krx:005930"
    assert (row.price, row.volume, row.value, row.value_24h) == (274500.0, 21669476.0, 5874450961500.0, 5874450961500.0)
    assert (row.high, row.low, row.bid, row.ask) == (275500.0, 266000.0, 274000.0, 274500.0)
    assert row.change == pytest.approx(0.0243)
    assert (row.at, row.seen) == (SEEN, SEEN)  # the answer has no time in it


def test_250_stocks_take_nine_calls_with_their_best_offers():
    desk = Desk(*CODES)

    rows = tickers(desk, *CODES)

    assert [row.instrument.symbol for row in rows] == list(CODES)
    assert all(row.bid is not None for row in rows)
    assert desk.paths() == ["intstock-multprice"] * ceil(250 / 30)


@given(st.integers(1, 95), st.integers(1, 40))
def test_an_answer_cut_short_is_asked_again_for_what_it_left_out(count, most):
    desk = Desk(*CODES[:count], most=most)

    rows = tickers(desk, *CODES[:count])

    assert [row.instrument.symbol for row in rows] == list(CODES[:count])


def test_rows_are_told_apart_by_their_code_and_not_by_their_place():
    desk = Desk("000010", "000020")
    desk.stocks = {"000020": {"inter2_prpr": "2"}, "000010": {"inter2_prpr": "1"}}
    upside_down = ok(
        output=[{"inter_shrn_iscd": "000020", "inter2_prpr": "2"}, {"inter_shrn_iscd": "000010", "inter2_prpr": "1"}]
    )
    desk.trouble = {"intstock-multprice": upside_down}

    assert [row.price for row in tickers(desk, "000010", "000020")] == [1.0, 2.0]


def test_a_code_that_kis_does_not_know_is_left_out_after_one_more_call():
    desk = Desk("000010")

    assert [row.instrument.symbol for row in tickers(desk, "000010", "999990", "000010")] == ["000010"]
    assert len(desk.asked) == 2
    assert tickers(Desk(), "999990") == []


def test_a_halted_stock_with_price_nought_is_still_a_row():
    desk = Desk("000010")
    desk.stocks["000010"] = {
        "inter2_prpr": "0",
        "acml_vol": "0",
        "inter2_askp": "0",
        "inter2_bidp": "",
        "prdy_ctrt": " ",
    }

    [row] = tickers(desk, "000010")

    assert (row.price, row.bid, row.ask, row.volume) == (0.0, 0.0, 0.0, 0.0)


def test_no_symbols_cost_no_call():
    desk = Desk()

    assert tickers(desk) == []
    assert run(REST.books([], 1, SEEN), desk) == []
    assert desk.asked == []


def test_a_question_about_quotes_of_the_mock_environment_names_the_setting():
    desk = Desk()
    desk.trouble = {"intstock-multprice": refused("EGW02006", 500)}

    with pytest.raises(WrongEnvironment, match="environment"):
        tickers(desk, "000010")


# ---- listing ----------------------------------------------------------------------------------------------------


def test_the_listing_names_every_stock_with_its_warnings_and_kind():
    desk = Desk("000010", "000025", "000030")
    desk.stocks["000030"] = {"iscd_stat_cls_code": "58", "inter_kor_isnm": "어떤스팩1호"}

    rows = run(REST.listing(universe("000010", "000025", "000030"), SEEN), desk)

    assert [(row.instrument.symbol, sorted(row.flags)) for row in rows] == [
        ("000010", []), ("000025", ["PREFERRED"]), ("000030", ["HALTED", "SPAC"]),
    ]  # fmt: skip
    assert rows[0].name == "삼성전자"
    assert desk.paths() == ["intstock-multprice", "inquire-price", "inquire-price", "inquire-price"]


def test_a_halt_behind_another_status_is_looked_for_and_found():
    desk = Desk("000010", "000020")
    desk.stocks["000010"] = {"iscd_stat_cls_code": "51"}
    desk.companions["000010"] = {"trht_yn": "Y", "low_current_yn": "Y"}

    first, second = run(REST.listing(universe("000010", "000020"), SEEN), desk)

    assert first.flags == {"MANAGED", "HALTED", "ILLIQUID"}
    assert second.flags == frozenset()
    assert desk.paths().count("inquire-price-2") == 1


def test_a_companion_that_kis_does_not_answer_takes_nothing_away():
    desk = Desk("000010")
    desk.stocks["000010"] = {"iscd_stat_cls_code": "53"}
    desk.trouble = {"inquire-price-2": refused("OPSQ0002")}

    [row] = run(REST.listing(universe("000010"), SEEN), desk)

    assert row.flags == {"WARNING"}


def test_stocks_that_kis_does_not_know_are_not_listed():
    desk = Desk("000010", "000030")
    desk.trouble = {("inquire-price", "000030"): refused("APBK0656")}

    rows = run(REST.listing(universe("000010", "000020", "000030"), SEEN), desk)

    assert [row.instrument.symbol for row in rows] == ["000010"]


def test_a_key_that_is_refused_ends_the_listing_at_once():
    for answer, error in ((refused("EGW00103", 500), KeyRefused), (refused("EGW02004", 500), WrongEnvironment)):
        desk = Desk("000010", "000020")
        desk.trouble = {"inquire-price": answer}
        with pytest.raises(error):
            run(REST.listing(universe("000010", "000020"), SEEN), desk)
        assert desk.paths().count("inquire-price") == 1


def test_where_every_stock_is_refused_it_is_not_the_stocks():
    desk = Desk(*CODES[:20])
    desk.trouble = {"inquire-price": refused("OPSQ2002")}

    with pytest.raises(Refused, match="OPSQ2002"):
        run(REST.listing(universe(*CODES[:20]), SEEN), desk)
    assert desk.paths().count("inquire-price") == 5


def test_the_size_of_a_universe_is_known_before_it_is_asked_for():
    assert REST.size(universe(*CODES)) == 250
    assert REST.size(UniversePolicy()) == 250


# ---- books, days, ranking ---------------------------------------------------------------------------------------


def test_a_book_has_ten_steps_and_its_own_time():
    desk = Desk("000010")

    [deep] = run(REST.books(["000010", "999990"], 30, SEEN), desk)
    [top] = run(REST.books(["000010"], 1, SEEN), desk)

    assert (len(deep.levels), len(top.levels)) == (10, 1)
    assert (deep.bid, deep.ask, deep.levels[9].ask_size) == (999.0, 1001.0, 10.0)
    assert (deep.at, deep.seen) == (SEEN - 1000, SEEN)


def test_padding_of_a_thin_book_is_taken_away_and_an_empty_one_keeps_one_step():
    desk = Desk("000010")
    desk.stocks["000010"] = {f"{side}{n}": "0" for n in range(3, 11) for side in ("askp", "bidp")} | {
        "aspr_acpt_hour": ""
    }
    [thin] = run(REST.books(["000010"], 10, SEEN), desk)
    desk.stocks["000010"] = {f"{side}{n}": "0" for n in range(1, 11) for side in ("askp", "bidp")}
    [empty] = run(REST.books(["000010"], 10, SEEN), desk)

    assert (len(thin.levels), thin.at) == (2, SEEN)
    assert (len(empty.levels), empty.bid, empty.ask) == (1, 0.0, 0.0)


def test_open_days_are_told_by_the_field_for_it_and_with_one_call():
    """opnd_yn, not bzdy_yn or tr_day_yn."""
    asked = []

    def desk(request):
        asked.append(request)
        days = [("20261120", "Y"), ("20261121", "N"), ("", "")]
        return ok(
            output=[{"bass_dt": date, "opnd_yn": opened, "bzdy_yn": "Y", "tr_day_yn": "Y"} for date, opened in days]
        )

    said = run(REST.holidays("2026-11-20", SEEN), desk)

    assert said == {"2026-11-20": True, "2026-11-21": False}
    assert [dict(request.query)["BASS_DT"] for request in asked] == ["20261120"]
    assert dict(asked[0].headers)["tr_id"] == "CTCA0903R"


def test_the_busiest_come_by_traded_value_without_those_that_carry_a_warning():
    asked = []

    def desk(request):
        asked.append(dict(request.query))
        return ok(
            output=[
                {"mksc_shrn_iscd": "005930", "hts_kor_isnm": "삼성전자", "acml_tr_pbmn": "7"},
                {"mksc_shrn_iscd": ""},
            ]
        )

    assert run(REST.busiest(30), desk) == ["005930"]
    assert (asked[0]["FID_BLNG_CLS_CODE"], asked[0]["FID_TRGT_EXLS_CLS_CODE"]) == ("3", "1111111101")
    assert asked[0]["FID_COND_SCR_DIV_CODE"] == "20171"


def test_the_day_of_a_candle_begins_at_midnight_in_korea():
    assert REST.day_began(SEEN) == midnight("20261120")
    assert REST.day_began(Millis(midnight("20261120") - 1)) == midnight("20261120") - DAY


def test_kis_says_nothing_of_the_calls_that_are_left():
    assert REST.left(Response(200, b"{}")) is None


# ---- the mock environment ---------------------------------------------------------------------------------------


def test_the_mock_environment_is_asked_stock_by_stock_at_its_own_rate():
    desk = Desk("000010", "000020")

    rows = tickers(desk, "000010", "000020", "999990", spec=MOCK)

    assert [(row.instrument.symbol, row.price, row.bid) for row in rows] == [
        ("000010", 128500.0, None),
        ("000020", 128500.0, None),
    ]
    assert rows[0].change == pytest.approx(-0.015)
    assert desk.paths() == ["inquire-price"] * 3
    assert (MOCK.limits, MOCK.batch, MOCK.books_batch, MOCK.holidays) == ({"rest": 1.0}, 1, 1, None)


def test_the_mock_listing_has_neither_names_nor_a_second_look():
    desk = Desk("000010")
    desk.stocks["000010"] = {"iscd_stat_cls_code": "51"}

    [row] = run(MOCK.listing(universe("000010"), SEEN), desk)

    assert (row.name, row.flags) == ("000010", {"MANAGED"})
    assert desk.paths() == ["inquire-price"]


def test_the_venue_is_the_real_environment_unless_the_key_says_otherwise():
    assert REST.at(Environment.REAL) is REST
    assert venue(Market.UPBIT).rest.at(Environment.MOCK) is venue(Market.UPBIT).rest


@given(st.binary(max_size=60))
def test_no_answer_makes_anything_but_a_typed_error(body):
    for flow in (
        REST.tickers(["000010"], "KRW", SEEN),
        REST.books(["000010"], 1, SEEN),
        MOCK.tickers(["000010"], "KRW", SEEN),
    ):
        with suppress(WireSurprise, Refused, Transient):
            run(flow, lambda request: Response(200, body))
