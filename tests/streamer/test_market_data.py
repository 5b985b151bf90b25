"""D14 to D17 against a simulated Upbit: two ways to the same data, one answer that names its source."""

import asyncio
import time
from contextlib import aclosing

import pytest

from core.domain.errors import CircuitOpen, Misconfigured, Refused, Transient
from core.domain.unified import Fault as Wrong
from core.domain.unified import Source
from core.domain.values import Market
from core.simulators.faults import Fault, Kind, Planned
from streamer.market_data import MarketData, Via
from tests.streamer.conftest import PATIENCE_S, SYMBOLS, until, wall_ms

SETTINGS = """
markets:
  upbit:
    rest: {{url: "{rest}", backoff_s: [0.02], read_s: 2.0, limits: {{ticker: 200.0}}, headroom: 1.0}}
    stream: {{url: "{stream}", backoff_s: [0.05, 0.1]}}
    scan: {{tries: 2}}
    data: {data}
"""
FAILING = Fault(kind=Kind.HTTP, status=500, count=1000)


@pytest.fixture
def settings(upbit, tmp_path):
    """Writes a settings file that points at the simulator."""

    def written(data="{ttl_s: 2.0, patience_s: 10.0}", rest=None, stream=None):
        path = tmp_path / "settings.yaml"
        text = SETTINGS.format(rest=rest or upbit.rest_url, stream=stream or upbit.stream_url, data=data)
        path.write_text(text)
        return path

    return written


async def first(stream, count):
    """The first items of a stream, which is closed then."""
    async with aclosing(stream) as items:
        return [await anext(items) for _ in range(count)]


async def test_a_ticker_names_its_source_and_comes_from_the_cache_while_it_lives(settings):
    """D14, D16."""
    async with MarketData.open(settings(), env={}) as data:
        fresh = await data.get_ticker("KRW-BTC")
        again = await data.get_ticker("KRW-BTC")
        figures = data.figures()[Market.UPBIT]
    assert (fresh.source, fresh.cached, again.cached) == (Source.REST, False, True)
    assert fresh.ticker == again.ticker
    assert fresh.ticker.price > 0
    assert (figures.hits, figures.misses, figures.calls) == (1, 1, 1)


async def test_streams_give_every_symbol_and_refresh_the_cache(settings):
    """D14: the newest state of each symbol, and `get_ticker` then needs no call."""
    async with MarketData.open(settings(), env={}) as data:
        quotes = await first(data.stream_ticker(SYMBOLS), 40)
        calls = data.figures()[Market.UPBIT].calls
        streamed = await data.get_ticker("KRW-ETH", "websocket_only")
        auto = await data.get_ticker("KRW-ETH")
        figures = data.figures()[Market.UPBIT]
    assert {quote.ticker.instrument.symbol for quote in quotes} == set(SYMBOLS)
    assert Source.STREAM in {quote.source for quote in quotes}
    assert (streamed.source, auto.source, auto.cached) == (Source.STREAM, Source.STREAM, True)
    assert figures.calls == calls


async def test_order_books_are_streamed_sound(settings):
    async with MarketData.open(settings(), env={}) as data:
        books = await first(data.stream_orderbook(SYMBOLS), 20)
    assert {book.instrument.symbol for book in books} <= set(SYMBOLS)
    assert all(book.bid < book.ask for book in books)


async def test_a_second_reader_begins_with_what_is_known(settings):
    async with MarketData.open(settings("{ttl_s: 600.0}"), env={}) as data:
        known = await data.get_ticker("KRW-BTC")
        assert (await first(data.stream_ticker(["KRW-BTC"]), 1))[0].ticker == known.ticker
        async with aclosing(data.stream_orderbook(["KRW-ETH"])) as reader:
            await anext(reader)
            book = data._feeds[Market.UPBIT].feed.unifier.symbol("KRW-ETH").book
            assert (await first(data.stream_orderbook(["KRW-ETH"]), 1))[0].at >= book.at


async def test_each_channel_asks_only_whom_it_may(settings):
    """D14: `rest_only` never opens a connection, `websocket_only` never calls."""
    async with MarketData.open(settings(), env={}) as data:
        by_rest = await data.get_ticker("KRW-BTC", Via.REST_ONLY)
        assert data.figures()[Market.UPBIT].subscribed == ()
        calls = data.figures()[Market.UPBIT].calls
        by_stream = await data.get_ticker("KRW-ETH", Via.WEBSOCKET_ONLY)
        assert data.figures()[Market.UPBIT].calls == calls
    assert (by_rest.source, by_stream.source) == (Source.REST, Source.STREAM)


async def test_where_rest_fails_the_stream_answers(settings, upbit):
    """D14: the fallback, and the answer says so."""
    upbit.faults.cause(Planned(at_s=0.0, fault=FAILING), wall_ms())
    async with MarketData.open(settings(), env={}) as data:
        quote = await data.get_ticker("KRW-BTC")
        with pytest.raises(Transient):
            await data.get_ticker("KRW-BTC", Via.REST_ONLY)
    assert quote.source is Source.STREAM


async def test_where_the_stream_is_away_rest_answers(settings):
    async with MarketData.open(settings(stream="ws://127.0.0.1:9"), env={}) as data:
        assert (await data.get_ticker("KRW-BTC")).source is Source.REST


async def test_where_nobody_answers_the_error_of_rest_is_passed_on(settings, upbit):
    upbit.faults.cause(Planned(at_s=0.0, fault=FAILING), wall_ms())
    short = settings("{patience_s: 0.2}", stream="ws://127.0.0.1:9")
    async with MarketData.open(short, env={}) as data:
        with pytest.raises(Transient) as silent:
            await data.get_ticker("KRW-BTC")
        with pytest.raises(Transient, match="the stream tells nothing"):
            await data.get_ticker("KRW-BTC", Via.WEBSOCKET_ONLY)
    assert "stream" not in silent.value.found


async def test_many_who_ask_at_once_are_one_call(settings):
    """D16: single flight, and one call for all symbols of the moment."""
    async with MarketData.open(settings(), env={}) as data:
        answers = await asyncio.gather(*(data.get_ticker(symbol) for symbol in SYMBOLS * 20))
        figures = data.figures()[Market.UPBIT]
    assert figures.calls == 1
    assert figures.shared == len(SYMBOLS) * 19
    assert {quote.ticker.instrument.symbol for quote in answers} == set(SYMBOLS)


async def test_an_open_circuit_asks_nothing_and_closes_when_the_cause_has_ended(settings, upbit):
    """D17. How soon is proved on a clock of its own (tests/adapters/test_circuits.py)."""
    upbit.faults.cause(Planned(at_s=0.0, fault=FAILING), wall_ms())
    async with MarketData.open(settings("{ttl_s: 0.001}"), env={}) as data:

        async def asked():
            try:
                return await data.get_ticker("KRW-BTC", Via.REST_ONLY)
            except Transient as fault:
                return fault

        while not isinstance(await asked(), CircuitOpen):
            pass
        circuit = data.figures()[Market.UPBIT].circuits["/v1/ticker"]
        assert (circuit.closed, circuit.opened) == (False, 1)
        calls = data.figures()[Market.UPBIT].calls
        assert isinstance(await asked(), CircuitOpen)
        assert data.figures()[Market.UPBIT].calls == calls
        upbit.faults.clear()
        deadline = time.monotonic() + PATIENCE_S
        while isinstance(answer := await asked(), Transient):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert answer.source is Source.REST
        assert data.figures()[Market.UPBIT].circuits["/v1/ticker"].closed


async def test_more_than_80_percent_come_from_the_cache_in_a_normal_run(settings):
    """D16: three watched symbols, each asked for again and again while their stream runs."""
    async with MarketData.open(settings("{ttl_s: 2.0}"), env={}) as data:
        reading = asyncio.create_task(first(data.stream_ticker(SYMBOLS), 300))
        await data.warm(SYMBOLS)
        for _ in range(200):
            for symbol in SYMBOLS:
                await data.get_ticker(symbol)
            await asyncio.sleep(0.005)
        figures = data.figures()[Market.UPBIT]
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert figures.hits + figures.misses == 600
    assert figures.hit_rate > 0.8, figures


async def test_a_lost_line_makes_what_it_told_old(settings, upbit):
    """D16: invalidated on change."""
    async with MarketData.open(settings("{stream_ttl_s: 600.0, ttl_s: 0.001, patience_s: 10.0}"), env={}) as data:
        reading = asyncio.create_task(first(data.stream_ticker(["KRW-BTC"]), 10**6))
        await until(lambda: data.figures()[Market.UPBIT].subscribed == ("KRW-BTC",))
        assert (await data.get_ticker("KRW-BTC", Via.WEBSOCKET_ONLY)).source is Source.STREAM
        feed = data._feeds[Market.UPBIT].feed
        upbit.faults.cause(Planned(at_s=0.0, fault=Fault(kind=Kind.DROP)), wall_ms())
        await until(lambda: feed.hub.reconnects >= 1, "the loss")
        assert feed.cache.invalidated >= 1
        await until(lambda: data.figures()[Market.UPBIT].subscribed == ("KRW-BTC",), "the line")
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def test_what_nobody_reads_any_more_is_given_up(settings, upbit):
    async with MarketData.open(settings("{linger_s: 0.0}"), env={}) as data:
        await first(data.stream_ticker(["KRW-BTC"]), 1)
        other = asyncio.create_task(first(data.stream_ticker(["KRW-ETH"]), 10**6))
        await until(lambda: data.figures()[Market.UPBIT].subscribed == ("KRW-ETH",), "one subscription")
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)
        await until(lambda: data.figures()[Market.UPBIT].subscribed == (), "none")


async def test_a_slow_reader_gets_the_newest_and_keeps_nobody_waiting(settings):
    """D11."""
    async with MarketData.open(settings(), env={}) as data, aclosing(data.stream_ticker(["KRW-BTC"])) as slow:
        before = (await anext(slow)).ticker.seen
        await first(data.stream_ticker(["KRW-BTC"]), 8)
        await asyncio.sleep(0.05)
        held = data._feeds[Market.UPBIT].feed.unifier.symbol("KRW-BTC").ticker
        newest = (await anext(slow)).ticker
        assert newest.seen > before
        assert held.at - newest.at <= 1000


async def test_a_symbol_that_is_none_is_refused_and_one_of_no_market_is_named(settings):
    async with MarketData.open(settings(), env={}) as data:
        with pytest.raises(Refused):
            await data.get_ticker("KRW-NOSUCHCOIN")
        with pytest.raises(Misconfigured, match="upbit"):
            await data.get_ticker("nyse:AAPL")
        assert (await data.get_ticker("upbit:KRW-BTC")).ticker.instrument.symbol == "KRW-BTC"
        with pytest.raises(ValueError, match="carrier pigeon"):
            await data.get_ticker("KRW-BTC", "carrier pigeon")


async def test_a_market_that_is_not_enabled_is_named(settings):
    with pytest.raises(Misconfigured, match="krx"):
        async with MarketData.open(settings(), Market.KRX, env={}):
            pass


async def test_what_a_user_raises_in_the_block_comes_out_as_it_is(settings):
    with pytest.raises(ZeroDivisionError):
        async with MarketData.open(settings(), env={}):
            raise ZeroDivisionError


async def test_nothing_is_left_running(settings):
    before = asyncio.all_tasks()
    async with MarketData.open(settings(), env={}) as data:
        await first(data.stream_ticker(SYMBOLS), 5)
    await until(lambda: asyncio.all_tasks() == before, "the end of every task")


async def test_frames_that_come_out_of_order_never_turn_time_back_and_are_counted(settings, upbit):
    """D15."""
    upbit.faults.cause(Planned(at_s=0.0, fault=Fault(kind=Kind.REORDER, count=10**6)), wall_ms())
    async with MarketData.open(settings(), env={}) as data, aclosing(data.stream_ticker(SYMBOLS)) as quotes:
        newest = {}
        async with asyncio.timeout(PATIENCE_S):
            while not data.figures()[Market.UPBIT].faults.get(Wrong.BACKWARDS.value):
                quote = await anext(quotes)
                symbol = quote.ticker.instrument.symbol
                assert quote.ticker.at >= newest.get(symbol, 0)
                newest[symbol] = quote.ticker.at
