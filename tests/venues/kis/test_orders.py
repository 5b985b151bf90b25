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
from core.domain.phases import Phase
from core.domain.policies import Environment
from core.domain.values import Side
from core.venues.flow import Response, run
from core.venues.kis.figures import stamp
from core.venues.kis.order_answers import judge
from core.venues.kis.orders import HOME, ORDERS
from core.venues.kis.refusals import PASSING
from core.venues.kis.stream import STREAM
from core.venues.ordering import Depot, Reply
from tests.adapters.orders.scripted import NUMBER, Bench
from tests.venues.kis.ordercraft import ACCOUNT, AT, MOCK, ORDER, REAL, TAKEN, Script, answer, refused


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
                                          "OPSQ2000", "OPSQ9999", "IGW00009", "MCA00124")),
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
