"""Each function as a Lambda of the deployed template, under its own role, from the safety filter to a bought position."""

import time

import pytest

from core.adapters.wiring import Wiring
from core.domain.levels import SafeSet, Scan, StreamHealth, Targets
from core.domain.signals import Signal
from core.domain.values import Instrument, Market, Millis, Side
from core.local.stack import Stack

pytestmark = pytest.mark.cloud

AAA = Instrument(Market.UPBIT, "KRW-AAA")
PATIENCE_S = 30.0


@pytest.fixture
def deployed(venue, tmp_path, settings_text):
    settings = tmp_path / "settings.yaml"
    settings.write_text(settings_text.format(url=venue.url, more=""))
    with Stack.start(settings, log=tmp_path / "aws.log") as stack:
        yield stack


def until(found, what):
    """Wait for a condition, no longer than PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError(f"no {what} within {PATIENCE_S:g} s")


def lines(stack, function):
    logs, group = stack.client("logs"), f"/hoga/{stack.stage}/{function}"
    return [
        event["message"]
        for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    ]


def test_every_function_does_its_work_under_its_own_role(deployed):
    wiring = Wiring(deployed.environment())

    assert deployed.invoke("SafetyFilter", {})["upbit"]["outcome"] == "refreshed"
    assert deployed.invoke("BatchScan", {"scheduled": "<aws.scheduler.scheduled-time>"})["upbit"]["calls"] == 2
    assert [wiring.shelf.read(kind, Market.UPBIT) is not None for kind in (SafeSet, Scan, Targets)] == [True] * 3

    at = wiring.clock()
    wiring.shelf.write(
        StreamHealth(
            market=Market.UPBIT, at=at, host="h", started=at, last_data=at, subscribed=(), connected=True, reconnects=0,
            messages=0, surprises=0, late=0, duplicates=0, gaps=0, signals=0, latency_p50_ms=0.0, latency_p99_ms=0.0,
        )
    )  # fmt: skip
    buy = Signal(
        id="s-1", instrument=AAA, side=Side.BUY, rule="disparity", price=1000.0, value=0.0, threshold=0.0, at=at,
        seen=at, expires=Millis(at + 30_000),
    )  # fmt: skip
    wiring.signals.send([buy])
    lock = until(lambda: (found := wiring.leases.lock(AAA)) and found.position and found, "position")
    assert (lock.fence >= at, lock.done, lock.owner) == (True, ("s-1",), "")

    assert deployed.invoke("Rank", {})["upbit"]["outcome"] == "streamer silent"
    assert deployed.invoke("Sweep", {})["upbit"]["strays"] == 0
    assert deployed.invoke("Liquidate", {})["upbit"]["outcome"] == "not due"
    assert deployed.invoke("DailySummary", {}) == {"upbit": []}
    until(lambda: any("AlertsSent" in line for line in lines(deployed, "notify")), "alert")
    until(lambda: any('"outcome":"bought"' in line for line in lines(deployed, "worker")), "log line of the buy")
