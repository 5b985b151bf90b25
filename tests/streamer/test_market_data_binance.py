"""D14 on a third venue: the same interface on a simulated Binance, with nothing of its own."""

import asyncio
from contextlib import aclosing

from core.domain.unified import Source
from core.domain.values import Market
from core.simulators.binance import BinanceSimulator
from streamer.market_data import MarketData

SETTINGS = """
markets:
  binance:
    enabled: true
    rest: {{url: "{rest}"}}
    stream: {{url: "{stream}"}}
"""


async def test_tickers_and_books_of_binance_come_as_those_of_any_other_venue(tmp_path):
    path = tmp_path / "settings.yaml"
    async with BinanceSimulator(seed=7) as binance, asyncio.timeout(60):
        path.write_text(SETTINGS.format(rest=binance.rest_url, stream=binance.stream_url))
        async with MarketData.open(path, env={}) as data:
            by_rest = await data.get_ticker("BTCUSDT")
            by_stream = await data.get_ticker("ETHUSDT", "websocket_only")
            async with aclosing(data.stream_orderbook(["BTCUSDT"])) as books:
                book = await anext(books)
            figures = data.figures()[Market.BINANCE]
    assert (by_rest.source, by_stream.source) == (Source.REST, Source.STREAM)
    assert by_rest.ticker.price > 0 < by_stream.ticker.price
    assert book.bid < book.ask
    assert figures.faults == {}
    assert figures.surprises == 0
