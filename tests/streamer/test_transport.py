"""The port to a WebSocket, by both implementations, against the `websockets` server: D1."""

import asyncio
import contextlib

import pytest
import websockets
from websockets.asyncio.server import serve

from core.domain.errors import Transient
from streamer.transport import answers, transport
from tests.streamer.conftest import until


class KeepingEar:
    def __init__(self):
        self.bodies, self.signs = [], 0

    def frames(self, bodies):
        self.bodies += bodies

    def sign(self):
        self.signs += 1


@contextlib.asynccontextmanager
async def venue(conversation):
    """A server that holds one conversation with each client; gives its address."""
    async with serve(conversation, "127.0.0.1", 0, close_timeout=0.2) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def echo(wire):
    with contextlib.suppress(websockets.ConnectionClosed):
        async for message in wire:
            await wire.send(message)


async def test_text_and_binary_arrive_as_bytes_and_a_message_in_parts_arrives_whole(kind):
    async def talk(wire):
        await wire.send("텍스트")
        await wire.send(b"\x00\x01")
        await wire.send([b"one ", b"two ", b"three"])
        await wire.wait_closed()

    async with venue(talk) as url:
        ear = KeepingEar()
        line = await transport(kind)(url, ear)
        await until(lambda: len(ear.bodies) == 3)
        assert ear.bodies == ["텍스트".encode(), b"\x00\x01", b"one two three"]
        await line.close(1001)


async def test_what_is_sent_keeps_its_order_and_its_kind(kind):
    async with venue(echo) as url:
        ear = KeepingEar()
        line = await transport(kind)(url, ear)
        for number in range(20):
            line.send(str(number).encode(), number % 2 == 0)
        await until(lambda: len(ear.bodies) == 20)
        assert ear.bodies == [str(number).encode() for number in range(20)]
        await line.close(1001)


async def test_a_ping_is_answered_with_a_sign(kind):
    async with venue(echo) as url:
        ear = KeepingEar()
        line = await transport(kind)(url, ear)
        line.ping()
        await until(lambda: ear.signs == 1)
        await line.close(1001)


async def test_the_venues_goodbye_is_told_with_its_code(kind):
    async def leave(wire):
        await wire.close(1012, "restarting")

    async with venue(leave) as url:
        line = await transport(kind)(url, KeepingEar())
        why = await line.gone()
        assert "1012" in why
        assert "restarting" in why


async def test_a_line_dropped_by_us_is_gone_with_our_reason_and_deaf_to_more(kind):
    async with venue(echo) as url:
        line = await transport(kind)(url, KeepingEar())
        line.drop("it was mute")
        assert await line.gone() == "it was mute"
        line.send(b"x", True)
        line.ping()
        line.drop("again")
        await line.close(1001)


async def test_a_venue_that_does_not_answer_our_goodbye_holds_us_up_only_a_moment(kind):
    held = asyncio.Event()

    async def deaf(wire):
        wire.transport.pause_reading()
        await held.wait()

    async with venue(deaf) as url:
        line = await transport(kind)(url, KeepingEar())
        await asyncio.sleep(0)
        await line.close(1001)
        assert await line.gone()
        held.set()


async def test_an_answer_that_is_no_upgrade_carries_its_status(kind):
    async def refuse(connection, request):
        return connection.respond(503, "not now")

    async with serve(echo, "127.0.0.1", 0, process_request=refuse) as server:
        with pytest.raises(Transient) as raised:
            await transport(kind)(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", KeepingEar())
    assert raised.value.facts["status"] == 503


async def test_nobody_at_the_address_carries_no_status(kind):
    async with venue(echo) as url:
        pass
    with pytest.raises(Transient) as raised:
        await transport(kind)(url, KeepingEar())
    assert "status" not in raised.value.facts


async def test_knocking_tells_whether_anybody_answers(kind):
    async with venue(echo) as url:
        assert await answers(url, 5.0)
    assert not await answers(url, 5.0)


async def test_knocking_at_a_door_that_opens_and_says_nothing_is_no_answer():
    async def silent(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        assert not await answers(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", 0.2)
