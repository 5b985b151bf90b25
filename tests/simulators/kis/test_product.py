"""The venue's own flows against the simulated KIS: what one writes the other reads (A1, B1, E3, E8)."""

import asyncio
from decimal import Decimal

import pytest
import requests

from core.domain.errors import OrderExecutionError, WrongEnvironment
from core.domain.orders import Order
from core.domain.phases import Phase
from core.domain.policies import Environment, UniversePolicy
from core.domain.values import DAY, MINUTE, Instrument, Market, Millis, Side
from core.venues.flow import Flow, Request, Response, run
from core.venues.ordering import Depot, Sought
from core.venues.spec import venue

KIS = venue(Market.KRX)
REAL, MOCK = Environment.REAL, Environment.MOCK
SAMSUNG = Instrument(Market.KRX, "005930")


async def carried_out(client, flow: Flow):
    """Run a flow over HTTP as the client's app key, a second of the venue's time before each call."""
    with requests.Session() as session:
        session.trust_env = False

        def send(request: Request) -> Response:
            client.breathe()
            keys = KIS.rest.keys
            bare = request.path.startswith("/oauth2")
            signed = request if bare else keys.sign(request, client.key.app_key, client.key.app_secret, client.token)
            reply = session.request(
                request.method, client.sim.rest_url + request.path, params=request.query, data=signed.body or None,
                headers=dict(signed.headers), timeout=5,
            )  # fmt: skip
            return Response(
                reply.status_code, reply.content, {name.lower(): text for name, text in reply.headers.items()}
            )

        return await asyncio.to_thread(run, flow, send)


async def test_keys_are_issued_by_the_venue_s_own_flows(serving):
    async with serving(entered=False) as client:
        keys, at = KIS.rest.keys, Millis(client.clock.at)
        issued = await carried_out(client, keys.token(client.key.app_key, client.key.app_secret, at))
        assert issued.ends == at + DAY
        approval = await carried_out(client, keys.approval(client.key.app_key, client.key.app_secret, at))
        assert len(approval.text) == 36


async def test_the_universe_of_250_is_nine_calls_of_quotes(serving):
    async with serving(count=250) as client:
        symbols = list(client.sim.market.lines)[:250]
        rows = await carried_out(client, KIS.rest.tickers(symbols, "KRW", Millis(client.clock.at)))
        assert [row.instrument.symbol for row in rows] == symbols
        assert client.sim.log.groups["rest"] == 9
        assert client.sim.log.refusals == {}


async def test_every_odd_stock_is_listed_with_a_warning_that_tells_it_apart(real):
    symbols = tuple(code for code in real.sim.market.lines if code.startswith("9000"))[:9]
    rows = await carried_out(real, KIS.rest.listing(UniversePolicy(codes=("005930", *symbols)), Millis(real.clock.at)))
    flags = {row.instrument.symbol: row.flags for row in rows}
    assert flags["005930"] == frozenset()
    assert all(flags[symbol] for symbol in symbols)
    assert flags["900005"] & flags["900008"], "the hidden halt was not found"


async def test_candles_of_days_and_minutes_read(real):
    at = Millis(real.clock.at)
    days = await carried_out(real, KIS.rest.bars("005930", DAY, 21, None, at))
    minutes = await carried_out(real, KIS.rest.bars("005930", MINUTE, 400, None, at))
    assert (len(days), len(minutes)) == (21, 400)
    assert [bar.opens for bar in minutes] == sorted({bar.opens for bar in minutes})
    assert all(bar.low <= bar.close <= bar.high for bar in (*days, *minutes))


async def test_books_and_holidays_read(real):
    (book,) = await carried_out(real, KIS.rest.books(["005930"], 5, Millis(real.clock.at)))
    stock = real.sim.market.lines["005930"]
    assert (book.bid, book.ask, len(book.levels)) == (stock.bid, stock.ask, 5)
    told = await carried_out(real, KIS.rest.holidays("2026-09-23", Millis(real.clock.at)))
    assert (told["2026-09-23"], told["2026-09-26"]) == (True, False)


async def test_the_mock_environment_has_no_multi_quote(mock):
    with pytest.raises(WrongEnvironment):
        await carried_out(mock, KIS.rest.tickers(["005930"], "KRW", Millis(mock.clock.at)))
    rows = await carried_out(mock, KIS.rest.mock.tickers(["005930", "000660"], "KRW", Millis(mock.clock.at)))
    assert len(rows) == 2


def order(side: Side, quantity: int, limit: int | None = None) -> Order:
    return Order(
        id="o-1", instrument=SAMSUNG, side=side, quantity=Decimal(quantity), reference=Decimal(1), signal="s-1", leg=0,
        worker="w-1", reason="test", at=Millis(0), limit=None if limit is None else Decimal(limit),
    )  # fmt: skip


@pytest.mark.parametrize("flavour", [REAL, MOCK])
async def test_an_order_is_placed_listed_held_and_sold(serving, flavour):
    async with serving(flavour, limits={"ccld_empty": False}) as client:
        depot = Depot(number=client.key.account, environment=flavour)
        at = Millis(client.clock.at)
        receipt = await carried_out(client, KIS.orders.place(order(Side.BUY, 3), depot, Phase.REGULAR, at))
        listed = await carried_out(
            client, KIS.orders.listed(Sought(instrument=SAMSUNG, side=Side.BUY, since=at), depot, at)
        )
        (row,) = listed.rows
        assert (row.id, row.filled, row.quantity, listed.whole) == (receipt.id, 3, 3, True)
        (held,) = await carried_out(client, KIS.orders.holdings(depot, at))
        assert (held.symbol, held.units, held.sellable) == ("005930", 3, 3)
        await carried_out(client, KIS.orders.place(order(Side.SELL, 3), depot, Phase.REGULAR, at))
        assert client.sim.books.report()["holdings"] == {}


@pytest.mark.parametrize("flavour", [REAL, MOCK])
async def test_a_waiting_order_is_cancelled_once(serving, flavour):
    async with serving(flavour) as client:
        depot, at = Depot(number=client.key.account, environment=flavour), Millis(client.clock.at)
        stock = client.sim.market.lines["005930"]
        waiting = order(Side.BUY, 2, stock.shift(stock.bid, -9))
        receipt = await carried_out(client, KIS.orders.place(waiting, depot, Phase.CLOSING, at))
        await carried_out(client, KIS.orders.cancel(waiting, receipt.id, depot, at))
        with pytest.raises(OrderExecutionError):
            await carried_out(client, KIS.orders.cancel(waiting, receipt.id, depot, at))
        assert client.sim.log.counts["cancels"] == 1
