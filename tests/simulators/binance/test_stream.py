"""Simulated Binance's streams: what is asked adds up, limits bite, and connections end as the real ones do (I3, D6)."""

import asyncio

import aiohttp
import msgspec
import pytest

from core.domain.values import Millis
from core.simulators.binance_limits import BinanceLimits
from core.simulators.faults import Fault, Kind, Planned
from core.venues.binance.answers import DepthRow
from core.venues.binance.depth import DepthBook
from core.venues.binance.fields import instrument
from core.venues.binance.stream import decode


async def test_subscriptions_add_up_are_listed_and_taken_back(client):
    async with client.stream() as socket:
        assert await client.say(socket, "SUBSCRIBE", ["btcusdt@trade"], 1) == {"result": None, "id": 1}
        assert await client.say(socket, "SUBSCRIBE", ["ethusdt@trade", "btcusdt@trade"], "b2") == {
            "result": None,
            "id": "b2",
        }
        assert (await client.say(socket, "LIST_SUBSCRIPTIONS"))["result"] == ["btcusdt@trade", "ethusdt@trade"]
        await client.say(socket, "UNSUBSCRIBE", ["btcusdt@trade", "never@trade"])
        client.wait(30)
        frames = await client.drained(socket)

    assert {frame["stream"] for frame in frames} == {"ethusdt@trade"}


async def test_a_raw_connection_sends_bare_payloads_until_it_asks_for_wrapped_ones(client):
    async with client.stream("/ws/btcusdt@trade") as socket:
        assert (await client.say(socket, "GET_PROPERTY", ["combined"]))["result"] is False
        client.wait(10)
        assert {frame["e"] for frame in await client.drained(socket)} == {"trade"}
        assert (await client.say(socket, "SET_PROPERTY", ["combined", True]))["result"] is None
        client.wait(10)
        assert {frame["stream"] for frame in await client.drained(socket)} == {"btcusdt@trade"}


async def test_an_address_may_name_its_streams_and_ask_for_microseconds(client):
    path = "/stream?streams=btcusdt@trade/btcusdt@kline_1m&timeUnit=MICROSECOND"
    async with client.stream(path) as socket:
        await client.until(lambda: client.sim.log.open == 1)
        client.wait(10)
        frames = await client.drained(socket)

    trades = [frame["data"] for frame in frames if frame["stream"].endswith("@trade")]
    candles = [frame["data"]["k"] for frame in frames if "@kline" in frame["stream"]]
    assert all(row["T"] > 10**15 and row["E"] > 10**15 for row in trades)
    assert all(row["t"] > 10**15 for row in candles)
    assert trades
    assert candles
    events = [event for frame in frames for event in decode(msgspec.json.encode(frame), Millis(client.clock.at))]
    assert len(events) == len(frames)


@pytest.mark.parametrize("path", ["/ws/btcusdt@vanished", "/stream?streams=BTCUSDT@trade"])
async def test_an_address_with_a_stream_that_there_is_not_opens_nothing(client, path):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.stream(path)
    assert refused.value.status == 400


async def test_an_unknown_symbol_is_taken_and_stays_silent(client):
    async with client.stream() as socket:
        names = ["nopeusdt@trade", "nopeusdt@depth5", "aqtusdt@bookTicker", "carvusdt@trade"]
        assert (await client.say(socket, "SUBSCRIBE", names))["result"] is None
        client.wait(30)
        assert await client.drained(socket) == []


async def test_every_frame_of_every_feed_reads_and_tells_the_markets_own_figures(client):
    kinds = (
        "trade",
        "aggTrade",
        "bookTicker",
        "depth5@100ms",
        "depth@100ms",
        "depth",
        "kline_1m",
        "miniTicker",
        "ticker",
    )
    names = [f"ethusdt@{kind}" for kind in kinds]
    async with client.stream() as socket:
        await client.say(socket, "SUBSCRIBE", names)
        frames = []
        for _ in range(9):
            client.wait(10)
            frames += await client.drained(socket)
    prints = list(client.sim.market.lines["ETHUSDT"].prints)

    assert {frame["stream"] for frame in frames} == set(names)
    by_kind = {name: [frame["data"] for frame in frames if frame["stream"] == name] for name in names}
    trades = by_kind["ethusdt@trade"]
    assert [float(row["p"]) for row in trades] == [trade.price for trade in prints[-len(trades) :]]
    assert [row["a"] for row in by_kind["ethusdt@aggTrade"]] == [row["t"] for row in trades]
    closed = [row["k"] for row in by_kind["ethusdt@kline_1m"] if row["k"]["x"]]
    assert len(closed) == 1 or len({row["t"] for row in closed}) == len(closed)
    asked = await client.rows("klines", symbol="ETHUSDT", interval="1m", startTime=str(closed[0]["t"]), limit="1")
    assert asked[0][1:5] == [closed[0][name] for name in "ohlc"]
    for frame in frames:
        assert decode(msgspec.json.encode(frame), Millis(client.clock.at))


async def test_changes_of_a_book_join_the_rest_snapshot_and_never_cross(client):
    book = DepthBook(instrument("BTCUSDT"))
    async with client.stream() as socket:
        await client.say(socket, "SUBSCRIBE", ["btcusdt@depth@100ms"])
        for turn in range(20):
            client.wait(1)
            for frame in await client.drained(socket):
                [change] = decode(msgspec.json.encode(frame), Millis(client.clock.at))
                book.changed(change)
            if turn == 3:
                row = await client.rows("depth", symbol="BTCUSDT", limit="100")
                assert book.joined(msgspec.convert(row, DepthRow, strict=False))
        row = await client.rows("depth", symbol="BTCUSDT", limit="5")

    assert (book.whole, book.gaps) == (True, 0)
    told = book.book(5)
    assert [level.bid for level in told.levels] == [float(price) for price, _ in row["bids"]]
    assert [level.ask_size for level in told.levels] == [float(size) for _, size in row["asks"]]


async def test_all_mini_tickers_come_in_one_array_of_what_changed(client):
    async with client.stream("/ws/!miniTicker@arr") as socket:
        await client.until(lambda: client.sim.log.open == 1)
        client.wait(3)
        message = msgspec.json.decode((await socket.receive(timeout=5)).data)

    assert 0 < len({row["s"] for row in message}) < len(client.sim.pairs)


# limits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("way", "code"), [("close", 1008), ("drop", 1006)])
async def test_a_sixth_message_in_a_second_ends_the_connection_and_pings_count_too(serving, way, code):
    async with serving(limits=BinanceLimits(over_messages=way)) as client, client.stream() as socket:
        for number in range(3):
            await client.say(socket, "LIST_SUBSCRIPTIONS", id=number)
        await socket.ping()
        await socket.pong()
        await socket.send_str('{"method":"LIST_SUBSCRIPTIONS","id":9}')
        with pytest.raises((AssertionError, aiohttp.ClientError)):
            await client.data(socket)
        assert socket.close_code == code
        assert client.sim.log.refusals["messages over the limit"] == 1


async def test_five_messages_in_each_second_are_taken(client):
    async with client.stream() as socket:
        for _ in range(3):
            for _ in range(5):
                await client.say(socket, "LIST_SUBSCRIPTIONS")
            client.clock.at += 1000
    assert not client.sim.log.refusals


async def test_a_connection_has_at_most_so_many_streams(serving):
    async with serving(limits=BinanceLimits(streams=3)) as client, client.stream() as socket:
        names = [f"s{number}usdt@trade" for number in range(4)]
        assert (await client.say(socket, "SUBSCRIBE", names))["code"] == 2
        assert (await client.say(socket, "SUBSCRIBE", names[:3]))["result"] is None
        assert len((await client.say(socket, "LIST_SUBSCRIPTIONS"))["result"]) == 3


async def test_an_address_connects_only_so_often(serving):
    async with serving(limits=BinanceLimits(connects=2)) as client:
        for _ in range(2):
            async with client.stream():
                pass
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.stream()
        assert refused.value.status == 429
        client.clock.at += 300_000
        async with client.stream():
            pass


# how connections end -----------------------------------------------------------------------------------------------


async def ended(socket) -> int:
    """Read until the connection is over; gives its close code."""
    async with asyncio.timeout(10):
        while (await socket.receive()).type not in (
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.ERROR,
        ):
            pass
    return socket.close_code or 0


async def test_a_ping_that_is_answered_keeps_the_line_and_one_that_is_not_ends_it(client):
    async with client.stream() as socket, client.stream(autoping=False) as mute:
        await client.until(lambda: client.sim.log.open == 2)
        for _ in range(4):
            client.wait(20)
            for _ in range(2):  # the ping is read before the first answer, and answered before the second question
                await client.say(socket, "LIST_SUBSCRIPTIONS")
        assert await ended(mute) == 1006
        await client.until(lambda: client.sim.log.open == 1)
    assert client.sim.log.closed["no pong"] == 1


async def test_a_pong_of_another_payload_proves_nothing(client):
    async with client.stream(autoping=False) as socket:
        await client.until(lambda: client.sim.log.open == 1)
        for _ in range(4):
            client.wait(20)
            await socket.pong(b"unasked")
        assert await ended(socket) == 1006


async def test_a_connection_lives_a_day_and_no_longer(serving):
    async with serving(limits=BinanceLimits(life_s=5, ping_every_s=1000)) as client, client.stream() as socket:
        await client.until(lambda: client.sim.log.open == 1)
        client.wait(4.9)
        assert await client.say(socket, "LIST_SUBSCRIPTIONS")
        client.wait(0.2)
        assert await ended(socket) == 1006
        await client.until(lambda: client.sim.log.closed["its time is over"] == 1)


@pytest.mark.parametrize("path", ["/stream", "/ws"])
async def test_a_server_that_goes_down_says_so_first(client, path):
    async with client.stream(path) as socket:
        await client.until(lambda: client.sim.log.open == 1)
        client.sim.faults.cause(Planned(fault=Fault(kind=Kind.FAREWELL, delay_s=2)), client.clock.at)
        client.wait(1)
        said = await client.data(socket)
        assert (said.get("data") or said)["e"] == "serverShutdown"
        assert await client.say(socket, "LIST_SUBSCRIPTIONS")
        client.wait(2)
        assert await ended(socket) == 1006


@pytest.mark.parametrize("kind", [Kind.DROP, Kind.HALF_FRAME])
async def test_a_scripted_cut_ends_the_connection_without_a_close_frame(client, kind):
    async with client.stream() as socket:
        await client.until(lambda: client.sim.log.open == 1)
        client.sim.faults.cause(Planned(fault=Fault(kind=kind)), client.clock.at)
        client.wait(0.1)
        assert await ended(socket) == 1006


async def test_a_scripted_refusal_of_a_subscription_names_its_message(client):
    async with client.stream() as socket:
        client.sim.faults.cause(Planned(fault=Fault(kind=Kind.REGISTER, code="no")), client.clock.at)
        client.wait(0.1)
        assert await client.say(socket, "SUBSCRIBE", ["btcusdt@trade"], 7) == {"code": 2, "msg": "no", "id": 7}
        assert (await client.say(socket, "LIST_SUBSCRIPTIONS"))["result"] == []
