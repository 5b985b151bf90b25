"""Does KIS let one stock trade now: what is asked before a buy (reference/kis.md 5.1, 5.3)."""

import pytest

from core.domain.policies import Environment
from core.venues.flow import run
from core.venues.kis.rest import REST
from tests.venues.kis.desk import SEEN, Desk

MOCK = REST.at(Environment.MOCK)


@pytest.mark.parametrize("spec", [REST, MOCK])
@pytest.mark.parametrize(
    ("row", "halted", "interrupted"),
    [
        ({}, False, False),
        ({"vi_cls_code": "Y"}, False, True),
        ({"iscd_stat_cls_code": "58"}, True, False),
        ({"temp_stop_yn": "Y"}, True, False),
        ({"ovtm_vi_cls_code": "Y"}, False, False),
    ],
)
def test_one_call_says_whether_a_stock_is_halted_or_interrupted(spec, row, halted, interrupted):
    desk = Desk("000010")
    desk.stocks["000010"] = row
    state = run(spec.state("000010", SEEN), desk)
    assert (str(state.instrument), state.halted, state.interrupted) == ("krx:000010", halted, interrupted)
    assert desk.paths() == ["inquire-price"]


@pytest.mark.parametrize(
    ("spec", "asked", "halted"),
    [(REST, ["inquire-price", "inquire-price-2"], True), (MOCK, ["inquire-price"], False)],
)
def test_a_halt_behind_another_status_costs_a_second_call_where_there_is_one(spec, asked, halted):
    desk = Desk("000010")
    desk.stocks["000010"] = {"iscd_stat_cls_code": "51"}
    desk.companions["000010"] = {"trht_yn": "Y"}
    assert run(spec.state("000010", SEEN), desk).halted is halted
    assert desk.paths() == asked
