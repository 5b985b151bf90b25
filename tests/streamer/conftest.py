"""A simulated Upbit on loopback, a clock of our own, and somewhere to put what a link brings."""

import asyncio
import random
import time

import pytest

from core.domain.policies import StreamPolicy
from core.feed.session import Session
from core.simulators.coins import listing
from core.simulators.limits import Limits
from core.simulators.market import SimulatedMarket
from core.simulators.upbit import UpbitSimulator
from core.venues.spec import Channel
from core.venues.upbit import VENUE
from streamer.link import Link
from streamer.transport import transport

SYMBOLS = ("KRW-BTC", "KRW-ETH", "KRW-XRP")
PATIENCE_S = 45.0
"""How long a condition is waited for before the test fails; nothing is asserted about how long it took."""


def wall_ms():
    return time.time_ns() // 1_000_000


async def until(condition, what="the condition"):
    """Wait for a condition to come true."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():  # what is waited for is on the other side of a socket
        assert time.monotonic() < deadline, f"{what} did not come about"
        await asyncio.sleep(0.01)


class KeepingSink:
    """Keeps everything that a link tells."""

    def __init__(self):
        self.events, self.surprises, self.gaps, self.losses = [], [], [], []

    def took(self, inbound, at):
        self.events.extend(inbound)

    def odd(self, frame, surprise, at):
        self.surprises.append((frame, surprise))

    def came_back(self, link, gap):
        self.gaps.append(gap)

    def lost(self, link, why, at):
        self.losses.append(why)

    def symbols(self):
        return {event.instrument.symbol for event in self.events if hasattr(event, "instrument")}

    def forget(self):
        self.events.clear()


async def open_gate():
    """Nothing to wait for."""


def channels(symbols):
    return frozenset(Channel(topic, symbol) for symbol in symbols for topic in VENUE.stream.topics)


def make_link(url, sink, *, kind="picows", backoff_s=(0.05, 0.1), **policy):
    """A link to `url` by one of the transports; nothing is opened before its `run`."""
    settings = StreamPolicy(url=url, transport=kind, backoff_s=backoff_s, **policy)
    session = Session(VENUE.stream, settings, "test")
    dice = random.Random(7).random
    return Link(0, session, settings, transport(kind), sink, clock=wall_ms, dice=dice, gate=open_gate)


@pytest.fixture(params=["picows", "websockets"])
def kind(request):
    """Every promise of a link holds for both transports."""
    return request.param


def market():
    return SimulatedMarket(seed=5, start=wall_ms(), coins=listing()[:6])


@pytest.fixture
async def upbit():
    async with UpbitSimulator(market(), limits=Limits(snapshot_ms=20)) as simulator:
        yield simulator


@pytest.fixture
async def running():
    """Run links; all of them end with the test."""
    tasks = []

    def start(*links):
        for link in links:
            tasks.append(asyncio.create_task(link.run()))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
