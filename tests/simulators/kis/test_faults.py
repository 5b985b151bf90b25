"""What can be made to go wrong at the simulated KIS (D6, D17, E8)."""

import asyncio

import aiohttp
import msgspec
import pytest

from core.domain.events import Trade
from core.domain.policies import Environment
from core.simulators.faults import Fault, Faults, Kind, Planned

SAMSUNG = "005930"
ORDERS = "/uapi/domestic-stock/v1/trading/order-cash"
PRICE = "/uapi/domestic-stock/v1/quotations/inquire-price"
ONE = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": SAMSUNG}


def cause(client, kind, **words):
    client.sim.faults.cause(Planned(fault=Fault(kind=Kind(kind), **words)), client.clock.at)
    client.sim.turn()


@pytest.mark.parametrize(("kind", "orders"), [("lost_request", 0), ("lost_reply", 1)])
async def test_a_line_cut_at_an_order_leaves_it_done_or_not(mock, kind, orders):
    cause(mock, kind, path=ORDERS)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await mock.order(quantity="2")
    assert len(mock.sim.books.orders) == orders
    assert mock.sim.log.faults == {kind: 1}
    mock.breathe()
    assert (await mock.order(quantity="1"))["output"]["ODNO"] == f"{orders + 1:010d}"


@pytest.mark.parametrize(("kind", "orders"), [("lost_request", 0), ("lost_reply", 1)])
@pytest.mark.parametrize("code", ["EGW00301", "EGW00302"])
async def test_a_time_out_behind_the_gateway_says_to_look_and_hides_what_happened(mock, kind, orders, code):
    cause(mock, kind, path=ORDERS, code=code)
    body = await mock.order()
    assert (body["rt_cd"], body["msg_cd"]) == ("1", code)
    assert "거래여부를 확인" in body["msg1"]
    assert len(mock.sim.books.orders) == orders


async def test_an_order_may_be_answered_late_though_done_at_once(mock):
    cause(mock, "slow", path=ORDERS, delay_s=0.2)
    waiting = asyncio.create_task(mock.order())
    await mock.until(lambda: len(mock.sim.books.orders) == 1)
    assert not waiting.done()
    assert (await waiting)["rt_cd"] == "0"


@pytest.mark.parametrize("code", ["EGW00201", "EGW00215", "EGW00123"])
async def test_a_refusal_at_the_gateway_can_be_asked_for_and_does_nothing(mock, code):
    cause(mock, "http", path=ORDERS, code=code)
    assert (await mock.order())["msg_cd"] == code
    assert mock.sim.books.orders == {}
    assert (await mock.order())["rt_cd"] == "0"


async def test_maintenance_is_a_500_with_empty_words(real):
    cause(real, "http", status=500)
    status, body, _ = await real.get(PRICE, "FHKST01010100", ONE)
    assert (status, body) == (500, {"rt_cd": "1", "msg_cd": "", "msg1": ""})


async def test_an_outage_cuts_every_call_and_every_stream(real):
    async with real.stream() as socket:
        await real.register(socket, "H0STCNT0", SAMSUNG)
        cause(real, "refuse", for_s=5)
        await real.end_of(socket)
        assert socket.close_code == 1006
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await real.get(PRICE, "FHKST01010100", ONE)
        real.clock.at += 5001
        assert (await real.get(PRICE, "FHKST01010100", ONE))[0] == 200


@pytest.mark.parametrize("kind", ["drop", "half_frame"])
async def test_open_streams_are_dropped_without_a_close_frame(real, kind):
    async with real.stream() as socket:
        await real.register(socket, "H0STCNT0", SAMSUNG)
        cause(real, kind)
        await real.end_of(socket)
        assert socket.close_code == 1006
    await real.until(lambda: real.sim.log.closed == {kind: 1})


async def test_a_reconnect_can_be_refused_as_already_in_use_for_twenty_seconds(real):
    cause(real, "register", code="OPSP8996", for_s=20)
    for seconds, code in ((0, "OPSP8996"), (19.9, "OPSP8996"), (0.1, "OPSP0000")):
        real.clock.at += round(seconds * 1000)
        async with real.stream() as socket:
            assert (await real.register(socket, "H0STCNT0", SAMSUNG))["body"]["msg_cd"] == code


async def test_a_registration_may_fail_inside_and_succeed_the_next_time(real):
    cause(real, "register")
    async with real.stream() as socket:
        assert (await real.register(socket, "H0STCNT0", SAMSUNG))["body"]["msg_cd"] == "OPSP0007"
        assert (await real.register(socket, "H0STCNT0", SAMSUNG))["body"]["msg_cd"] == "OPSP0000"


async def test_a_stalled_stream_says_nothing_and_goes_on_later(real):
    async with real.stream() as socket:
        await real.register(socket, "H0STCNT0", SAMSUNG)
        cause(real, "stall", for_s=5)
        real.wait(4.9)
        assert await real.drained(socket) == []
        real.wait(5)
        assert await real.drained(socket)


async def test_frames_may_come_twice_halved_or_out_of_order(real):
    async with real.stream() as socket:
        await real.register(socket, "H0STCNT0", SAMSUNG)
        cause(real, "duplicate", for_s=3)
        real.wait(3)
        frames = await real.drained(socket)
        assert frames
        assert frames[::2] == frames[1::2]
        cause(real, "reorder", for_s=10)
        real.wait(10)
        totals = [event.total for event in real.read(await real.drained(socket)) if isinstance(event, Trade)]
        assert totals != sorted(totals)
        cause(real, "half_json", count=1)
        real.wait(5)
        halves = await real.drained(socket)
        assert halves[0].count("^") < 46


async def test_faults_are_caused_listed_and_cleared_at_the_side_door(real):
    wanted = msgspec.json.encode(
        [{"fault": {"kind": "http", "status": 500, "for_s": 60}}, {"fault": {"kind": "slow"}, "at_s": 30}]
    )
    assert (await real.send("POST", "/_sim/faults", {}, body=wanted))[1] == {"caused": 2}
    _, running, _ = await real.send("GET", "/_sim/faults", {})
    assert [fault["kind"] for fault in running] == ["http"]
    assert (await real.send("DELETE", "/_sim/faults", {}))[1] == {"caused": 0}
    assert (await real.get(PRICE, "FHKST01010100", ONE))[0] == 200


async def test_a_schedule_is_counted_from_the_start(serving):
    faults = Faults([Planned(fault=Fault(kind=Kind.HTTP, status=500), at_s=5)])
    async with serving(Environment.REAL, faults=faults) as client:
        assert (await client.get(PRICE, "FHKST01010100", ONE))[0] == 200
        client.wait(5)
        assert (await client.get(PRICE, "FHKST01010100", ONE))[0] == 500


async def test_the_log_counts_everything_a_drill_asks_about(real):
    async with real.stream() as socket:
        await real.register(socket, "H0STCNT0", SAMSUNG)
        await real.order(quantity="2")
        _, log, _ = await real.send("GET", "/_sim/log", {})
    counts = log["counts"]
    assert (counts["tokens"], counts["approvals"], counts["registrations"]) == (1, 1, 1)
    assert (counts["orders"], counts["fills"], counts["most registrations held"]) == (1, 1, 1)
    assert (log["busiest"]["rest"], log["refusals"], log["connections"]) == (1, {}, 1)
