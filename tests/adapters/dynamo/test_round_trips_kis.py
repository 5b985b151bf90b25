"""E1: what a buy costs in DynamoDB at KIS, which knows no client order ids: counted as in test_round_trips.py."""

import time
from contextlib import contextmanager
from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.adapters import recent
from core.adapters.dynamo.notices import DynamoNotices
from core.adapters.dynamo.sendings import DynamoSendings
from core.adapters.dynamo.tokens import DynamoVault
from core.adapters.wiring import Wiring
from core.domain.events import NoticeKind, OrderNotice
from core.domain.values import Market, Side
from tests.adapters.dynamo.test_round_trips import House, deprived, sent, tables, wiring_of
from tests.adapters.orders.floors import Served
from tests.adapters.orders.floors_kis import KisFloor, KisMockFloor

__all__ = ["sent", "tables"]

pytestmark = pytest.mark.cloud


class Noticed:
    """A broker whose fills are told on the board before anybody looks, as the streamer tells them."""

    def __init__(self, broker, floor, board):
        self.broker, self.floor, self.board = broker, floor, board

    def __getattr__(self, name):
        return getattr(self.broker, name)

    def place(self, order, at):
        outcome, taken = self.broker.place(order, at), self.floor.sent(order.side)[-1]
        board, before = self.board, len(self.floor.counted)
        board.put([
            OrderNotice(
                instrument=order.instrument, account="", order=taken.number, original="", side=order.side, at=at,
                kind=NoticeKind.FILLED, quantity=D(fill.quantity), price=D(fill.price), seen=self.floor.clock(),
            )
            for fill in taken.executions
        ])  # fmt: skip
        del self.floor.counted[before:]
        return outcome


class PromptFloor(KisFloor):
    """Its list has an order at once."""

    lag_s = 0.0


@contextmanager
def trading(kind, tables, monkeypatch, sent):
    """A worker function at a simulated KIS: warm, flat, and with nothing of a limit's second used up."""
    monkeypatch.setattr(recent, "KEPT_MS", 60_000)
    with Served(kind) as floor:
        market, symbol = floor.instrument.market, floor.instrument.symbol
        wiring = wiring_of(tables, market, floor.policy.rest)
        wiring.clock, floor.clock.more = floor.clock, 0
        monkeypatch.setattr(time, "sleep", floor.clock.sleep)
        floor.vault = DynamoVault(tables.state, wiring.client("dynamodb"))
        floor.counted, floor.board = sent, DynamoNotices(tables.state, wiring.lock_client)
        floor.budget, wiring._rules[market] = wiring.spare(market), floor.venue.rules
        wiring.__dict__["secrets"], settings = floor.secrets, wiring.settings
        policy = replace(settings.markets[market], keys=(floor.policy.account.key,))
        wiring.__dict__["settings"] = replace(settings, markets={**settings.markets, market: policy})
        floor.sendings = DynamoSendings(tables.ledger, wiring.lock_client)
        wiring._brokers[market] = Noticed(floor.broker(), floor, floor.board)
        monkeypatch.setattr(Wiring, "broker", lambda self, market: self._brokers[market])
        lines = floor.sim.market.lines
        other = next(name for name in sorted(lines) if name != symbol)
        made = House(wiring, market, lambda name: float(lines[name].ask), [symbol, other], monkeypatch, sent)
        made.tick, made.symbol, made.other = lambda: floor.clock.sleep(2.5), symbol, other
        made.call(symbol, Side.BUY, "warm")
        made.call(symbol, Side.SELL, "warm too")
        yield made


@pytest.mark.parametrize("share", [True, False], ids=["has the share", "has it not"])
def test_a_buy_at_a_simulated_kis_costs_three_a_sale_five_and_a_refusal_one(share, tables, monkeypatch, sent):
    """No client order ids are known there: the order's number is claimed as it ends. A buy's end is in the venue's list,
    a sale's is heard among the notices."""
    with trading(PromptFloor, tables, monkeypatch, sent) as made:
        symbol, wiring = made.symbol, made.wiring
        if not share:
            deprived(wiring, Market.KRX)
        assert made.call(symbol, Side.BUY, "b") == (("bought", ""), ["locks", "ledger", "locks"])
        assert made.call(symbol, Side.BUY, "c") == (("held", ""), ["locks"])
        outcome, asked = made.call(symbol, Side.SELL, "s")
        assert (outcome, [table for table in asked if table != "budget"]) == (
            ("sold", ""), ["locks", "locks", "ledger", "state", "locks"],
        )  # fmt: skip
        assert share == ("budget" not in asked)  # a sale asks for its turns
        wiring.ledger.halt("all", "news", wiring.clock())
        assert made.call(symbol, Side.BUY, "d") == (("refused", "halted"), ["locks"])
        wiring.ledger.resume("all")
        assert made.call(made.other, Side.BUY, "another")[0] == ("bought", "")
        made.risk(max_positions=1)
        assert made.call(symbol, Side.BUY, "e") == (("refused", "open positions"), ["locks"])


def test_where_the_list_is_behind_each_look_at_the_notices_is_one_more(tables, monkeypatch, sent):
    """Nobody says by how much it may be (reference/kis.md 8.5); the simulated one is a second behind."""
    with trading(KisFloor, tables, monkeypatch, sent) as made:
        assert made.call(made.symbol, Side.BUY, "b") == (("bought", ""), ["locks", "ledger", "state", "locks"])
        assert made.call(made.symbol, Side.SELL, "s") == (
            ("sold", ""), ["locks", "locks", "ledger", "state", "locks"],
        )  # fmt: skip


def test_a_mock_account_claims_the_number_at_once_and_hears_the_notices(tables, monkeypatch, sent):
    """Its list may leave orders out. Its one call a second is nobody's to keep free, so every call asks for its turn."""
    with trading(KisMockFloor, tables, monkeypatch, sent) as made:
        outcome, asked = made.call(made.symbol, Side.BUY, "b")
        turns = asked.count("budget")
        assert (outcome, turns) == (("bought", ""), 4)
        assert [table for table in asked if table != "budget"] == ["locks", "ledger", "ledger", "state", "locks"]
