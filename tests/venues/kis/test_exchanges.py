"""KRX, NXT and SOR: where an order goes, what kind it is there, and under which exchange it is looked for."""

import json
from datetime import datetime

import pytest
from msgspec.structs import replace

from core.domain.phases import Phase
from core.domain.policies import Environment
from core.domain.values import KST, Millis, Side
from core.venues.flow import run
from core.venues.kis.exchanges import KRX, NXT, SOR, exchange_at, may_be_ours
from core.venues.kis.orders import ORDERS
from tests.adapters.orders.scripted import Bench
from tests.venues.kis.ordercraft import ORDER, REAL, ROW, SOUGHT, TAKEN, Script, answer


def at(text):
    return Millis(int(datetime.fromisoformat(f"{text}+00:00").timestamp() * 1000) - KST)


NOON = at("2026-11-20 12:00")


def sent(order, exchange, when=NOON, phase=Phase.REGULAR):
    script = Script(answer(output=TAKEN))
    receipt = run(ORDERS.place(order, replace(REAL, exchange=exchange), phase, when), script)
    body = json.loads(script.asked[0].body)
    return receipt.id, body["EXCG_ID_DVSN_CD"], body["ORD_DVSN"]


@pytest.mark.parametrize(
    ("chosen", "limited", "free"), [("", "11", "01"), (KRX, "11", "01"), (NXT, "11", "15"), (SOR, "11", "01")]
)
def test_the_chosen_exchange_gets_orders_while_both_trade_and_nxt_no_market_order(chosen, limited, free):
    assert sent(ORDER, chosen)[1:] == (chosen or KRX, limited)
    assert sent(Bench().order(Side.SELL, limit=None), chosen)[1:] == (chosen or KRX, free)


@pytest.mark.parametrize("chosen", [NXT, SOR])
@pytest.mark.parametrize(
    ("when", "phase", "goes"),
    [
        ("2026-11-20 09:00:29", Phase.REGULAR, False),
        ("2026-11-20 09:00:30", Phase.REGULAR, True),
        ("2026-11-20 15:19:59", Phase.REGULAR, True),
        ("2026-11-20 15:20", Phase.CLOSING, False),
        ("2026-11-20 12:00", Phase.INTERRUPTED, False),
        ("2026-11-20 08:45", Phase.OPENING, False),
        ("2026-11-20 17:00", Phase.AFTER, False),
        ("2026-11-19 09:30", Phase.OPENING, False),  # the day of the CSAT
        ("2026-11-19 15:30", Phase.REGULAR, True),
        ("2026-11-21 12:00", Phase.CLOSED, False),
    ],
)
def test_auctions_and_all_but_the_main_session_are_krx(chosen, when, phase, goes):
    assert exchange_at(chosen, phase, at(when)) == (chosen if goes else KRX)


def test_a_cancel_names_the_exchange_that_took_the_order():
    known, *_ = sent(ORDER, NXT)
    assert known == "20261120-0001569157-06010.NXT"
    assert (ORDERS.identity(known), ORDERS.number(known)) == ("20261120-0001569157", "0001569157")
    script = Script(answer(output=TAKEN))
    receipt = run(ORDERS.cancel(ORDER, known, REAL, NOON), script)
    body = json.loads(script.asked[0].body)
    assert (body["KRX_FWDG_ORD_ORGNO"], body["EXCG_ID_DVSN_CD"]) == ("06010", "NXT")
    assert receipt.id == known


@pytest.mark.parametrize(("chosen", "asked"), [("", "KRX"), (KRX, "KRX"), (NXT, "ALL"), (SOR, "ALL")])
def test_orders_are_looked_for_wherever_they_may_have_gone(chosen, asked):
    script = Script(answer(output1=[{**ROW, "excg_id_dvsn_Cd": "NXT"}], output2={}))
    found = run(ORDERS.listed(SOUGHT, replace(REAL, exchange=chosen), NOON), script)
    assert dict(script.asked[0].query)["EXCG_ID_DVSN_CD"] == asked
    assert found.rows[0].ours is (asked == "ALL")


@pytest.mark.parametrize(("name", "chosen", "ours"), [("", KRX, True), ("NXT", KRX, False), ("NASDAQ", SOR, False)])
def test_an_order_of_another_exchange_is_nobodys_of_ours(name, chosen, ours):
    assert may_be_ours(name, chosen) is ours


def test_mock_knows_krx_only():
    assert ORDERS.exchanges == {Environment.REAL: (KRX, NXT, SOR), Environment.MOCK: (KRX,)}
