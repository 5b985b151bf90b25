"""The simulated KIS stream over real sockets (reference/kis.md 7; D1, D5)."""

from itertools import pairwise

import aiohttp
import msgspec
import pytest

from core.domain.events import Book, Drift, MarketState, NoticeKind, OrderNotice, Trade
from core.domain.policies import Environment
from core.simulators.kis_keys import KEYS
from core.simulators.kis_time import Timetable, compressed
from core.venues.kis.fields import STATE, TRADE
from core.venues.kis.notices import decrypt
from core.venues.kis.stream import Decoder
from tests.simulators.kis.conftest import START

REAL, MOCK = Environment.REAL, Environment.MOCK
SAMSUNG = "005930"


async def test_a_registration_is_answered_with_key_and_iv_even_where_nothing_is_encrypted(real):
    async with real.stream() as socket:
        told = await real.register(socket, "H0STCNT0", SAMSUNG)
        assert told["header"] == {"tr_id": "H0STCNT0", "tr_key": SAMSUNG, "encrypt": "N"}
        assert (told["body"]["rt_cd"], told["body"]["msg_cd"], told["body"]["msg1"]) == (
            "0",
            "OPSP0000",
            "SUBSCRIBE SUCCESS",
        )
        assert {name: len(word) for name, word in told["body"]["output"].items()} == {"iv": 16, "key": 32}
        gone = await real.register(socket, "H0STCNT0", SAMSUNG, "2")
        assert (gone["body"]["msg_cd"], "output" in gone["body"]) == ("OPSP0001", False)
    assert real.sim.log.counts["registrations"] == real.sim.log.counts["releases"] == 1


@pytest.mark.parametrize("path", ["", "/tryitout", "/tryitout/H0STCNT0"])
async def test_all_three_addresses_in_use_serve_the_stream(real, path):
    async with real.http.ws_connect(real.sim.rest_url.replace("http", "ws") + (path or "/")) as socket:
        assert (await real.register(socket, "H0STCNT0", SAMSUNG))["body"]["msg_cd"] == "OPSP0000"


async def test_another_address_is_not_found(real):
    with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
        await real.http.ws_connect(real.sim.rest_url.replace("http", "ws") + "/stream")


async def test_the_42nd_registration_is_refused_and_room_can_be_made(serving):
    async with serving(count=40) as real, real.stream() as socket:
        symbols = list(real.sim.market.lines)
        assert (await real.register(socket, "H0STCNI0", real.key.hts_id))["body"]["msg_cd"] == "OPSP0000"
        for symbol in symbols[:40]:
            assert (await real.register(socket, "H0STCNT0", symbol))["body"]["msg_cd"] == "OPSP0000"
        told = await real.register(socket, "H0STASP0", symbols[0])
        assert (told["body"]["rt_cd"], told["body"]["msg_cd"], told["body"]["msg1"]) == (
            "1",
            "OPSP0008",
            "MAX SUBSCRIBE OVER",
        )
        await real.register(socket, "H0STCNT0", symbols[0], "2")
        assert (await real.register(socket, "H0STASP0", symbols[0]))["body"]["msg_cd"] == "OPSP0000"
        assert real.sim.log.counts["most registrations held"] == 41


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"tr_id": "H0STCNT0", "tr_key": "005930", "tr_type": "2"}, "OPSP0003"),
        ({"approval_key": "nobody's"}, "OPSP0011"), ({"tr_id": "H0STXXX0"}, "OPSP8991"), ({"tr_id": "H0STCNI9"}, "OPSP8991"),
        ({"tr_key": "ZZZZZZ"}, "OPSP8992"), ({"tr_type": "0"}, "OPSP8997"), ({"custtype": "X"}, "OPSP8998"),
        ({"tr_key": ""}, "OPSP9990"),
    ],
)  # fmt: skip
async def test_a_wrong_request_has_its_own_code(real, message, code):
    words = {"tr_id": "H0STCNT0", "tr_key": SAMSUNG, "tr_type": "1", **message}
    async with real.stream() as socket:
        told = await real.register(socket, **words)
        assert (told["body"]["rt_cd"], told["body"]["msg_cd"]) == ("1", code)
        assert real.sim.log.refusals == {code: 1}
        assert (await real.register(socket, "H0STASP0", SAMSUNG))["body"]["msg_cd"] == "OPSP0000"


@pytest.mark.parametrize(
    ("text", "code"),
    [("{", "OPSP9999"), ("[]", "OPSP8993"), ('{"header":{}}', "OPSP9992"), ('{"header":{},"body":{}}', "OPSP9991")],
)
async def test_a_message_that_does_not_read_is_answered(real, text, code):
    async with real.stream() as socket:
        await socket.send_str(text)
        assert (await real.answer(socket))["body"]["msg_cd"] == code


async def test_registering_twice_is_said_to_be_so_already(real):
    async with real.stream() as socket:
        await real.register(socket, "H0STCNT0", SAMSUNG)
        assert (await real.register(socket, "H0STCNT0", SAMSUNG))["body"]["msg_cd"] == "OPSP0002"


async def test_mock_serves_three_streams_only(mock):
    async with mock.stream() as socket:
        for tr_id in ("H0UNCNT0", "H0NXCNT0", "H0STMKO0", "H0UNASP0", "H0STCNI0"):
            assert (await mock.register(socket, tr_id, SAMSUNG))["body"]["msg_cd"] == "OPSP8991"
        for tr_id, key in (("H0STCNT0", SAMSUNG), ("H0STASP0", SAMSUNG), ("H0STCNI9", mock.key.hts_id)):
            assert (await mock.register(socket, tr_id, key))["body"]["msg_cd"] == "OPSP0000"


# sessions ----------------------------------------------------------------------------------------------------------


async def test_a_second_session_of_an_app_key_is_refused_and_hung_up_on(real):
    async with real.stream() as first, real.stream() as second:
        await real.register(first, "H0STCNT0", SAMSUNG)
        told = await real.register(second, "H0STCNT0", SAMSUNG)
        assert told["body"]["msg_cd"] == "OPSP8996"
        assert (await real.end_of(second)).type is aiohttp.WSMsgType.CLOSE
        assert (await real.register(first, "H0STASP0", SAMSUNG))["body"]["msg_cd"] == "OPSP0000"


async def test_another_app_key_has_a_session_of_its_own(serving):
    async with serving() as real, real.stream() as first, real.stream() as second:
        await real.register(first, "H0STCNT0", SAMSUNG)
        real.key = real.sim.app_keys[1]
        await real.enter()
        assert (await real.register(second, "H0STCNT0", SAMSUNG))["body"]["msg_cd"] == "OPSP0000"


async def test_a_session_that_dropped_is_remembered_for_a_while(serving):
    async with serving(limits={"slot_kept_s": 20.0}) as real:
        async with real.stream() as socket:
            await real.register(socket, "H0STCNT0", SAMSUNG)
            real.sim.stream.links[0].cut("drop")
            await real.end_of(socket)
            assert socket.close_code == 1006
        await real.until(lambda: not real.sim.stream.links)
        for seconds, code in ((0, "OPSP8996"), (19.9, "OPSP8996"), (0.1, "OPSP0000")):
            real.clock.at += round(seconds * 1000)
            async with real.stream() as socket:
                assert (await real.register(socket, "H0STCNT0", SAMSUNG))["body"]["msg_cd"] == code


async def test_a_session_closed_properly_is_free_at_once(real):
    for _ in range(3):
        async with real.stream() as socket:
            assert (await real.register(socket, "H0STCNT0", SAMSUNG))["body"]["msg_cd"] == "OPSP0000"
        await real.until(lambda: not real.sim.stream.links)


async def test_an_approval_key_is_looked_at_when_something_is_registered_only(serving):
    async with serving(limits={"approval_life_s": 3600.0, "pong_within_s": 1e6}) as real, real.stream() as socket:
        await real.register(socket, "H0STCNT0", SAMSUNG)
        real.clock.at += 3_600_000
        assert (await real.register(socket, "H0STASP0", SAMSUNG))["body"]["msg_cd"] == "OPSP0011"
        real.sim.stream.turn(real.clock.at)
        assert len(real.sim.stream.links) == 1


async def test_a_key_of_the_other_environment_gets_an_approval_key_that_no_stream_takes(serving):
    async with serving(MOCK, key=KEYS[0]) as mock, mock.stream() as socket:
        assert (await mock.register(socket, "H0STCNT0", SAMSUNG))["body"]["msg_cd"] == "OPSP9994"


async def test_a_connection_that_never_registers_is_cut(real):
    async with real.stream() as socket:
        await real.until(lambda: bool(real.sim.stream.links))
        real.clock.at += 60_000
        real.sim.turn()
        await real.end_of(socket)
        assert socket.close_code == 1006
    await real.until(lambda: real.sim.log.closed == {"idle": 1})


# PINGPONG ----------------------------------------------------------------------------------------------------------


async def beats(client, socket, seconds, reply):
    """Let time pass second by second, answering every PINGPONG by `reply`; how many there were."""
    begun = heard = client.sim.log.frames["PINGPONG"]
    for _ in range(seconds):
        client.clock.at += 1000
        client.sim.stream.turn(client.clock.at)
        if client.sim.log.frames["PINGPONG"] > heard:
            text = await client.text(socket)
            heard += 1
            await reply(text)
            await client.register(socket, "H0STCNT0", SAMSUNG)  # its answer proves that the reply was read
    return heard - begun


async def test_pingpong_comes_every_ten_seconds_and_is_answered_by_itself_or_by_a_pong_frame(real):
    async with real.stream() as socket:
        await real.register(socket, "H0STCNT0", SAMSUNG)
        assert await beats(real, socket, 110, socket.send_str) == 11
        assert await beats(real, socket, 110, lambda text: socket.pong(text.encode())) == 11
        assert len(real.sim.stream.links) == 1


async def test_pingpong_has_a_date_in_korea_and_no_body(real):
    async with real.stream() as socket:
        await real.register(socket, "H0STCNT0", SAMSUNG)
        real.clock.at += 10_000
        real.sim.stream.turn(real.clock.at)
        assert msgspec.json.decode(await real.text(socket)) == {
            "header": {"tr_id": "PINGPONG", "datetime": "20260923123912"}
        }


async def test_a_client_that_does_not_answer_pingpong_is_cut_whatever_else_it_says(real):
    async with real.stream() as socket:
        await real.register(socket, "H0STCNT0", SAMSUNG)

        async def ping(text):
            await socket.ping()

        await beats(real, socket, 99, ping)
        assert len(real.sim.stream.links) == 1
        real.clock.at += 1000
        real.sim.stream.turn(real.clock.at)
        await real.end_of(socket)
        assert socket.close_code == 1006
    await real.until(lambda: real.sim.log.closed == {"no PINGPONG": 1})


# frames ------------------------------------------------------------------------------------------------------------


async def test_nothing_is_told_of_before_the_registration_and_nothing_again(real):
    real.wait(5)
    async with real.stream() as socket:
        await real.register(socket, "H0STCNT0", SAMSUNG)
        assert await real.drained(socket) == []
        real.wait(5)
        assert await real.drained(socket)


@pytest.mark.parametrize("tr_id", ["H0STCNT0", "H0UNCNT0", "H0NXCNT0"])
async def test_every_execution_is_in_some_record_and_the_totals_join_without_a_gap(real, tr_id):
    stock = real.sim.market.lines[SAMSUNG]
    async with real.stream() as socket:
        await real.register(socket, tr_id, SAMSUNG)
        before = stock.volume
        real.wait(30)
        frames = await real.drained(socket)
        trades = [event for event in real.read(frames) if isinstance(event, Trade)]
    assert before + sum(trade.quantity for trade in trades) == stock.volume
    for first, then in pairwise(trades):
        assert then.total - first.total == then.quantity
    counts = {int(frame.split("|")[2]) for frame in frames}
    assert 1 in counts
    assert max(counts) > 1
    assert not any(isinstance(event, Drift) for event in real.read(frames))


async def test_a_burst_is_cut_into_frames_of_at_most_twenty_records(real):
    async with real.stream() as socket:
        await real.register(socket, "H0STCNT0", SAMSUNG)
        real.clock.at += 60_000
        real.sim.turn()
        frames = await real.drained(socket)
    counts = [int(frame.split("|")[2]) for frame in frames]
    assert max(counts) == 20
    assert len(real.read(frames)) == sum(counts)


@pytest.mark.parametrize("width", [46, 47, 50])
async def test_trades_come_as_wide_as_the_setting_says(serving, width):
    async with serving(limits={"trade_cells": width}) as real, real.stream() as socket:
        await real.register(socket, "H0STCNT0", SAMSUNG)
        real.wait(10)
        frames = await real.drained(socket)
        for frame in frames:
            _, _, count, payload = frame.split("|")
            assert len(payload.split("^")) == width * int(count)
        events = real.read(frames)
        assert any(isinstance(event, Drift) for event in events) is (width == 50)
        assert {event.price for event in events if isinstance(event, Trade)}


@pytest.mark.parametrize("width", [59, 62, 63])
async def test_books_come_as_wide_as_the_setting_says(serving, width):
    async with serving(limits={"book_cells": width}) as real, real.stream() as socket:
        await real.register(socket, "H0STASP0", SAMSUNG)
        real.wait(5)
        frames = await real.drained(socket)
        assert {frame.count("^") + 1 for frame in frames} == {width}
        book = real.read(frames)[-1]
        stock = real.sim.market.lines[SAMSUNG]
        assert isinstance(book, Book)
        assert (book.bid, book.ask, len(book.levels)) == (stock.bid, stock.ask, 10)


async def test_a_trade_s_cells_agree_with_the_rest_side(real):
    async with real.stream() as socket:
        await real.register(socket, "H0STCNT0", SAMSUNG)
        real.wait(5)
        frames = await real.drained(socket)
    cells = dict(zip(TRADE, frames[-1].split("|")[3].split("^")[-47:], strict=True))
    row = (await real.quote("inquire-price", "FHKST01010100"))["output"]
    assert (cells["STCK_PRPR"], cells["ACML_VOL"]) == (row["stck_prpr"], row["acml_vol"])
    assert (cells["STCK_HGPR"], cells["STCK_LWPR"]) == (row["stck_hgpr"], row["stck_lwpr"])
    assert cells["PRDY_VRSS_SIGN"] == row["prdy_vrss_sign"]
    assert (cells["BSOP_DATE"], cells["MARKET_CLS_CODE"], cells["MRKT_TRTM_CLS_CODE"]) == ("20260923", "2", "")
    assert cells["CCLD_DVSN"] in ("1", "5")


async def test_a_compressed_day_tells_its_auctions_and_phases(serving):
    timetable = Timetable(compressed(START, opening_s=3, regular_s=6, closing_s=3, after_s=4))
    async with serving(timetable=timetable) as real, real.stream() as socket:
        for tr_id in ("H0STCNT0", "H0STASP0", "H0STMKO0"):
            await real.register(socket, tr_id, SAMSUNG)
        real.wait(20)
        frames = await real.drained(socket)
    states = [dict(zip(STATE, frame.split("|")[3].split("^"), strict=True)) for frame in frames if "MKO0" in frame]
    assert [state["MKOP_CLS_CODE"] for state in states] == ["112", "121", "", "129"]
    records = [record for frame in frames if "CNT0" in frame for record in _records(frame)]
    markets = [record["MARKET_CLS_CODE"] for record in records]
    assert (records[0]["CCLD_DVSN"], markets[0]) == ("3", "2")
    assert [code for number, code in enumerate(markets) if number == 0 or markets[number - 1] != code] == [
        "2",
        "5",
        "3",
    ]
    hours = [frame.split("^")[2] for frame in frames if "ASP0" in frame]
    assert [hour for number, hour in enumerate(hours) if number == 0 or hours[number - 1] != hour] == [
        "B",
        "0",
        "C",
        "0",
    ]


def _records(frame):
    _, _, count, payload = frame.split("|")
    cells = payload.split("^")
    width = len(cells) // int(count)
    return [dict(zip(TRADE, cells[start : start + width], strict=True)) for start in range(0, len(cells), width)]


async def test_an_interruption_and_a_halt_are_told_as_market_states(serving):
    async with serving(vi_s=4) as real, real.stream() as socket:
        for tr_id in ("H0STMKO0", "H0STCNT0"):
            await real.register(socket, tr_id, SAMSUNG)
        real.sim.market.push(SAMSUNG, 0.12, 1, real.clock.at)
        real.wait(8)
        events = real.read(await real.drained(socket))
        assert [event.interrupted for event in events if isinstance(event, MarketState)] == [True, False]
        real.sim.market.flag(SAMSUNG, "halted", raised=True)
        real.wait(3)
        events = real.read(await real.drained(socket))
        at_halt = next(number for number, event in enumerate(events) if isinstance(event, MarketState))
        assert events[at_halt].halted
        assert [event for event in events[at_halt:] if isinstance(event, Trade)] == []
        real.sim.market.flag(SAMSUNG, "halted", raised=False)
        real.wait(3)
        events = real.read(await real.drained(socket))
        assert [event.halted for event in events if isinstance(event, MarketState)] == [False]


# own-order notices -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("flavour", "tr_id", "width"), [(REAL, "H0STCNI0", 26), (MOCK, "H0STCNI9", 23)])
async def test_notices_are_encrypted_and_told_before_the_http_reply(serving, flavour, tr_id, width):
    async with serving(flavour) as client, client.stream() as socket:
        decoder = Decoder()
        answer = await client.register(socket, tr_id, client.key.hts_id)
        decoder(msgspec.json.encode(answer), client.clock.at)
        await client.order(quantity="3")
        sent = client.sim.log.frames[tr_id]
        frames = [await client.text(socket) for _ in range(2)]
        assert sent == 2
        assert all(frame.startswith(f"1|{tr_id}|001|") for frame in frames)
        accepted, filled = client.read(frames, decoder)
        assert (accepted.kind, filled.kind) == (NoticeKind.ACCEPTED, NoticeKind.FILLED)
        assert (filled.account, filled.order, filled.quantity) == (client.key.account, "0000000001", 3)
        order = client.sim.books.orders["0000000001"]
        assert filled.price * 3 == order.value
        assert _cells(frames[0], answer).count("^") + 1 == width


def _cells(frame, answer):
    output = answer["body"]["output"]
    return decrypt(frame.split("|")[3].encode(), output["key"].encode(), output["iv"].encode()).decode()


async def test_a_cancel_is_told_under_a_new_number_with_price_zero(mock):
    stock = mock.sim.market.lines[SAMSUNG]
    async with mock.stream() as socket:
        answer = await mock.register(socket, "H0STCNI9", mock.key.hts_id)
        number = (await mock.order(quantity="2", price=str(stock.shift(stock.bid, -9))))["output"]["ODNO"]
        await mock.change(number)
        accepted, cancelled = [_cells(await mock.text(socket), answer).split("^") for _ in range(2)]
        assert (accepted[2], accepted[9], accepted[10]) == (number, "0000000002", f"{stock.shift(stock.bid, -9):09d}")
        assert (cancelled[3], cancelled[5], cancelled[14], cancelled[10]) == (number, "2", "2", "000000000")
        assert cancelled[2] != number
        assert (cancelled[18], cancelled[19]) == ("1Y", "10")


async def test_an_amend_and_a_killed_order_are_told_as_such(real):
    stock = real.sim.market.lines[SAMSUNG]
    async with real.stream() as socket:
        decoder = Decoder()
        decoder(msgspec.json.encode(await real.register(socket, "H0STCNI0", real.key.hts_id)), real.clock.at)
        number = (await real.order(price=str(stock.shift(stock.bid, -9))))["output"]["ODNO"]
        await real.change(number, "01", ORD_UNPR=str(stock.shift(stock.bid, -8)))
        await real.order(price=str(stock.shift(stock.bid, -9)), ORD_DVSN="11")
        events = real.read([await real.text(socket) for _ in range(4)], decoder)
        assert [event.kind for event in events] == [
            NoticeKind.ACCEPTED, NoticeKind.AMENDED, NoticeKind.ACCEPTED, NoticeKind.CANCELLED,
        ]  # fmt: skip
        assert events[1].original == number


async def test_a_wrong_hts_id_ends_the_connection_abruptly(real):
    async with real.stream() as socket:
        await socket.send_str(real.wish("H0STCNI0", "SOMEBODY"))
        await real.end_of(socket)
        assert socket.close_code == 1006
    assert real.sim.log.refusals == {"wrong HTS id": 1}


async def test_notices_of_before_the_registration_are_never_told(real):
    await real.order()
    async with real.stream() as socket:
        await real.register(socket, "H0STCNI0", real.key.hts_id)
        assert [event for event in real.read(await real.drained(socket)) if isinstance(event, OrderNotice)] == []


async def test_the_pace_of_registrations_is_known(real):
    async with real.stream() as socket:
        for wait_ms, symbol in ((0, SAMSUNG), (120, "000660"), (100, "035420")):
            real.clock.at += wait_ms
            await real.register(socket, "H0STCNT0", symbol)
        assert real.sim.log.gaps_ms == {"registrations": 100}
        assert real.sim.log.texts == [], "an approval key was kept"
