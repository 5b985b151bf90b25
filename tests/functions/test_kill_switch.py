"""E2, E8, E10: the functions carry a kill switch out, say what they put right, and log every move of a worker."""

from msgspec.structs import replace

from core.domain.levels import Hands
from core.domain.policies import ByHand
from core.domain.values import Market
from functions import liquidate, sweep
from tests.functions.test_trading import AAA, bought, open_for_buying

__all__ = ["bought", "open_for_buying"]


def test_an_order_to_flatten_is_carried_out_by_the_next_run(bought, context, said):  # E10
    ledger = bought.wiring.ledger
    ledger.halt("upbit", "enough", bought.wiring.clock(), sells=True)
    answer = liquidate.handler({}, context)
    assert answer["upbit"]["flatten"] == {"upbit": {"outcome": "flat", "cancelled": 0, "sold": 1, "left": {}}}
    assert bought.wiring.leases.lock(AAA).position is None
    assert (ledger.flattening(), ledger.halts()) == ({}, {"upbit": "enough"})
    assert "flatten" not in liquidate.handler({}, context)["upbit"]


def test_every_move_of_a_worker_is_a_log_line(bought, context, said):  # E2, E11
    bought.wiring.ledger.halt("upbit", "enough", bought.wiring.clock(), sells=True)
    liquidate.handler({}, context)
    moves = [
        (line["was"], line["to"], line["symbol"], line["why"])
        for line in said()
        if line.get("message") == "worker moved"
    ]
    assert moves == [("HOLD", "SCAN", "KRW-AAA", "flatten")]


def test_what_the_sweep_puts_right_is_a_line_with_its_figures(bought, context, said, monkeypatch):  # E8
    wiring = bought.wiring
    policy = wiring.policy(Market.UPBIT)
    adopting = replace(policy, sweep=replace(policy.sweep, by_hand=ByHand.ADOPT))
    monkeypatch.setattr(type(wiring), "policy", lambda self, market: adopting)
    monkeypatch.setattr("core.adapters.paper.PaperBroker.holdings", lambda self, market: {})
    sweep.handler({}, context)
    assert wiring.shelf.read(Hands, Market.UPBIT).suspects.keys() == {"KRW-AAA"}
    sweep.handler({}, context)
    (line,) = [line for line in said() if line.get("outcome") == "amended"]
    assert line["message"].startswith("books put right: sold by hand")
    assert line["instrument"] == "upbit:KRW-AAA"
    assert wiring.leases.lock(AAA).position is None
    assert [
        trip.exit for trip in wiring.ledger.trips(Market.UPBIT, wiring.days(Market.UPBIT).day_of(wiring.clock()))
    ] == ["by_hand"]
