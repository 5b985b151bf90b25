"""A tick makes no task, no log line and no dictionary: told by the bytecode of everything in its path, and by counting."""

import asyncio
import dis
import gc
import logging
import random

import pytest

from core.domain.candles import Candles
from core.domain.engine import Engine
from core.domain.policies import MarketPolicy, RestPolicy, RulePolicy, StreamPolicy
from core.feed.latency import Latency
from core.feed.session import Session
from core.venues.kis.records import alike
from core.venues.kis.stream import Decoder, several
from core.venues.upbit import VENUE
from streamer.link import Link
from streamer.outbox import Outbox
from streamer.pump import Pump
from tests.streamer.conftest import SYMBOLS, channels, make_link, wall_ms
from tests.streamer.test_outbox import KeepingQueue

PATH = [
    Link.frame,
    Session.received,
    Pump.took,
    Latency.trades,
    Engine.run,
    Candles.add,
    Decoder.__call__,
    several,
    alike,
]
BUILDERS = {"BUILD_MAP", "BUILD_CONST_KEY_MAP", "DICT_UPDATE", "DICT_MERGE", "MAP_ADD", "MAKE_FUNCTION"}
WORDS = {"create_task", "ensure_future", "log", "logging", "info", "debug", "warning", "dict", "get_running_loop"}


@pytest.mark.source
@pytest.mark.parametrize("step", PATH, ids=lambda step: step.__qualname__)
def test_no_step_of_the_path_builds_a_dictionary_a_closure_a_task_or_a_log_line(step):
    """Must hold: a tick costs none of these."""
    for instruction in dis.get_instructions(step):
        assert instruction.opname not in BUILDERS, instruction
        assert instruction.argval not in WORDS, instruction


class Deaf(logging.Handler):
    def __init__(self):
        super().__init__(0)
        self.records = []

    def emit(self, record):
        self.records.append(record)


async def test_ten_thousand_ticks_leave_no_task_no_log_line_and_no_dictionary(stream_of_trades, pumping):
    """The same by counting, decoding included."""
    link = pumping
    for frame in stream_of_trades[:2_000]:
        link.frame(frame)
    handler = Deaf()
    root = logging.getLogger()
    root.addHandler(handler)
    gc.collect()
    gc.disable()
    try:
        before, tasks = _dictionaries(), len(asyncio.all_tasks())
        for frame in stream_of_trades[2_000:]:
            link.frame(frame)
        after = _dictionaries()
    finally:
        gc.enable()
        root.removeHandler(handler)
    assert len(asyncio.all_tasks()) == tasks
    assert handler.records == []
    assert after - before < 100, "a dictionary was made and kept for each tick"  # other threads make some of their own
    assert link.session.frames == len(stream_of_trades)


def _dictionaries():
    return sum(type(thing) is dict for thing in gc.get_objects())


@pytest.fixture
def stream_of_trades():
    """Ten thousand trades of three pairs within one minute, as Upbit would send them."""
    start = 1_700_000_000_000 // 60_000 * 60_000
    template = '{{"ty":"trade","cd":"{code}","tms":{at},"ttms":{at},"tp":{price},"tv":0.5,"ab":"BID","sid":{sid},"st":"REALTIME"}}'
    return [
        template.format(
            code=SYMBOLS[n % 3], at=start + n * 5, price=1000 + n % 7, sid=(start + n * 5) * 10_000 + n
        ).encode()
        for n in range(10_000)
    ]


@pytest.fixture
async def pumping(tmp_path):
    """A link that is not open, with the real session, pump and engine behind it."""
    rules = (
        RulePolicy(name="fall", kind="fall", params={"minutes": 5, "fall": 0.03}),
        RulePolicy(name="disparity", kind="disparity", params={"base": "daily", "threshold": -0.08}),
    )
    policy = MarketPolicy(rest=RestPolicy(url="http://x"), stream=StreamPolicy(url="ws://x"), rules=rules)
    engine = Engine(VENUE.market, policy, VENUE.rules.link)
    outbox = Outbox(KeepingQueue(), KeepingQueue(), policy.stream, clock=wall_ms, dice=random.random)
    pump = Pump(
        VENUE.stream, policy.stream, engine, outbox,
        clock=wall_ms, dice=random.random, folder=tmp_path, on_gap=lambda symbols, gap: None,
    )  # fmt: skip
    link = make_link("ws://x", pump)
    link.want(frozenset(SYMBOLS), channels(SYMBOLS))
    return link
