"""Lists of KIS's orders, holdings and what cash buys (reference/kis.md 8.3 to 8.6): each field and trap."""

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.domain.errors import (
    WireSurprise,
)
from core.domain.orders import State
from core.domain.values import DAY, Millis, Side
from core.venues.flow import run
from core.venues.kis.orders import HOME, ORDERS
from tests.venues.kis.ordercraft import ACCOUNT, AT, MOCK, REAL, ROW, SOUGHT, Script, answer


def totals(ordered=0, filled=0, value=0):
    return {"tot_ord_qty": str(ordered), "tot_ccld_qty": str(filled), "tot_ccld_amt": str(value)}


def listed(*rows, sums=None, at=AT, sought=SOUGHT):
    script = Script(answer(output1=list(rows), output2=sums or totals()))
    return run(ORDERS.listed(sought, REAL, at), script), script.asked[0]


def test_the_daily_list_is_asked_for_with_every_parameter():
    found, request = listed(ROW, sums=totals(10))
    assert dict(request.query) == {
        **ACCOUNT, "INQR_STRT_DT": "20261120", "INQR_END_DT": "20261120", "SLL_BUY_DVSN_CD": "02", "PDNO": "005930",
        "ORD_GNO_BRNO": "", "ODNO": "", "CCLD_DVSN": "00", "INQR_DVSN": "01", "INQR_DVSN_1": "", "INQR_DVSN_3": "00",
        "EXCG_ID_DVSN_CD": "KRX", "CTX_AREA_FK100": "", "CTX_AREA_NK100": "",
    }  # fmt: skip
    assert dict(request.headers) == {"tr_id": "TTTC0081R", "tr_cont": ""}
    (row,) = found.rows
    assert (row.id, row.quantity, row.price, row.at, row.state) == (
        "20261120-0001569157-06010",
        10,
        70_000,
        AT,
        State.OPEN,
    )
    assert found.whole


def test_one_order_is_asked_for_by_its_number_and_an_old_one_elsewhere():
    _, request = listed(sought=replace(SOUGHT, id="20261120-0001569157-06010"))
    assert dict(request.query)["ODNO"] == "0001569157"
    _, request = listed(at=Millis(AT + 91 * DAY))
    assert dict(request.headers)["tr_id"] == "CTSC9215R"


STATES = [
    ({"tot_ccld_qty": "10", "rmn_qty": "0"}, State.FILLED),
    ({"tot_ccld_qty": "4", "rmn_qty": "6"}, State.PARTIAL),
    ({}, State.OPEN),
    ({"tot_ccld_qty": "4", "rmn_qty": "0"}, State.CANCELLED),
    ({"rmn_qty": "0", "cncl_cfrm_qty": "10"}, State.CANCELLED),
    ({"rmn_qty": "10", "cncl_yn": "Y"}, State.CANCELLED),
    ({"tot_ccld_qty": "4", "rmn_qty": "6", "cncl_cfrm_qty": "6"}, State.CANCELLED),
    ({"rjct_qty": "10", "rmn_qty": "0"}, State.REJECTED),
    ({"tot_ccld_qty": "4", "rjct_qty": "6", "rmn_qty": "0"}, State.CANCELLED),
    ({"ord_dt": "20261119"}, State.EXPIRED),
]


@pytest.mark.parametrize(("cells", "state"), STATES)
def test_a_row_tells_the_state_of_its_order(cells, state):
    assert listed({**ROW, **cells})[0].rows[0].state is state


@pytest.mark.parametrize(
    ("cells", "ours"),
    [
        ({}, True),
        ({"orgn_odno": "0001569150"}, False),
        ({"orgn_odno": "0000000000"}, True),
        ({"excg_id_dvsn_Cd": "SOR"}, False),
    ],
)
def test_cancels_and_other_exchanges_are_never_orders_of_ours(cells, ours):
    assert listed({**ROW, **cells})[0].rows[0].ours is ours


def test_the_exchanges_key_may_come_in_either_case():
    lower = {key: value for key, value in ROW.items() if key != "excg_id_dvsn_Cd"} | {"excg_id_dvsn_cd": "NXT"}
    assert listed(lower)[0].rows[0].ours is False


def test_a_row_without_a_time_has_none():
    assert listed({**ROW, "ord_tmd": " "})[0].rows[0].at is None


@pytest.mark.parametrize("cells", [{"ord_qty": "ten"}, {"sll_buy_dvsn_cd": "03"}, {"ord_tmd": "99"}], ids=str)
def test_a_row_that_does_not_read_is_a_surprise(cells):
    with pytest.raises(WireSurprise):
        listed({**ROW, **cells})


def test_rows_that_were_not_asked_for_are_left_out():
    found, _ = listed(ROW, {**ROW, "pdno": "000660"}, {**ROW, "sll_buy_dvsn_cd": "01"})
    assert len(found.rows) == 1


def test_a_list_without_rows_may_still_have_sums():
    """Mock, reference/kis.md 8.5."""
    script = Script(answer(rt_cd="1", msg_cd="70070000", output1=[], output2=totals(10, 10, 700_000)))
    found = run(ORDERS.listed(SOUGHT, MOCK, AT), script)
    assert dict(script.asked[0].headers)["tr_id"] == "VTTC0081R"
    assert (found.rows, found.ordered, found.filled, found.value, found.whole) == ((), 10, 10, 700_000, False)


def test_pages_are_followed_with_their_own_keys_until_the_last():
    script = Script(
        answer(
            headers={"tr_cont": "M"},
            output1=[ROW],
            output2=totals(20),
            ctx_area_fk100="a^b ".ljust(100),
            ctx_area_nk100="n".ljust(100),
        ),
        answer(headers={"tr_cont": "D"}, output1=[{**ROW, "odno": "0001569158"}], output2=[totals(20)]),
    )
    found = run(ORDERS.listed(SOUGHT, REAL, AT), script)
    assert [row.id[9:19] for row in found.rows] == ["0001569157", "0001569158"]
    second = script.asked[1]
    assert dict(second.headers)["tr_cont"] == "N"
    assert (dict(second.query)["CTX_AREA_FK100"], dict(second.query)["CTX_AREA_NK100"]) == (
        "a^b ".ljust(100),
        "n".ljust(100),
    )
    assert found.whole


def test_a_list_without_an_end_is_a_surprise():
    with pytest.raises(WireSurprise):
        run(ORDERS.listed(SOUGHT, REAL, AT), lambda request: answer(headers={"tr_cont": "F"}, output1=[]))


OPEN = {
    "ord_gno_brno": "06010", "odno": "0001569157", "orgn_odno": "", "ord_dvsn_name": "지정가", "pdno": "005930",
    "prdt_name": "삼성전자", "rvse_cncl_dvsn_name": "", "ord_qty": "10", "ord_unpr": "70000", "ord_tmd": "101530",
    "tot_ccld_qty": "4", "tot_ccld_amt": "280000", "psbl_qty": "6", "sll_buy_dvsn_cd": "02", "ord_dvsn_cd": "00",
    "mgco_aptm_odno": "", "excg_dvsn_cd": "02", "excg_id_dvsn_cd": "KRX", "excg_id_dvsn_name": "KRX",
    "stpm_cndt_pric": "0", "stpm_efct_occr_yn": "N",
}  # fmt: skip


@pytest.mark.parametrize(("side", "code"), [(Side.BUY, "2"), (Side.SELL, "1")])
def test_orders_that_wait_are_listed_on_real(side, code):
    row = {**OPEN, "sll_buy_dvsn_cd": "02" if side is Side.BUY else "01"}
    script = Script(answer(output=[row, {**row, "pdno": "000660"}]))
    (found,) = run(ORDERS.standing(replace(SOUGHT, side=side), REAL, AT), script)
    (request,) = script.asked
    assert (request.path, dict(request.headers)["tr_id"]) == (HOME + "inquire-psbl-rvsecncl", "TTTC0084R")
    assert (dict(request.query)["INQR_DVSN_1"], dict(request.query)["INQR_DVSN_2"]) == ("0", code)
    assert (found.state, found.filled, found.value, found.at, found.ours) == (State.PARTIAL, 4, 280_000, AT, True)


def test_an_order_that_waits_untouched_is_open():
    (found,) = run(ORDERS.standing(SOUGHT, REAL, AT), Script(answer(output=[{**OPEN, "tot_ccld_qty": "0"}])))
    assert found.state is State.OPEN


def test_mock_has_no_list_of_what_waits_and_is_not_asked():
    assert run(ORDERS.standing(SOUGHT, MOCK, AT), Script()) is None


BALANCE = {
    "pdno": "005930", "prdt_name": "삼성전자", "hldg_qty": "25", "ord_psbl_qty": "15", "pchs_avg_pric": "69900.0000",
    "pchs_amt": "1747500", "thdt_buyqty": "10", "thdt_sll_qty": "0", "prpr": "70000",
}  # fmt: skip


@pytest.mark.parametrize(("depot", "tr"), [(REAL, "TTTC8434R"), (MOCK, "VTTC8434R")], ids=["real", "mock"])
def test_holdings_are_what_has_units_or_traded_today(depot, tr):
    gone, old = ({**BALANCE, "pdno": code, "hldg_qty": "0"} for code in ("000660", "035420"))
    script = Script(
        answer(output1=[BALANCE, {**gone, "thdt_buyqty": "0", "thdt_sll_qty": "9"}, {**old, "thdt_buyqty": ""}])
    )
    found = run(ORDERS.holdings(depot, AT), script)
    (request,) = script.asked
    assert (request.path, dict(request.headers)["tr_id"]) == (HOME + "inquire-balance", tr)
    assert dict(request.query) == {
        **ACCOUNT, "AFHR_FLPR_YN": "N", "OFL_YN": "", "INQR_DVSN": "02", "UNPR_DVSN": "01", "FUND_STTL_ICLD_YN": "N",
        "FNCG_AMT_AUTO_RDPT_YN": "N", "PRCS_DVSN": "00", "CTX_AREA_FK100": "", "CTX_AREA_NK100": "",
    }  # fmt: skip
    assert (found[0].symbol, found[0].units, found[0].sellable, found[0].cost) == ("005930", 25, 15, 1_747_500)
    assert [(held.symbol, held.traded(Side.BUY), held.traded(Side.SELL)) for held in found] == [
        ("005930", 10, 0),
        ("000660", 0, 9),
    ]


@pytest.mark.parametrize(
    ("price", "text", "cash", "units"),
    [(D(70_000), "70000", "13000000", 185), (D(70_000), "70000", "", 142), (None, "", "13000000", 142)],
)
def test_what_cash_buys_is_asked_as_a_market_order_and_leaves_credit_out(price, text, cash, units):
    """A market order is reckoned at the upper limit: what has a limit of its own may be more."""
    script = Script(answer(output={"nrcvb_buy_qty": "142", "nrcvb_buy_amt": cash, "max_buy_qty": "300"}))
    assert run(ORDERS.affordable("005930", price, REAL, AT), script) == units
    query = dict(script.asked[0].query)
    assert (query["ORD_DVSN"], query["ORD_UNPR"], query["PDNO"]) == ("01", text, "005930")
