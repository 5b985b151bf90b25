"""The scheduled functions that watch: safety filter, scan, ranking, each from its event to the tables and queues."""

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.errors import Misconfigured
from core.domain.levels import Buyable, References, SafeSet, Scan, ScanHealth, Targets, TopN
from core.domain.signals import Signal
from core.domain.values import Instrument, Market, Millis, Side
from functions import batch_scan, rank, safety_filter


def read(cloud, kind):
    return cloud.wiring.shelf.read(kind, Market.UPBIT)


def test_the_safety_filter_splits_the_listing_and_loads_references(cloud, context, said, read_sample):
    """A1, A2."""
    cloud.venue.flags = {"KRW-BBB"}

    answer = safety_filter.handler(read_sample("safety_filter"), context)

    assert answer["upbit"]["outcome"] == "refreshed"
    assert read(cloud, SafeSet).safe == ("KRW-AAA",)
    row = read(cloud, References).rows["KRW-AAA"]
    assert (row.high, row.ma_days) == (1200.0, 2)
    (line,) = [line for line in said() if line.get("message") == "safety filter"]
    assert (line["outcome"], line["market"], line["service"]) == ("refreshed", "upbit", "safety_filter")


def test_a_filter_whose_venue_is_down_keeps_the_last_set_and_tells(cloud, context, read_sample):
    """A3."""
    safety_filter.handler(read_sample("safety_filter"), context)
    cloud.venue.down = True

    answer = safety_filter.handler(read_sample("safety_filter"), context)

    assert answer["upbit"]["outcome"] == "kept"
    assert cloud.alerts == ["scan_failing"]


def test_the_scan_writes_snapshots_and_targets_and_counts_itself(cloud, context, said, count, read_sample):
    """B1, B4, D2."""
    safety_filter.handler(read_sample("safety_filter"), context)
    said()

    answer = batch_scan.handler(read_sample("batch_scan"), context)

    assert answer["upbit"] | {"calls": 2} == answer["upbit"]
    assert [row.symbol for row in read(cloud, Scan).snapshots] == ["KRW-AAA", "KRW-BBB"]
    assert {candidate.symbol for candidate in read(cloud, Targets).candidates} == {"KRW-AAA", "KRW-BBB"}
    lines = said()
    assert count(lines) == {"Scans": 1, "TargetsChanged": 1}
    metric = next(line for line in lines if "_aws" in line)
    assert metric["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "hoga/test"
    assert (metric["service"], metric["market"]) == ("batch_scan", "upbit")


def test_a_failing_scan_is_counted_and_enters_safe_mode(cloud, context, said, count, read_sample):
    """B3."""
    safety_filter.handler(read_sample("safety_filter"), context)
    cloud.venue.down = True
    said()

    batch_scan.handler(read_sample("batch_scan"), context)

    assert count(said()) == {"ScanFailures": 1}
    assert read(cloud, ScanHealth).safe_mode
    assert cloud.alerts == ["scan_failing"]


def test_mode_b_asks_the_queue_for_a_second_pass_and_takes_it(cloud, context, monkeypatch, read_sample):
    cloud.settings(more="mode: B")
    safety_filter.handler(read_sample("safety_filter"), context)

    batch_scan.handler(read_sample("batch_scan"), context)
    url = cloud.wiring.named("HOGA_PASSES_QUEUE")
    queue = cloud.wiring.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert queue["ApproximateNumberOfMessagesDelayed"] == "1"

    first = read(cloud, ScanHealth)
    monkeypatch.setattr(cloud.wiring, "clock", lambda: Millis(first.due))
    answer = batch_scan.handler(read_sample("batch_scan_second"), context)

    assert answer == {"batchItemFailures": []}
    assert read(cloud, ScanHealth).at == first.due


def test_a_second_pass_for_what_is_not_a_market_fails_loudly(cloud, context, read_sample):
    event = read_sample("batch_scan_second")
    event["Records"][0]["body"] = '{"market":"nowhere","asked":1}'

    with pytest.raises(ValueError, match="nowhere"):
        batch_scan.handler(event, context)


def test_ranking_writes_the_top_n_and_publishes_once(cloud, context, read_sample, monkeypatch):
    """C1, C2."""
    at = cloud.wiring.clock()
    signal = Signal(
        id="s", instrument=Instrument(Market.UPBIT, "KRW-BBB"), side=Side.BUY, rule="disparity", price=1.0, value=1.0,
        threshold=1.0, at=at, seen=at, expires=Millis(at + 60_000),
    )  # fmt: skip
    cloud.wiring.shelf.write(Buyable(market=Market.UPBIT, at=at, signals=(signal,)))
    published = []
    put_events = cloud.wiring.client("events").put_events
    monkeypatch.setattr(
        cloud.wiring.client("events"),
        "put_events",
        lambda Entries: [published.extend(Entries), put_events(Entries=Entries)][1],
    )

    first = rank.handler(read_sample("rank"), context)
    second = rank.handler(read_sample("rank"), context)

    assert (first["upbit"]["outcome"], second["upbit"]["outcome"]) == ("changed", "unchanged")
    assert [member.symbol for member in read(cloud, TopN).members] == ["KRW-BBB"]
    assert [entry["DetailType"] for entry in published] == ["symbols_updated"]


# ---- what every scheduled function does --------------------------------------------------------------------------


def stamp(**ago):
    return (datetime.now(UTC) - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("handler", "late"), [(safety_filter, {"minutes": 61}), (batch_scan, {"seconds": 70}), (rank, {"minutes": 11})]
)
def test_a_run_later_than_its_period_is_refused(cloud, context, said, handler, late):
    answer = handler.handler({"scheduled": stamp(**late)}, context)

    assert "late" in answer["refused"]
    assert cloud.venue.asked == []
    assert said()[-1]["outcome"] == "refused"


@pytest.mark.parametrize(
    "event", [{"scheduled": stamp(seconds=5)}, {}, {"scheduled": "<aws.scheduler.scheduled-time>"}]
)
def test_a_run_in_time_or_by_hand_is_not_refused(cloud, context, event):
    assert safety_filter.handler(event, context)["upbit"]["outcome"] == "refreshed"


@pytest.mark.parametrize("handler", [safety_filter, batch_scan, rank])
def test_settings_with_faults_fail_the_call_with_their_text(cloud, context, handler):
    cloud.settings(text="markets: {upbit: {rest: {url: x}, stream: {url: y}, scan: {interval_s: nonsense}}}")

    with pytest.raises(Misconfigured, match="interval_s"):
        handler.handler({}, context)


def test_a_missing_variable_fails_the_call_and_names_itself(cloud, context, monkeypatch):
    monkeypatch.delenv("HOGA_STATE_TABLE")

    with pytest.raises(Misconfigured, match="HOGA_STATE_TABLE"):
        safety_filter.handler({}, context)


def test_a_market_that_is_switched_off_has_no_turn(cloud, context):
    off = "  krx: {enabled: false, rest: {url: 'http://127.0.0.1:1'}, stream: {url: 'ws://127.0.0.1:1'}}"
    cloud.settings(more=off)

    assert list(safety_filter.handler({}, context)) == ["upbit"]
