"""E1: what a buy costs in DynamoDB at KIS, which knows no client order ids: counted as in test_round_trips.py."""

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.adapters import recent
from core.adapters.dynamo.notices import DynamoNotices
from core.adapters.dynamo.sendings import DynamoSendings
from core.adapters.dynamo.tokens import DynamoVault
from core.adapters.wiring import Wiring
from core.domain.events import NoticeKind, OrderNotice
from core.domain.values import Side
from tests.adapters.dynamo.test_round_trips import House, sent, tables, wiring_of
from tests.adapters.orders.floors import Served
from tests.adapters.orders.floors_kis import KisFloor

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


def test_a_buy_at_a_simulated_kis_costs_eight_and_a_refusal_by_the_lock_two(tables, monkeypatch, sent):
    """No client order ids are known there: the order's number is claimed, and its fills come as notices. And all calls
    are of one group: two of a buy's four (price, state, cash, order) are within what is kept free, and the fourth finds
    that the third has just gone."""
    monkeypatch.setattr(recent, "KEPT_MS", 60_000)
    with Served(KisFloor) as floor:
        market, symbol = floor.instrument.market, floor.instrument.symbol
        wiring = wiring_of(tables, market, floor.policy.rest)
        wiring.clock, floor.clock.more = floor.clock, 0
        floor.vault = DynamoVault(tables.state, wiring.client("dynamodb"))
        floor.counted, floor.board = sent, DynamoNotices(tables.state, wiring.lock_client)
        floor.budget, wiring._rules[market] = wiring.spare(market), floor.venue.rules
        wiring.__dict__["secrets"], settings = floor.secrets, wiring.settings
        policy = replace(settings.markets[market], keys=(floor.policy.account.key,))
        wiring.__dict__["settings"] = replace(settings, markets={**settings.markets, market: policy})
        broker = floor.broker(sendings=DynamoSendings(tables.ledger, wiring.lock_client))
        wiring._brokers[market] = Noticed(broker, floor, floor.board)
        monkeypatch.setattr(Wiring, "broker", lambda self, market: self._brokers[market])
        made = House(wiring, market, lambda symbol: float(floor.price), [symbol], monkeypatch, sent)
        made.tick = lambda: floor.clock.sleep(1.1)
        made.call(symbol, Side.BUY, "warm")
        made.call(symbol, Side.SELL, "warm too")
        assert made.call(symbol, Side.BUY, "b") == (
            ("bought", ""), ["budget", "locks", "budget", "budget", "ledger", "ledger", "state", "locks"],
        )  # fmt: skip
        assert made.call(symbol, Side.BUY, "c") == (("held", ""), ["budget", "locks"])
