"""Balance, daily list, open orders and buyable cash of the simulated KIS (reference/kis.md 8.4 to 8.6; E8)."""

import pytest

from core.domain.policies import Environment
from core.simulators.kis_time import midnight_of
from core.venues.kis.order_rows import CcldRow
from tests.simulators.kis.conftest import BALANCE, CCLD

REAL, MOCK = Environment.REAL, Environment.MOCK
SAMSUNG = "005930"
DAY = {"INQR_STRT_DT": "20260923", "INQR_END_DT": "20260923"}


async def test_the_balance_agrees_with_the_books_and_settles_on_the_second_day(real):
    await real.order(quantity="3")
    body = await real.statement("inquire-balance", "TTTC8434R", **BALANCE)
    (row,), (total,) = body["output1"], body["output2"]
    (order,) = real.sim.books.orders.values()
    assert (row["pdno"], row["hldg_qty"], row["ord_psbl_qty"], row["thdt_buyqty"]) == (SAMSUNG, "3", "3", "3")
    assert row["pchs_avg_pric"] == f"{order.value / 3:.4f}"
    assert {type(value) for value in (*row.values(), *total.values())} == {str}
    fees = real.sim.books.report()["fees"]
    assert total["dnca_tot_amt"] == "10000000"
    assert int(total["prvs_rcdl_excc_amt"]) == 10_000_000 - order.value - fees
    assert int(total["nass_amt"]) == int(total["prvs_rcdl_excc_amt"]) + int(total["scts_evlu_amt"])


async def test_sold_out_rows_stay_with_zero_until_the_second_day_and_the_deposit_moves_then(real):
    purse = real.sim.books.purse
    await real.order(quantity="2")
    await real.order("sell", quantity="2")
    rows = (await real.statement("inquire-balance", "TTTC8434R", **BALANCE))["output1"]
    assert [(row["hldg_qty"], row["thdt_sll_qty"]) for row in rows] == [("0", "2")]
    later = purse.settled_later
    purse.roll("20260924")
    assert (purse.deposit, list(purse.holdings)) == (10_000_000, [SAMSUNG])
    assert purse.holdings[SAMSUNG].sold_before == 2
    purse.roll("20260925")
    assert (purse.deposit, list(purse.holdings)) == (later, [])


async def test_the_two_blocks_of_a_balance_may_be_valued_apart(real):
    stock = real.sim.market.lines[SAMSUNG]
    await real.order(quantity="1")
    skewed = 0
    for _ in range(30):
        real.wait(1)
        body = await real.statement("inquire-balance", "TTTC8434R", **BALANCE)
        skewed += body["output1"][0]["evlu_amt"] != body["output2"][0]["scts_evlu_amt"]
    assert len(stock.deals) > 2
    assert skewed


@pytest.mark.parametrize(("flavour", "size"), [(REAL, 50), (MOCK, 20)])
async def test_a_long_balance_comes_in_pages_by_an_opaque_context(serving, flavour, size):
    async with serving(flavour, count=60) as client:
        symbols = list(client.sim.market.lines)[:55]
        for symbol in symbols:
            client.sim.books.hold(symbol, 1, 1000)
        seen, query, header, marks = [], dict(BALANCE), {}, []
        while True:
            path = "/uapi/domestic-stock/v1/trading/inquire-balance"
            _, body, headers = await client.get(path, client.account("TTTC8434R"), {**client.whose, **query}, **header)
            client.breathe()
            seen += [row["pdno"] for row in body["output1"]]
            marks.append(headers["tr_cont"])
            assert (len(body["ctx_area_fk100"]), len(body["ctx_area_nk100"])) == (100, 100)
            if headers["tr_cont"] in "DE":
                break
            query |= {"CTX_AREA_FK100": body["ctx_area_fk100"], "CTX_AREA_NK100": body["ctx_area_nk100"]}
            header = {"tr_cont": "N"}
        assert seen == sorted(symbols)
        assert marks == (["F", "E"] if flavour is REAL else ["F", "M", "E"])
        assert len(seen[:size]) == size
        query["CTX_AREA_NK100"] = "1^KRX^0^"
        assert (await client.get(path, client.account("TTTC8434R"), {**client.whose, **query}, tr_cont="N"))[1][
            "rt_cd"
        ] == "1"


async def test_the_daily_list_has_one_row_an_order_with_a_capital_c_in_its_last_word(real):
    stock = real.sim.market.lines[SAMSUNG]
    await real.order(quantity="3")
    waiting = (await real.order(quantity="2", price=str(stock.shift(stock.bid, -9))))["output"]["ODNO"]
    await real.change(waiting)
    body = await real.statement("inquire-daily-ccld", "TTTC0081R", **CCLD, **DAY)
    filled, cancelled, cancel = body["output1"]
    assert (filled["tot_ccld_qty"], filled["rmn_qty"], filled["excg_id_dvsn_Cd"]) == ("3", "0", "KRX")
    assert filled["infm_tmd"] == ""
    assert (cancelled["cncl_yn"], cancelled["rmn_qty"], cancelled["cncl_cfrm_qty"]) == ("Y", "0", "2")
    assert cancel["orgn_odno"] == waiting
    assert body["output2"]["tot_ccld_qty"] == "3"
    assert body["output2"]["tot_ccld_amt"] == filled["tot_ccld_amt"]
    assert (
        CcldRow(**{name: filled[name] for name in ("pdno", "ord_dt", "odno", "sll_buy_dvsn_cd", "ord_qty")}).pdno
        == SAMSUNG
    )
    assert (await real.statement("inquire-daily-ccld", "CTSC9215R", **CCLD, **DAY))["rt_cd"] == "0"


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ({}, 2), ({"SLL_BUY_DVSN_CD": "01"}, 1), ({"PDNO": "000660"}, 0), ({"ODNO": "2"}, 1), ({"CCLD_DVSN": "02"}, 0),
        ({"CCLD_DVSN": "01"}, 2), ({"INQR_STRT_DT": "20260924", "INQR_END_DT": "20260924"}, 0),
    ],
)  # fmt: skip
async def test_the_daily_list_is_filtered_as_asked(real, words, count):
    await real.order()
    await real.order("sell")
    rows = (await real.statement("inquire-daily-ccld", "TTTC0081R", **{**CCLD, **DAY, **words}))["output1"]
    assert len(rows) == count


async def test_the_daily_list_lags_behind(serving):
    async with serving(limits={"ccld_lag_s": 5.0}) as client:
        await client.order()
        assert (await client.statement("inquire-daily-ccld", "TTTC0081R", **CCLD, **DAY))["output1"] == []
        client.wait(5)
        assert len((await client.statement("inquire-daily-ccld", "TTTC0081R", **CCLD, **DAY))["output1"]) == 1


async def test_mock_s_daily_list_has_totals_and_no_rows_unless_told_otherwise(serving):
    async with serving(MOCK) as client:
        await client.order(quantity="2")
        body = await client.statement("inquire-daily-ccld", "TTTC0081R", **CCLD, **DAY)
        assert (body["rt_cd"], body["msg_cd"], body["output1"]) == ("0", "70070000", [])
        assert (body["output2"]["tot_ord_qty"], body["output2"]["tot_ccld_qty"]) == ("2", "2")
    async with serving(MOCK, limits={"ccld_empty": False}) as client:
        await client.order(quantity="2")
        body = await client.statement("inquire-daily-ccld", "TTTC0081R", **CCLD, **DAY)
        assert [row["tot_ccld_qty"] for row in body["output1"]] == ["2"]
        assert body["output1"][0]["infm_tmd"] == "123902"


async def test_open_orders_and_sellable_shares_are_told_on_real(real):
    stock = real.sim.market.lines[SAMSUNG]
    await real.order(quantity="4", price=str(stock.shift(stock.bid, -9)))
    rows = (await real.statement("inquire-psbl-rvsecncl", "TTTC0084R", INQR_DVSN_1="0", INQR_DVSN_2="0"))["output"]
    assert [(row["pdno"], row["psbl_qty"], row["odno"]) for row in rows] == [(SAMSUNG, "4", "0000000001")]
    assert (await real.statement("inquire-psbl-rvsecncl", "TTTC0084R", INQR_DVSN_1="0", INQR_DVSN_2="1"))[
        "output"
    ] == []
    real.sim.books.hold("000660", 3, 700_000)
    await real.order("sell", "000660", "2", str(real.sim.market.lines["000660"].upper))
    found = (await real.statement("inquire-psbl-sell", "TTTC8408R", PDNO="000660"))["output"]
    assert (found["cblc_qty"], found["ord_psbl_qty"]) == ("3", "1")
    assert (await real.statement("inquire-psbl-sell", "TTTC8408R", PDNO="035420"))["rt_cd"] == "1"


async def test_buyable_reckons_with_the_upper_limit_for_market_orders(mock):
    words = {"PDNO": SAMSUNG, "ORD_UNPR": "0", "ORD_DVSN": "01", "CMA_EVLU_AMT_ICLD_YN": "N", "OVRS_ICLD_YN": "N"}
    found = (await mock.statement("inquire-psbl-order", "TTTC8908R", **words))["output"]
    stock = mock.sim.market.lines[SAMSUNG]
    assert found["psbl_qty_calc_unpr"] == str(stock.upper)
    most = int(found["nrcvb_buy_qty"])
    assert most == int(10_000_000 / 1.000141 / stock.upper)
    assert (await mock.order(quantity=str(most + 1)))["rt_cd"] == "1"
    assert (await mock.order(quantity=str(most)))["rt_cd"] == "0"
    blank = (await mock.statement("inquire-psbl-order", "TTTC8908R", **{**words, "PDNO": "", "ORD_UNPR": ""}))["output"]
    assert blank["nrcvb_buy_qty"] == "0"


async def test_nobody_else_s_account_is_told(real):
    path = "/uapi/domestic-stock/v1/trading/inquire-balance"
    _, body, _ = await real.get(path, "TTTC8434R", {"CANO": "12345678", "ACNT_PRDT_CD": "01", **BALANCE})
    assert (body["rt_cd"], body["msg_cd"]) == ("2", "OPSQ2000")


async def test_the_day_s_sums_begin_anew_and_yesterday_s_quantities_move(serving):
    async with serving(at=midnight_of("20260923") + (15 * 60 + 29) * 60_000, count=2, odd=False) as client:
        await client.order(quantity="2")
        client.clock.at = midnight_of("20260924") + (8 * 60 + 31) * 60_000
        client.sim.turn()
        row = (await client.statement("inquire-balance", "TTTC8434R", **BALANCE))["output1"][0]
        assert (row["bfdy_buy_qty"], row["thdt_buyqty"], row["hldg_qty"]) == ("2", "0", "2")
        assert (await client.statement("inquire-daily-ccld", "TTTC0081R", **CCLD, **DAY))["output1"][0][
            "ord_dt"
        ] == "20260923"


async def test_the_side_door_shows_the_books(real):
    await real.order(quantity="2")
    _, told, _ = await real.send("GET", "/_sim/books", {})
    assert told["holdings"] == {SAMSUNG: 2}
    assert told["orders"][0]["filled"] == 2
    assert told == real.sim.books.report()
