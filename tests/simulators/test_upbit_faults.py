"""Scripted faults on the wire: what a client sees of each."""

import asyncio

import aiohttp
import msgspec
import pytest

from core.simulators.faults import Fault, Faults, Kind, Planned

TRADES = {"type": "trade", "codes": ["KRW-BTC", "KRW-XRP", "KRW-ETH"], "is_only_realtime": True}


async def cause(client, **fault):
    async with client.http.post(client.sim.rest_url + "/_sim/faults", json={"fault": fault}) as reply:
        assert reply.status == 200, await reply.text()


async def ids(client, socket):
    return [frame["sequential_id"] for frame in await client.drained(socket)]


async def test_a_drop_ends_every_stream_without_a_close_frame(client):
    async with client.stream() as one, client.stream() as two:
        await client.until(lambda: client.sim.log.open == 2)
        await cause(client, kind="drop")
        for socket in (one, two):
            await socket.receive(timeout=5)
            assert socket.close_code == 1006
    await client.until(lambda: client.sim.log.closed == {"drop": 2})


async def test_a_stalled_stream_is_open_and_silent_and_comes_back(client):
    async with client.stream() as socket:
        await client.subscribed(socket, client.ask(TRADES))
        await client.subscribed(socket, "PING")
        client.wait(1)
        await client.drained(socket)
        await cause(client, kind="stall", for_s=20)
        client.wait(19)
        assert await client.drained(socket) == []
        client.wait(10)
        assert await client.drained(socket)


async def test_a_frame_can_end_in_the_middle_of_its_text(client):
    async with client.stream() as socket:
        await client.subscribed(socket, client.ask(TRADES))
        await cause(client, kind="half_json", count=1)
        client.wait(3)
        message = await socket.receive(timeout=5)
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(message.data)
        assert (await client.data(socket))["type"] == "trade"


async def test_the_line_can_be_cut_in_the_middle_of_a_frame():
    """Seen with a plain socket: the announced frame is longer than what comes before the end."""
    from core.simulators.coins import listing
    from core.simulators.market import SimulatedMarket
    from core.simulators.upbit import UpbitSimulator

    at = 1_790_134_742_000
    async with UpbitSimulator(SimulatedMarket(seed=1, start=at, coins=listing(8)), clock=lambda: at) as sim:
        reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
        writer.write(
            b"GET /websocket/v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        sim.faults.cause(Planned(fault=Fault(kind=Kind.HALF_FRAME)), at)
        sim.turn()
        tail = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert tail[0] == 0x82
    assert len(tail) - 4 < int.from_bytes(tail[2:4], "big")


async def test_frames_can_come_twice_and_in_another_order(client):
    async with client.stream() as socket:
        await client.subscribed(socket, client.ask(TRADES))
        await cause(client, kind="duplicate", for_s=5)
        client.wait(4)
        twice = await ids(client, socket)
        assert twice
        assert twice[::2] == twice[1::2]
        client.wait(2)
        await client.drained(socket)
        printed = sum(len(line.prints) for line in client.sim.market.lines.values())
        await cause(client, kind="reorder", count=1)
        client.wait(5)
        got = await ids(client, socket)
        assert sum(len(line.prints) for line in client.sim.market.lines.values()) > printed
        told = {t.sequence: t.told for name in TRADES["codes"] for t in client.sim.market.lines[name].prints}
        stamps = [told[one] for one in got]
        assert stamps != sorted(stamps)
        assert sorted(stamps[:2]) + stamps[2:] == sorted(stamps)


async def test_late_frames_arrive_after_those_sent_later(client):
    async with client.stream() as socket:
        await client.subscribed(socket, client.ask({**TRADES, "codes": ["KRW-BTC"]}))
        await cause(client, kind="late", count=1, delay_s=0.2)
        client.wait(5)
        early = await ids(client, socket)
        late = await client.data(socket)
        assert late["sequential_id"] < min(early)


@pytest.mark.parametrize(("status", "body"), [(429, b"Too many API requests."), (503, b'{"error":{"name":503}}')])
async def test_calls_can_be_answered_with_any_status(client, status, body):
    await cause(client, kind="http", status=status, count=2, path="/v1/ticker", retry_after=1.5)
    got = [await client.get("/v1/ticker?markets=KRW-BTC") for _ in range(3)]
    assert [reply[0] for reply in got] == [status, status, 200]
    assert (got[0][1], got[0][2]["retry-after"]) == (body, "1.5")
    assert (await client.get("/v1/market/all"))[0] == 200


async def test_a_slow_call_outlasts_a_client_s_patience(client):
    await cause(client, kind="slow", delay_s=30)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(client.get("/v1/market/all"), 0.1)
    assert (await client.get("/v1/market/all"))[0] == 200


async def test_in_an_outage_nothing_answers_and_afterwards_everything_does(client):
    async with client.stream() as socket:
        await client.until(lambda: client.sim.log.open == 1)
        await cause(client, kind="refuse", for_s=3)
        await socket.receive(timeout=5)
        assert socket.close_code == 1006
        for attempt in (client.get("/v1/market/all"), client.http.ws_connect(client.sim.stream_url)):
            with pytest.raises(aiohttp.ClientConnectionError):
                await attempt
    client.wait(3)
    assert (await client.get("/v1/market/all"))[0] == 200
    async with client.stream() as socket:
        assert not socket.closed


async def test_a_schedule_runs_by_itself(serving):
    faults = Faults([Planned(fault=Fault(kind=Kind.DROP), at_s=5)])
    async with serving(faults=faults) as client, client.stream() as socket:
        await client.until(lambda: client.sim.log.open == 1)
        client.wait(4.8)
        assert client.sim.log.faults == {}
        client.wait(0.4)
        assert client.sim.log.faults == {"drop": 1}
        await socket.receive(timeout=5)


async def test_faults_can_be_listed_and_cleared(client):
    url = client.sim.rest_url + "/_sim/faults"
    async with client.http.post(
        url, json=[{"fault": {"kind": "stall", "for_s": 9}}, {"fault": {"kind": "drop"}, "at_s": 99}]
    ) as reply:
        assert await reply.json() == {"caused": 2}
    async with client.http.get(url) as reply:
        assert [fault["kind"] for fault in await reply.json()] == ["stall"]
    async with client.http.delete(url) as reply:
        assert reply.status == 200
    async with client.http.get(url) as reply:
        assert await reply.json() == []
