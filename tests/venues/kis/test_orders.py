"""KIS orders on the wire (reference/kis.md 8): what is asked, field by field, and what each answer means."""

import json
from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.domain.errors import (
    KeyExpired,
    Misconfigured,
    OrderExecutionError,
    RateLimited,
    Refused,
    Transient,
    UnknownOutcome,
    WireSurprise,
)
from core.domain.events import NoticeKind
from core.domain.orders import State
from core.domain.phases import Phase
from core.domain.policies import Environment
from core.domain.values import DAY, Millis, Side
from core.venues.flow import Response, run
from core.venues.kis.figures import stamp
from core.venues.kis.order_answers import judge
from core.venues.kis.orders import HOME, ORDERS
from core.venues.kis.refusals import PASSING
from core.venues.kis.stream import STREAM
from core.venues.ordering import Depot, Reply, Sought
from tests.adapters.orders.scripted import NUMBER, SAMSUNG, Bench

AT = stamp("20261120", "101530")
REAL, MOCK = (Depot(number=NUMBER, environment=environment) for environment in Environment)
ACCOUNT = {"CANO": "12345678", "ACNT_PRDT_CD": "01"}
ORDER = Bench().order()


def answer(status=200, headers=None, **body):
    return Response(
        status, json.dumps({"rt_cd": "0", "msg_cd": "KIOK0510", "msg1": "", **body}).encode(), headers or {}
    )


def refused(code, status=200, rt_cd="1"):
    return answer(status, rt_cd=rt_cd, msg_cd=code, msg1="말".ljust(80))


class Script:
    """Gives its answers in turn, and remembers what was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, request):
        self.asked.append(request)
        return self.answers.pop(0)


TAKEN = {"KRX_FWDG_ORD_ORGNO": "06010", "ODNO": "0001569157", "ORD_TMD": "101530"}


def placed(order, depot=REAL, phase=Phase.REGULAR, reply=None):
    script = Script(reply or answer(output=TAKEN))
    receipt = run(ORDERS.place(order, depot, phase, AT), script)
    (request,) = script.asked
    return receipt, request, json.loads(request.body)


def test_a_buy_as_the_reference_has_it():
    receipt, request, body = placed(ORDER)
    assert (request.method, request.path, request.group) == ("POST", HOME + "order-cash", "rest")
    assert dict(request.headers) == {"tr_id": "TTTC0012U"}
    assert body == {
        **ACCOUNT, "PDNO": "005930", "ORD_DVSN": "11", "ORD_QTY": "10", "ORD_UNPR": "70000", "EXCG_ID_DVSN_CD": "KRX",
    }  # fmt: skip
    assert receipt.id == "20261120-0001569157-06010"


def test_a_sale_as_the_reference_has_it():
    _, request, body = placed(Bench().order(Side.SELL, limit=None))
    assert dict(request.headers) == {"tr_id": "TTTC0011U"}
    assert (body["ORD_DVSN"], body["ORD_UNPR"], body["SLL_TYPE"]) == ("01", "0", "01")


@pytest.mark.parametrize(("side", "tr"), [(Side.BUY, "VTTC0012U"), (Side.SELL, "VTTC0011U")])
def test_mock_has_its_own_operations_and_the_two_plain_kinds(side, tr):
    for limit, kind in ((70_000, "00"), (None, "01")):
        _, request, body = placed(Bench().order(side, limit=limit), MOCK)
        assert dict(request.headers) == {"tr_id": tr}
        assert body["ORD_DVSN"] == kind


KINDS = {
    Phase.CLOSED: ("00", "01"), Phase.OPENING: ("00", "01"), Phase.REGULAR: ("11", "01"),
    Phase.INTERRUPTED: ("00", "01"), Phase.CLOSING: ("00", "01"), Phase.AFTER: ("42", "45"),
    Phase.BEFORE: (None, "05"), Phase.SETTLED: (None, "06"),
}  # fmt: skip


@pytest.mark.parametrize("phase", Phase)
def test_each_phase_has_its_kind_of_order(phase):
    limited, free = KINDS[phase]
    assert placed(Bench().order(Side.SELL, limit=None), phase=phase)[2]["ORD_DVSN"] == free
    if limited is None:
        with pytest.raises(OrderExecutionError, match="at the close only"):
            placed(ORDER, phase=phase)
    else:
        assert placed(ORDER, phase=phase)[2]["ORD_DVSN"] == limited


def test_every_value_of_a_body_is_a_text():
    for order in (ORDER, Bench().order(Side.SELL, limit=None)):
        assert all(isinstance(value, str) for value in placed(order)[2].values())


@pytest.mark.parametrize("change", [{"quantity": D("1.5")}, {"limit": D("70000.5")}, {"quantity": D(0)}], ids=str)
def test_a_fraction_never_leaves(change):
    with pytest.raises(OrderExecutionError, match="whole numbers"):
        placed(replace(ORDER, **change))


def test_codes_with_letters_stay_text():
    assert placed(Bench().order(symbol="0074K0"))[2]["PDNO"] == "0074K0"


@pytest.mark.parametrize("number", ["12345678-01", "1234567801", "12345678", " 12345678 01 "])
def test_an_account_may_be_written_in_each_usual_way(number):
    body = placed(ORDER, Depot(number=number, environment=Environment.REAL))[2]
    assert {key: body[key] for key in ACCOUNT} == ACCOUNT


def test_what_is_no_account_number_is_a_fault_of_the_owner_and_is_not_shown():
    with pytest.raises(Misconfigured) as caught:
        placed(ORDER, Depot(number="1234", environment=Environment.REAL))
    assert "1234" not in str(caught.value)


def test_an_order_number_is_padded_to_ten_digits_whatever_came():
    receipt, *_ = placed(ORDER, reply=answer(output=[{**TAKEN, "ODNO": "1569157"}]))
    assert receipt.id == "20261120-0001569157-06010"


@pytest.mark.parametrize(
    "body", [{}, {"output": {}}, {"output": "x"}, {"output": {"ODNO": 3}}, {"output": []}], ids=str
)
def test_an_acceptance_without_a_number_is_an_unknown_outcome(body):
    with pytest.raises(UnknownOutcome):
        placed(ORDER, reply=answer(**body))


# ---- what an answer means ------------------------------------------------------------------------------------------

MEANS = {
    Reply.AGAIN: [refused("EGW00201", 500), refused("EGW00201"), refused("EGW00215", 500), Response(429, b"{}")],
    Reply.RENEW: [refused(code, 500) for code in ("EGW00121", "EGW00122", "EGW00123")],
    Reply.UNSURE: [
        *(refused(code, status) for code in PASSING - {"EGW00215"} for status in (200, 500)),
        refused("", 500), refused("", 200), refused("APBK0918", 500), Response(502, b"<html>"), Response(200, b""),
        Response(200, b"[]"), Response(408, b"{}"), Response(307, b"{}"), Response(504, b"{}"), answer(500),
        Response(200, b'{"msg1": 3}'), Response(200, b"{}"), Response(200, b"\xff"),
    ],
    Reply.REFUSED: [
        *(refused(code, rt_cd="7") for code in ("APBK0918", "APBK0919", "APBK0656", "APBK0400", "APBK1943", "APBK3013",
                                     "APBK1234", "40330000", "40570000", "40910000", "90000000", "40100000", "MCA00124")),
        *(refused(code, 500) for code in ("EGW00003", "EGW00004", "EGW00101", "EGW00103", "EGW00105", "EGW00131",
                                          "EGW00205", "EGW00206", "EGW00213", "EGW02004", "EGW02006", "EGW02007",
                                          "OPSQ2000", "OPSQ9999", "IGW00009")),
        Response(403, b'{"error_code":"EGW00133","error_description":"x"}'), Response(404, b"{}"), Response(401, b"{}"),
    ],
    Reply.TAKEN: [answer(), answer(msg_cd="APBK0013"), answer(msg_cd="40600000"), answer(msg_cd="40590000")],
}  # fmt: skip
ERRORS = {
    Reply.AGAIN: RateLimited, Reply.RENEW: KeyExpired, Reply.UNSURE: UnknownOutcome, Reply.REFUSED: OrderExecutionError,
}  # fmt: skip


@pytest.mark.parametrize(("reply", "response"), [(r, each) for r, found in MEANS.items() for each in found])
def test_what_an_answer_to_an_order_means(reply, response):
    assert judge(response)[0] is reply
    if reply is not Reply.TAKEN:
        with pytest.raises(ERRORS[reply]):
            placed(ORDER, reply=response)


def test_a_refusal_keeps_the_venues_own_words():
    with pytest.raises(OrderExecutionError, match="APBK0919 주문가능금액을 초과 했습니다"):
        placed(ORDER, reply=answer(rt_cd="7", msg_cd="APBK0919", msg1="주문가능금액을 초과 했습니다.".ljust(80)))


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (refused("EGW00301", 500), Transient), (refused("", 500), Transient), (refused("EGW00201", 500), RateLimited),
        (refused("EGW00123", 500), KeyExpired), (refused("OPSQ2000", 500), Refused), (refused("MCA00124"), Refused),
        (Response(200, b"not json"), Transient), (answer(output1="x"), WireSurprise),
        (answer(output1=[{"pdno": 5}]), WireSurprise),
    ],
)  # fmt: skip
def test_a_question_that_is_not_answered_may_be_asked_again(response, error):
    with pytest.raises(error):
        run(ORDERS.holdings(REAL, AT), Script(response))


# ---- cancel --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("depot", "tr"), [(REAL, "TTTC0013U"), (MOCK, "VTTC0013U")], ids=["real", "mock"])
def test_a_cancel_names_branch_and_number_and_takes_all(depot, tr):
    script = Script(answer(output={**TAKEN, "ODNO": "0001569158"}))
    receipt = run(ORDERS.cancel(ORDER, "20261120-0001569157-06010", depot, AT), script)
    (request,) = script.asked
    assert (request.path, dict(request.headers)) == (HOME + "order-rvsecncl", {"tr_id": tr})
    assert json.loads(request.body) == {
        **ACCOUNT, "KRX_FWDG_ORD_ORGNO": "06010", "ORGN_ODNO": "0001569157", "ORD_DVSN": "00", "RVSE_CNCL_DVSN_CD": "02",
        "ORD_QTY": "0", "ORD_UNPR": "0", "QTY_ALL_ORD_YN": "Y", "EXCG_ID_DVSN_CD": "KRX",
    }  # fmt: skip
    assert receipt.id == "20261120-0001569158-06010"


# ---- lists ---------------------------------------------------------------------------------------------------------

ROW = {
    "ord_dt": "20261120", "ord_gno_brno": "06010", "odno": "0001569157", "orgn_odno": "", "ord_dvsn_name": "지정가",
    "sll_buy_dvsn_cd": "02", "sll_buy_dvsn_cd_name": "현금매수", "pdno": "005930", "prdt_name": "삼성전자",
    "ord_qty": "10", "ord_unpr": "70000", "ord_tmd": "101530", "tot_ccld_qty": "0", "avg_prvs": "0", "cncl_yn": "",
    "tot_ccld_amt": "0", "loan_dt": "", "ordr_empno": "OpnAPI", "ord_dvsn_cd": "00", "cncl_cfrm_qty": "0",
    "rmn_qty": "10", "rjct_qty": "0", "ccld_cndt_name": "없음", "inqr_ip_addr": "", "cpbc_ordp_ord_rcit_dvsn_cd": "",
    "cpbc_ordp_infm_mthd_dvsn_cd": "", "infm_tmd": "", "ctac_tlno": "", "prdt_type_cd": "300", "excg_dvsn_cd": "02",
    "cpbc_ordp_mtrl_dvsn_cd": "", "ord_orgno": "06010", "rsvn_ord_end_dt": "", "excg_id_dvsn_Cd": "KRX",
    "stpm_cndt_pric": "0", "stpm_efct_occr_dtmd": "",
}  # fmt: skip
"""Every field of reference/kis.md 8.5."""
SOUGHT = Sought(instrument=SAMSUNG, side=Side.BUY, since=AT)


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


# ---- numbers and notices -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cells",
    [
        # reference/kis.md 7.8, identity replaced: 23 fields (mock), 26 (real)
        "HTSID^1234567801^0000001562^^02^0^00^0^027360^0000000001^000002200^092701^0^1^1^00950^000000001^NAME^1Y^10^^아주IB투자^",
        "HTSID^1234567801^0000001562^^02^0^00^0^027360^0000000001^000002200^092701^0^1^1^00950^000000001^NAME^0^1^Y^^10^^아주IB투자^000002200",
    ],
    ids=["23", "26"],
)
def test_a_notice_names_the_order_that_its_reply_names(cells):
    frame = f"0|H0STCNI0|001|{cells}".encode()
    (notice,) = STREAM.decode(frame, stamp("20261120", "092701"))
    assert notice.kind is NoticeKind.ACCEPTED
    known = ORDERS.noticed(notice)
    assert known == "20261120-0000001562-00950"
    assert ORDERS.number(known) == notice.order == "0000001562"
    assert ORDERS.identity(known) == ORDERS.identity("20261120-0000001562-06010") == "20261120-0000001562"


@pytest.mark.parametrize(
    ("environment", "url", "takes"),
    [
        (Environment.REAL, "https://openapi.koreainvestment.com:9443", True),
        (Environment.MOCK, "https://openapivts.koreainvestment.com:29443/", True),
        (Environment.MOCK, "https://openapi.koreainvestment.com:9443", False),
        (Environment.REAL, "http://openapi.koreainvestment.com:9443", False),
        (Environment.REAL, "https://openapi.koreainvestment.com", False),
        (Environment.MOCK, "http://127.0.0.1:8123", True), (Environment.REAL, "http://[::1]:8123", True),
        (Environment.MOCK, "http://u:p@127.0.0.1:1", False), (Environment.MOCK, "ftp://127.0.0.1", False),
        (Environment.MOCK, "https://[", False), (Environment.MOCK, "", False), (Environment.MOCK, "http://localhost", True),
    ],
)  # fmt: skip
def test_an_address_is_its_environments_or_this_machine(environment, url, takes):
    assert ORDERS.takes(environment, url) is takes


def test_an_account_is_never_shown():
    assert NUMBER[:8] not in repr(REAL)
    assert NUMBER[:8] not in repr(placed(ORDER)[1])
