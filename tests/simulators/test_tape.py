"""Playing a recorded stream to subscribers (H3 stands on it; here only the wire)."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from core.adapters.tape import frames
from core.simulators.tape import played, recorded
from core.simulators.upbit_requests import Ask
from core.simulators.upbit_wire import Format

TRADE = b'{"ty":"trade","cd":"KRW-LAMB","tms":1618678262712,"tp":127.0,"tv":46.48838371,"ab":"BID","sid":1618678262000003,"st":"REALTIME"}'
BOOK = b'{"ty":"orderbook","cd":"KRW-WAVES","tms":1,"tas":1.0,"tbs":2.0,"obu":[{"ap":127.0,"bp":126.0,"as":1.0,"bs":2.0}],"st":"SNAPSHOT"}'
STATUS = b'{"status":"UP"}'
TAPE = [(1000, TRADE), (1010, BOOK), (1020, STATUS), (1030, TRADE)]
CAPTURES = Path(__file__).parents[2] / ".." / "shared" / "data" / "upbit"


def test_a_recorded_frame_tells_its_kind_code_and_format():
    trade, book, status = (recorded(0, frame) for frame in (TRADE, BOOK, STATUS))
    assert (trade.kind, trade.code, trade.style) == ("trade", "KRW-LAMB", Format.SIMPLE)
    assert (book.kind, book.code) == ("orderbook", "KRW-WAVES")
    assert (status.kind, status.code) == ("", "")
    with pytest.raises(ValueError):
        recorded(0, b"5")


def test_a_frame_in_its_own_format_is_the_recorded_bytes_and_other_formats_say_the_same():
    book = recorded(0, BOOK)
    assert book.styled(Format.SIMPLE) is BOOK
    long = msgspec.json.decode(book.styled(Format.DEFAULT))
    assert long["orderbook_units"] == [{"ask_price": 127.0, "bid_price": 126.0, "ask_size": 1.0, "bid_size": 2.0}]
    assert recorded(0, book.styled(Format.JSON_LIST)).styled(Format.SIMPLE_LIST) == b"[" + BOOK + b"]"


@pytest.mark.parametrize(
    ("ask", "wanted"),
    [
        (Ask("trade", {"KRW-LAMB": 30}), True),
        (Ask("trade", {"KRW-LAMB": 30}, realtime=False), False),
        (Ask("trade", {"KRW-BTC": 30}), False),
        (Ask("ticker", {"KRW-LAMB": 30}), False),
    ],
)
def test_only_what_was_asked_for_is_wanted(ask, wanted):
    assert recorded(0, TRADE).wanted(ask) is wanted


async def test_at_infinite_speed_a_year_passes_at_once():
    year = [(at * 86_400_000, TRADE) for at in range(365)]
    async with asyncio.timeout(5):
        assert len([one async for one in played(year, float("inf"))]) == 365


async def test_a_tape_is_played_to_the_subscribers_of_its_codes_and_the_market_is_silent(serving):
    async with serving(codes={"KRW-LAMB", "KRW-WAVES"}) as client, client.stream() as socket:
        await client.subscribed(socket, client.ask({"type": "trade", "codes": ["KRW-LAMB", "KRW-BTC"]}))
        client.wait(3)
        assert await client.sim.play(TAPE, speed=1000.0) == 4
        assert [frame["code"] for frame in await client.drained(socket)] == ["KRW-LAMB", "KRW-LAMB"]


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures are not beside the checkout")
@pytest.mark.parametrize(("name", "count"), [("ws_simple_20210417.txt", 449), ("ws_simple_20210405_a.txt", 842)])
async def test_a_capture_is_played_byte_for_byte(serving, name, count):
    tape = list(frames(CAPTURES / name))
    codes = sorted({recorded(*frame).code for frame in tape})
    types = [{"type": kind, "codes": codes} for kind in ("trade", "orderbook")]
    async with serving(codes=set(codes)) as client, client.stream() as socket:
        await client.subscribed(socket, client.ask(*types, style="SIMPLE"))
        assert await client.sim.play(tape, speed=float("inf")) == count
        got = [(await socket.receive(timeout=5)).data for _ in range(count)]
    assert got == [frame for _, frame in tape]
