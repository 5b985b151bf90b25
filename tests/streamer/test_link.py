"""A link over real sockets against the simulated Upbit, by both transports: D1, D2, D4, D6."""

import asyncio

import pytest

from core.domain.events import Complaint, Trade
from core.simulators.faults import Fault, Kind, Planned
from core.simulators.limits import Limits
from core.simulators.upbit import UpbitSimulator
from tests.streamer.conftest import SYMBOLS, KeepingSink, channels, make_link, market, until, wall_ms


async def on_air(link, sink, symbols=SYMBOLS):
    """Wait until every one of `symbols` has sent something, as the whole wanted set must."""
    link.want(frozenset(symbols), channels(symbols))
    await until(lambda: sink.symbols() >= set(symbols))


def cause(upbit, kind, **facts):
    upbit.faults.cause(Planned(fault=Fault(kind=kind, **facts)), wall_ms())


async def test_everything_wanted_is_subscribed_when_it_opens(upbit, running, kind):
    """D1"""
    sink = KeepingSink()
    link = make_link(upbit.stream_url, sink, kind=kind)
    running(link)
    await on_air(link, sink)
    assert sink.surprises == []
    assert upbit.log.connections == 1


async def test_a_change_of_what_is_wanted_needs_no_new_connection(upbit, running, kind):
    """D2"""
    sink = KeepingSink()
    link = make_link(upbit.stream_url, sink, kind=kind)
    running(link)
    await on_air(link, sink, ["KRW-BTC"])
    await on_air(link, sink, ["KRW-ETH", "KRW-XRP"])
    sink.forget()
    await until(lambda: any(isinstance(event, Trade) for event in sink.events))
    assert "KRW-BTC" not in sink.symbols()
    assert upbit.log.connections == 1
    assert not upbit.log.refusals


@pytest.mark.parametrize("fault", [Kind.DROP, Kind.HALF_FRAME])
async def test_a_connection_cut_in_the_middle_comes_back_with_the_whole_wanted_set(upbit, running, kind, fault):
    """D6: also when the cut falls into the middle of a frame."""
    sink = KeepingSink()
    link = make_link(upbit.stream_url, sink, kind=kind)
    running(link)
    await on_air(link, sink)
    cause(upbit, fault)
    await until(lambda: sink.losses)
    sink.forget()
    await until(lambda: sink.symbols() >= set(SYMBOLS))
    assert upbit.log.connections == 2
    assert sink.surprises == []
    assert len(sink.gaps) == 1
    assert sink.gaps[0].start < sink.gaps[0].end


async def test_an_open_connection_that_is_silent_counts_as_lost(upbit, running, kind):
    """D6"""
    sink = KeepingSink()
    link = make_link(upbit.stream_url, sink, kind=kind, mute_s=0.4, ping_s=0.1)
    running(link)
    await on_air(link, sink)
    cause(upbit, Kind.STALL, for_s=1.0)
    await until(lambda: sink.losses)
    assert "no frame for" in sink.losses[0]
    sink.forget()
    await until(lambda: sink.symbols() >= set(SYMBOLS))
    assert sink.gaps


async def test_frames_without_market_data_count_as_lost_too(running, kind):
    """D6: status frames prove the line, not the data."""
    async with UpbitSimulator(market(), limits=Limits(snapshot_ms=20, status_s=0.05)) as upbit:
        sink = KeepingSink()
        link = make_link(upbit.stream_url, sink, kind=kind, stale_s=0.5, ping_s=0.1)
        running(link)
        await on_air(link, sink)
        await upbit.play([])  # the market has no more news
        await until(lambda: sink.losses)
        assert "no market data" in sink.losses[0]


async def test_a_half_json_frame_is_set_aside_and_the_connection_goes_on(upbit, running, kind):
    sink = KeepingSink()
    link = make_link(upbit.stream_url, sink, kind=kind)
    running(link)
    await on_air(link, sink)
    cause(upbit, Kind.HALF_JSON, count=3)
    await until(lambda: len(sink.surprises) == 3)
    sink.forget()
    await until(lambda: sink.events)
    assert upbit.log.connections == 1
    assert link.session.surprises == 3


async def test_a_quiet_market_is_kept_open_beyond_the_venues_idle_time(running, kind):
    """D1: Upbit cuts after 60 s without a word; here after less than one."""
    async with UpbitSimulator(market(), limits=Limits(snapshot_ms=20, idle_s=0.8)) as upbit:
        sink = KeepingSink()
        link = make_link(upbit.stream_url, sink, kind=kind, ping_s=0.25)
        running(link)
        await on_air(link, sink)
        await upbit.play([])  # the market has no more news
        beats = upbit.log.messages
        await until(lambda: upbit.log.messages >= beats + 6)
        assert sink.losses == []
        assert upbit.log.connections == 1


async def test_without_a_word_of_ours_the_venue_would_have_cut_it(running, kind):
    """The test above is about something: with the heartbeat off, the simulator cuts."""
    async with UpbitSimulator(market(), limits=Limits(snapshot_ms=20, idle_s=0.5)) as upbit:
        sink = KeepingSink()
        link = make_link(upbit.stream_url, sink, kind=kind, ping_s=0.0)
        link.want(frozenset(["KRW-BTC"]), channels(["KRW-BTC"]))
        await upbit.play([])  # the market has no more news
        running(link)
        await until(lambda: upbit.log.closed.get("idle"))


async def test_after_an_outage_the_whole_wanted_set_is_back_soon_after_the_venue_is(upbit, running, kind):
    """D6: even where the next try was still 30 s away, because a venue that was dark is knocked at."""
    sink = KeepingSink()
    link = make_link(upbit.stream_url, sink, kind=kind, backoff_s=(0.05, 30.0))
    running(link)
    await on_air(link, sink)
    cause(upbit, Kind.REFUSE, for_s=3.0)
    await until(lambda: len(sink.losses) >= 2)
    sink.forget()
    await until(lambda: sink.symbols() >= set(SYMBOLS))
    assert link.up


async def test_a_venue_that_is_not_there_yet_is_found_when_it_comes(running, kind):
    """D6"""
    async with UpbitSimulator(market()) as early:
        port = early.port
    sink = KeepingSink()
    link = make_link(f"ws://127.0.0.1:{port}/websocket/v1", sink, kind=kind, backoff_s=(30.0,))
    link.want(frozenset(SYMBOLS), channels(SYMBOLS))
    running(link)
    await until(lambda: sink.losses)
    async with UpbitSimulator(market(), port=port):
        await until(lambda: sink.symbols() >= set(SYMBOLS))


async def test_a_venue_that_answers_no_is_left_alone_until_the_wait_is_over(running, kind):
    """A refusal is an answer: knocking would only make it worse."""
    async with UpbitSimulator(market(), limits=Limits(connects_per_s=0)) as upbit:
        sink = KeepingSink()
        link = make_link(upbit.stream_url, sink, kind=kind, backoff_s=(60.0,))
        running(link)
        await until(lambda: sink.losses)
        assert "status=429" in sink.losses[0]
        asked = upbit.log.refusals.total()
        await asyncio.sleep(0)
        assert upbit.log.refusals.total() == asked == 1


async def test_a_complaint_of_the_venue_is_told_and_survived(upbit, running, kind):
    sink = KeepingSink()
    link = make_link(upbit.stream_url, sink, kind=kind)
    running(link)
    await on_air(link, sink)
    link._line.send(b"this is no request", True)
    await until(lambda: any(isinstance(event, Complaint) for event in sink.events))
    await until(lambda: sink.losses)
    await until(lambda: upbit.log.connections == 2)


async def test_a_burst_of_changes_stays_under_the_venues_rate(upbit, running, kind):
    """D4: the simulator closes a connection that says too much."""
    sink = KeepingSink()
    link = make_link(upbit.stream_url, sink, kind=kind)
    running(link)
    await until(lambda: link.up)
    for turn in range(40):
        symbols = SYMBOLS[: turn % 3 + 1]
        link.want(frozenset(symbols), channels(symbols))
        await asyncio.sleep(0.02)
    await until(lambda: link.session.settled)
    assert not upbit.log.refusals
    assert upbit.log.connections == 1
    assert link.session.asked == channels(SYMBOLS[:1])


async def test_it_says_goodbye_with_1001_when_it_is_stopped(upbit, kind):
    sink = KeepingSink()
    link = make_link(upbit.stream_url, sink, kind=kind)
    task = asyncio.create_task(link.run())
    await on_air(link, sink)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await until(lambda: upbit.log.open == 0)
    assert dict(upbit.log.closed) == {"closed 1001": 1}


async def test_a_fault_of_ours_is_not_taken_for_a_fault_of_the_line(upbit, kind):
    """What the sink raises ends the link's task, so that the supervisor learns of it."""

    class BrokenSink(KeepingSink):
        def took(self, inbound, at):
            raise ZeroDivisionError("ours")

    link = make_link(upbit.stream_url, BrokenSink(), kind=kind)
    link.want(frozenset(["KRW-BTC"]), channels(["KRW-BTC"]))
    with pytest.raises(ZeroDivisionError, match="ours"):
        async with asyncio.timeout(20):
            await link.run()
