"""Upbit's simulated stream over real sockets (reference/upbit.md 4)."""

import asyncio
import re

import aiohttp
import msgspec
import pytest

from core.domain.events import Bar, Book, Ticker, Trade
from core.domain.values import Market
from core.simulators.limits import Limits
from core.venues.spec import venue

DECODE = venue(Market.UPBIT).stream.decode
ALL = [
    {"type": kind, "codes": ["KRW-BTC", "KRW-ETH"]}
    for kind in ("ticker", "trade", "orderbook", "candle.1m", "candle.1s")
]


async def end_of(socket):
    """The message that ends a connection, data before it skipped."""
    while True:
        message = await socket.receive(timeout=5)
        if message.type is not aiohttp.WSMsgType.BINARY:
            return message


async def test_a_request_brings_one_snapshot_of_each_code_and_then_news(client):
    async with client.stream() as socket:
        await client.subscribed(socket, client.ask(*ALL))
        client.wait(3)
        frames = await client.drained(socket)
    for kind in ("ticker", "trade", "orderbook", "candle.1m", "candle.1s"):
        told = [(frame["code"], frame["stream_type"]) for frame in frames if frame["type"] == kind]
        assert told[:2] == [("KRW-BTC", "SNAPSHOT"), ("KRW-ETH", "SNAPSHOT")]
        assert {stream_type for _, stream_type in told[2:]} == {"REALTIME"}


@pytest.mark.parametrize("style", ["DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST"])
async def test_the_venue_s_decoder_reads_every_frame_of_every_format(client, style):
    kinds = set()
    async with client.stream() as socket:
        await client.subscribed(socket, client.ask(*ALL, style=style))
        client.wait(3)
        await socket.send_str('[{"ticket":"end"},{"method":"LIST_SUBSCRIPTIONS"}]')
        while True:
            message = await socket.receive(timeout=5)
            if b"LIST_SUBSCRIPTIONS" in message.data:
                break
            assert isinstance(msgspec.json.decode(message.data), list) is style.endswith("LIST")
            kinds |= {type(event) for event in DECODE(message.data, client.clock.at)}
    assert kinds == {Trade, Book, Ticker, Bar}


async def test_every_trade_printed_is_streamed_once_and_equals_the_rest_candle(client):
    async with client.stream() as socket:
        await client.subscribed(socket, client.ask({"type": "trade", "codes": ["KRW-BTC"], "is_only_realtime": True}))
        client.wait(180)
        frames = await client.drained(socket)
    ids = [frame["sequential_id"] for frame in frames]
    assert len(ids) == len(set(ids))
    assert ids != sorted(ids), "no late trade among them"
    minute = [f for f in sorted(frames, key=lambda f: f["sequential_id"]) if f["trade_time"].startswith("03:40")]
    row = (await client.rows("/v1/candles/minutes/1?market=KRW-BTC&to=2026-09-23T03:41:00"))[0]
    prices = [frame["trade_price"] for frame in minute]
    assert (row["opening_price"], row["high_price"]) == (prices[0], max(prices))
    assert (row["low_price"], row["trade_price"]) == (min(prices), prices[-1])
    assert row["candle_acc_trade_volume"] == pytest.approx(sum(frame["trade_volume"] for frame in minute))
    assert row["candle_acc_trade_price"] == pytest.approx(sum(f["trade_volume"] * f["trade_price"] for f in minute))


async def test_only_snapshots_or_only_news_can_be_asked_for(client):
    async with client.stream() as socket:
        await client.subscribed(socket, client.ask({"type": "trade", "codes": ["KRW-BTC"], "is_only_snapshot": True}))
        client.wait(5)
        assert [frame["stream_type"] for frame in await client.drained(socket)] == ["SNAPSHOT"]
        await client.subscribed(socket, client.ask({"type": "trade", "codes": ["KRW-BTC"], "isOnlyRealtime": True}))
        client.wait(5)
        assert {frame["stream_type"] for frame in await client.drained(socket)} == {"REALTIME"}


async def test_a_new_request_replaces_all_and_sends_snapshots_again(client):
    async with client.stream() as socket:
        await client.subscribed(socket, client.ask({"type": "trade", "codes": ["KRW-BTC", "KRW-XRP"]}))
        client.wait(2)
        await client.drained(socket)
        await client.subscribed(socket, client.ask({"type": "trade", "codes": ["KRW-BTC", "KRW-ETH"]}))
        client.wait(5)
        frames = await client.drained(socket)
    snapshots = [frame["code"] for frame in frames if frame["stream_type"] == "SNAPSHOT"]
    assert snapshots == ["KRW-BTC", "KRW-ETH"]
    assert {frame["code"] for frame in frames} == {"KRW-BTC", "KRW-ETH"}


async def test_a_code_kept_by_a_new_request_loses_no_trade(serving):
    async with serving(limits=Limits(snapshot_ms=300)) as client, client.stream() as socket:
        one = client.ask({"type": "trade", "codes": ["KRW-BTC"]})
        await client.subscribed(socket, one)
        client.wait(1)
        await client.drained(socket)
        before = len(client.sim.market.lines["KRW-BTC"].prints)
        await client.subscribed(socket, one)
        client.wait(5)
        frames = [frame for frame in await client.drained(socket) if frame["stream_type"] == "REALTIME"]
        printed = list(client.sim.market.lines["KRW-BTC"].prints)[before:]
        assert [frame["sequential_id"] for frame in frames] == [trade.sequence for trade in printed]


async def test_unknown_and_lower_case_codes_bring_nothing_and_no_error(client):
    async with client.stream() as socket:
        await client.subscribed(socket, client.ask({"type": "trade", "codes": ["krw-btc", "KRW-NONE"]}))
        client.wait(5)
        assert await client.drained(socket) == []


async def test_book_units_and_levels(client):
    async with client.stream() as socket:
        types = [
            {"type": "orderbook", "codes": ["KRW-BTC.5"], "is_only_snapshot": True},
            {"type": "orderbook", "codes": ["KRW-ETH"], "level": 10000, "is_only_snapshot": True},
            {"type": "orderbook", "codes": ["KRW-XRP"], "level": 123, "is_only_snapshot": True},
            {"type": "orderbook", "codes": ["BTC-ETH"], "level": 10000, "is_only_snapshot": True},
        ]
        await client.subscribed(socket, client.ask(*types))
        client.wait(1)
        frames = await client.drained(socket)
    assert [(f["code"], len(f["orderbook_units"]), f["level"]) for f in frames] == [
        ("KRW-BTC", 5, 0),
        ("KRW-ETH", 30, 10000),
    ]


async def test_numbers_are_spelled_as_java_spells_them(client):
    async with client.stream() as socket:
        await client.subscribed(
            socket, client.ask({"type": "orderbook", "codes": ["KRW-BTC.1"], "is_only_snapshot": True})
        )
        client.wait(1)
        default = (await socket.receive(timeout=5)).data
        await client.subscribed(
            socket, client.ask({"type": "orderbook", "codes": ["KRW-BTC.1"], "is_only_snapshot": True}, style="SIMPLE")
        )
        client.wait(1)
        simple = (await socket.receive(timeout=5)).data
    assert re.search(rb'"ask_price":1\.\d+E8', default)
    assert re.search(rb'"ap":\d{9},', simple)


async def test_whole_books_come_on_the_hundred_millisecond_grid(client):
    async with client.stream() as socket:
        await client.subscribed(
            socket, client.ask({"type": "orderbook", "codes": ["KRW-BTC"], "is_only_realtime": True})
        )
        client.wait(20)
        frames = await client.drained(socket)
    stamps = [frame["timestamp"] for frame in frames]
    assert len(frames) > 20
    assert all(stamp % 100 == 0 for stamp in stamps)
    assert stamps == sorted(set(stamps))
    assert all(len(frame["orderbook_units"]) == 30 for frame in frames)


async def test_candles_come_at_most_once_a_second(client):
    async with client.stream() as socket:
        await client.subscribed(
            socket, client.ask({"type": "candle.1m", "codes": ["KRW-BTC"], "is_only_realtime": True})
        )
        client.wait(30)
        frames = await client.drained(socket)
    assert 15 < len(frames) <= 30
    assert {frame["type"] for frame in frames} == {"candle.1m"}


async def test_subscriptions_are_listed_in_the_format_asked_for(client):
    async with client.stream() as socket:
        await client.subscribed(socket, client.ask({"type": "trade", "codes": ["KRW-BTC"], "is_only_snapshot": True}))
        await socket.send_str('[{"ticket":"q"},{"method":"LIST_SUBSCRIPTIONS"}]')
        listed = await client.data(socket)
        assert listed == {"method": "LIST_SUBSCRIPTIONS", "result": [{"type": "trade", "codes": ["KRW-BTC"], "level": 0.0}], "ticket": "q"}  # fmt: skip
        await socket.send_str('[{"ticket":"q"},{"method":"LIST_SUBSCRIPTIONS"},{"format":"SIMPLE"}]')
        assert set(await client.data(socket)) == {"mthd", "rslt", "tckt"}
        client.wait(1)
        assert "ty" in (await client.data(socket))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hello", "WRONG_FORMAT"),
        ('[{"type":"trade"}]', "NO_TICKET"),
        ('[{"ticket":"a"},{"type":"x","codes":["a"]}]', "INVALID_PARAM"),
    ],
)
async def test_a_wrong_request_gets_an_error_frame_and_then_close_1000(client, text, name):
    async with client.stream() as socket:
        await socket.send_str(text)
        assert (await client.data(socket))["error"]["name"] == name
        message = await end_of(socket)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1000)
    assert client.sim.log.refusals == {name: 1}


async def test_a_text_ping_brings_status_frames_every_ten_seconds(client):
    async with client.stream() as socket:
        await client.subscribed(socket, "PING")
        client.wait(25)
        got = [await socket.receive(timeout=5) for _ in range(3)]
    assert [message.data for message in got] == [b'{"status":"UP"}'] * 3
    assert all(message.type is aiohttp.WSMsgType.BINARY for message in got)


async def test_a_silent_connection_is_dropped_after_sixty_seconds_without_a_close_frame(client):
    async with client.stream() as socket:
        await client.until(lambda: client.sim.log.open == 1)
        client.wait(59)
        assert not socket.closed
        client.wait(2)
        message = await end_of(socket)
        assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert socket.close_code == 1006
    await client.until(lambda: client.sim.log.closed == {"idle": 1})


async def test_a_protocol_ping_is_answered_and_keeps_the_connection_open(client):
    async with client.stream(autoping=False) as socket:
        for _ in range(4):
            await socket.ping(b"alive")
            message = await socket.receive(timeout=5)
            assert (message.type, bytes(message.data)) == (aiohttp.WSMsgType.PONG, b"alive")
            client.wait(40)
        assert client.sim.log.open == 1


async def test_the_sixth_connect_of_a_second_is_refused_with_429(client):
    sockets = [await client.http.ws_connect(client.sim.stream_url) for _ in range(5)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.http.ws_connect(client.sim.stream_url)
    assert refused.value.status == 429
    client.wait(1)
    sockets.append(await client.http.ws_connect(client.sim.stream_url))
    for socket in sockets:
        await socket.close()
    assert client.sim.log.refusals == {"connects over the limit": 1}


async def test_the_upgrade_carries_the_limit_header(client):
    async with client.stream() as socket:
        assert socket._response.headers["Remaining-Req"] == "group=websocket; min=300; sec=4"


async def test_an_upgrade_with_an_origin_header_falls_into_the_narrow_group(client):
    async with client.stream(origin="https://example.com"):
        pass
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await client.http.ws_connect(client.sim.stream_url, origin="https://example.com")


@pytest.mark.parametrize(("form", "code"), [("close", 1008), ("drop", 1006)])
async def test_the_sixth_message_of_a_second_ends_the_connection(serving, form, code):
    async with serving(limits=Limits(over_messages=form)) as client, client.stream() as socket:
        for _ in range(6):
            await socket.send_str('[{"ticket":"q"},{"method":"LIST_SUBSCRIPTIONS"}]')
        await end_of(socket)
        assert socket.close_code == code
        assert client.sim.log.refusals == {"messages over the limit": 1}


async def test_a_hundred_and_first_message_of_a_minute_ends_the_connection(client):
    async with client.stream() as socket:
        for number in range(100):
            await client.subscribed(socket, client.ask({"type": "trade", "codes": ["KRW-NONE"]}, ticket=str(number)))
            client.clock.at += 300
        assert not client.sim.log.refusals
        await socket.send_str("PING")
        await end_of(socket)
        assert client.sim.log.refusals == {"messages over the limit": 1}


async def test_frames_are_compressed_only_for_a_client_that_offers_it(client):
    async with client.stream(compress=15) as socket:
        assert "permessage-deflate" in socket._response.headers["Sec-WebSocket-Extensions"]
        await client.subscribed(socket, client.ask(*ALL))
        client.wait(1)
        assert (await client.data(socket))["type"] == "ticker"
    async with client.stream() as socket:
        assert "Sec-WebSocket-Extensions" not in socket._response.headers


async def test_two_connections_are_served_apart(client):
    async with client.stream() as one, client.stream() as two:
        await client.subscribed(one, client.ask({"type": "trade", "codes": ["KRW-BTC"]}))
        await client.subscribed(two, client.ask({"type": "ticker", "codes": ["KRW-ETH"]}, style="SIMPLE"))
        client.wait(5)
        assert {frame["code"] for frame in await client.drained(one)} == {"KRW-BTC"}
        assert {frame["cd"] for frame in await client.drained(two)} == {"KRW-ETH"}


async def test_leaving_ends_every_connection_and_frees_the_port(serving):
    async with serving() as client:
        socket = await client.http.ws_connect(client.sim.stream_url)
        await client.until(lambda: client.sim.log.open == 1)
        port = client.sim.port
    await socket.close()
    async with serving(port=port) as again:
        assert again.sim.port == port
        with pytest.raises(OSError, match="address already in use"):
            async with serving(port=port):
                await asyncio.sleep(0)
