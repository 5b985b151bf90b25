"""The functions that trade and tell: worker, sweep, liquidate, notify, daily summary, each from its event to the tables."""

from datetime import UTC, datetime, timedelta

import pytest

from core.app.safety import SafeSet
from core.domain.errors import Misconfigured
from core.domain.levels import DayReport, ScanHealth, StreamHealth
from core.domain.messages import Alert, Delivery, Kind
from core.domain.sessions import day_of
from core.domain.signals import Signal, signal_id
from core.domain.values import Instrument, Market, Millis, Side
from core.domain.workers import Status
from functions import daily_summary, liquidate, notify, sweep, worker

AAA = Instrument(Market.UPBIT, "KRW-AAA")


def signal(cloud, side=Side.BUY, rule="disparity", instrument=AAA, ends_in=30_000, price=1000.0):
    at = cloud.wiring.clock()
    return Signal(
        id=signal_id(instrument, side, rule, at), instrument=instrument, side=side, rule=rule, price=price, value=-0.09,
        threshold=-0.08, at=at, seen=at, expires=Millis(at + ends_in),
    )  # fmt: skip


@pytest.fixture
def open_for_buying(cloud):
    """Fresh levels that allow buying: a safe set, a scan that is well, a streamer that is alive."""
    at, shelf = cloud.wiring.clock(), cloud.wiring.shelf
    shelf.write(
        SafeSet(market=Market.UPBIT, at=at, safe=("KRW-AAA", "KRW-BBB"), excluded=(), names={"KRW-AAA": "Triple A"})
    )
    shelf.write(ScanHealth(market=Market.UPBIT, at=at, due=at, interval_ms=Millis(60_000)))
    shelf.write(
        StreamHealth(
            market=Market.UPBIT, at=at, host="h", started=at, last_data=at, subscribed=(), connected=True, reconnects=0,
            messages=0, surprises=0, late=0, duplicates=0, gaps=0, signals=0, latency_p50_ms=0.0, latency_p99_ms=0.0,
        )
    )  # fmt: skip
    return cloud


@pytest.fixture
def bought(open_for_buying, context, read_sample):
    """The cloud after one buy of AAA; its alerts have been read."""
    cloud = open_for_buying
    worker.handler(read_sample("worker", signal(cloud)), context)
    assert cloud.wiring.leases.lock(AAA).position is not None
    cloud.messages("HOGA_ALERTS_QUEUE")
    return cloud


# ---- worker -----------------------------------------------------------------------------------------------------


def test_a_buy_signal_buys_once_and_tells(open_for_buying, context, said, count, read_sample):
    """E3."""
    cloud = open_for_buying

    answer = worker.handler(read_sample("worker", signal(cloud)), context)

    assert answer == {"batchItemFailures": []}
    lock = cloud.wiring.leases.lock(AAA)
    position = lock.position
    assert position.quantity * position.price <= 1_000_000
    (alert,) = [message["alert"] for message in cloud.messages("HOGA_ALERTS_QUEUE")]
    assert (alert["kind"], alert["name"]) == ("bought", "Triple A")
    lines = said()
    assert count(lines) == {"Buys": 1, "LocksGranted": 1}
    line = next(line for line in lines if line.get("message") == "signal handled")
    assert (line["outcome"], line["instrument"]) == ("bought", "upbit:KRW-AAA")
    assert line["fence"] == lock.fence
    assert line["key"].startswith("upbit:KRW-AAA:buy:disparity:")


def test_the_same_signal_again_buys_nothing(bought, context, said, count, read_sample):
    """E8."""
    before = bought.wiring.leases.lock(AAA).position

    answer = worker.handler(read_sample("worker", signal(bought), signal(bought, rule="fall")), context)

    assert answer == {"batchItemFailures": []}
    assert bought.wiring.leases.lock(AAA).position == before
    assert "Buys" not in count(said())


def test_a_sell_signal_sells_and_counts_its_reason(bought, context, said, read_sample):
    """E5."""
    worker.handler(read_sample("worker", signal(bought, Side.SELL, "take_profit")), context)

    assert bought.wiring.leases.lock(AAA).position is None
    assert bought.alerts == ["sold"]
    (sells,) = [line for line in said() if "Sells" in line]
    assert sells["reason"] == "take_profit"


def test_a_signal_that_came_too_late_is_acknowledged_and_bought_nothing(open_for_buying, context, said, read_sample):
    late = signal(open_for_buying, ends_in=-1)

    assert worker.handler(read_sample("worker", late), context) == {"batchItemFailures": []}
    assert [line for line in said() if "_aws" not in line][-1]["outcome"] == "expired"


def test_a_message_that_is_no_signal_goes_back_and_the_others_are_handled(open_for_buying, context, said, read_sample):
    cloud = open_for_buying
    event = read_sample("worker", signal(cloud), signal(cloud))
    event["Records"][0]["body"] = "{}"
    event["Records"][0]["attributes"] = {**event["Records"][0]["attributes"], "MessageGroupId": "upbit:KRW-ODD"}

    answer = worker.handler(event, context)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    assert cloud.wiring.leases.lock(AAA).position is not None
    returned = [line for line in said() if line.get("outcome") == "returned"]
    assert [line["level"] for line in returned] == ["ERROR"]


def test_a_symbol_that_is_being_worked_on_sends_its_messages_back_in_order(
    open_for_buying, context, said, count, monkeypatch, read_sample
):
    """E1, E3: refused is logged and counted, and is no error."""
    from core.domain.leases import Busy

    monkeypatch.setattr(
        type(open_for_buying.wiring.leases),
        "engage",
        lambda self, ask, *rest: Busy(holder="other", fence=7, ends=ask.at),
    )

    answer = worker.handler(read_sample("worker", signal(open_for_buying), signal(open_for_buying, rule="b")), context)

    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["m-0", "m-1"]
    lines = said()
    assert count(lines) == {"LocksRefused": 1}
    busy = next(line for line in lines if line.get("message") == "signal handled")
    assert (busy["level"], busy["outcome"]) == ("WARNING", "busy")
    assert "other" in busy["detail"]
    assert {line["level"] for line in lines if line.get("outcome") == "returned"} == {"INFO"}


def test_faulty_settings_fail_the_whole_call_of_a_queue_with_their_text(cloud, context, read_sample):
    event = read_sample("worker")
    cloud.settings(text="stage: 7")

    with pytest.raises(Misconfigured, match="markets"):
        worker.handler(event, context)
    with pytest.raises(Misconfigured, match="markets"):
        notify.handler(read_sample("notify"), context)


# ---- sweep and liquidation --------------------------------------------------------------------------------------


def test_the_sweep_finds_nothing_open_and_puts_the_workers_to_work(open_for_buying, context, said, read_sample):
    answer = sweep.handler(read_sample("sweep"), context)

    assert answer["upbit"] == {"waiting": 0, "resumed": 0, "exits": 0, "adopted": 0, "freed": 0, "strays": 0}
    assert {one.status for one in open_for_buying.wiring.ledger.workers(Market.UPBIT)} == {Status.SCAN}
    assert [line for line in said() if "_aws" not in line][-1]["outcome"] == "swept"


def test_the_sweep_finishes_what_a_dead_worker_left(open_for_buying, context, said, count, monkeypatch, read_sample):
    """E8: the worker died after the venue was asked, before it could write what came of it."""
    cloud = open_for_buying
    leases = type(cloud.wiring.leases)
    commit = leases.commit

    def die(*_):
        raise SystemExit

    monkeypatch.setattr(leases, "commit", die)
    with pytest.raises(SystemExit):
        worker.handler(read_sample("worker", signal(cloud)), context)
    monkeypatch.setattr(leases, "commit", commit)
    held = cloud.wiring.leases.lock(AAA)
    assert held.intent is not None
    assert held.position is None
    monkeypatch.setattr(cloud.wiring, "clock", lambda: Millis(held.ends + 5_000))
    said()

    answer = sweep.handler(read_sample("sweep"), context)

    assert answer["upbit"]["resumed"] == 1
    settled = cloud.wiring.leases.lock(AAA)
    assert settled.intent is None
    assert settled.position is not None
    assert count(said()) | {"Resumed": 1, "Buys": 1} == {"Resumed": 1, "Buys": 1, "LocksGranted": 1}


def test_the_sweep_tells_of_every_dead_letter_queue_that_is_not_empty(open_for_buying, context, said, read_sample):
    """F5."""
    cloud = open_for_buying
    url = cloud.wiring.named("HOGA_JOBS_DEAD")
    for number in range(2):
        cloud.wiring.client("sqs").send_message(QueueUrl=url, MessageBody=str(number))

    sweep.handler(read_sample("sweep"), context)

    (told,) = [message["alert"] for message in cloud.messages("HOGA_ALERTS_QUEUE")]
    assert (told["kind"], told["rule"], told["value"]) == ("dead_letters", "jobs", 2.0)
    assert {"outcome": "found", "queue": "jobs", "messages": 2}.items() <= [
        line for line in said() if "_aws" not in line
    ][-1].items()


def test_dead_letters_are_looked_at_though_a_market_fails_and_no_queue_fails_the_sweep(
    open_for_buying, context, said, monkeypatch, read_sample
):
    cloud = open_for_buying
    monkeypatch.setenv("HOGA_JOBS_DEAD", cloud.wiring.named("HOGA_JOBS_DEAD") + "-gone")

    answer = sweep.handler(read_sample("sweep"), context)

    assert "upbit" in answer
    assert [line for line in said() if "_aws" not in line][-1]["message"] == "dead letters not looked at"

    def fail(market):
        raise Misconfigured("this market cannot be swept")

    monkeypatch.setattr(cloud.wiring, "quotes", fail)
    with pytest.raises(Misconfigured, match="cannot be swept"):
        sweep.handler(read_sample("sweep"), context)
    assert [line for line in said() if "_aws" not in line][-1]["message"] == "dead letters not looked at"


def test_the_sweep_says_what_the_venues_books_tell_otherwise(bought, context, said, monkeypatch, read_sample):
    broker = bought.wiring.broker(Market.UPBIT)
    monkeypatch.setattr(type(broker), "holdings", lambda *_: {})
    bought.messages("HOGA_ALERTS_QUEUE")
    said()

    sweep.handler(read_sample("sweep"), context)

    (line,) = [line for line in said() if line.get("outcome") == "differs"]
    assert (line["instrument"], line["found"]) == (str(AAA), "0")
    assert bought.alerts == ["unresolved"]


def test_outside_its_window_liquidation_does_nothing(bought, context, read_sample):
    answer = liquidate.handler(read_sample("liquidate"), context)

    assert answer["upbit"] == {"outcome": "not due", "cancelled": 0, "sold": 0, "left": {}}
    assert bought.wiring.leases.lock(AAA).position is not None


def test_near_the_days_end_everything_is_sold(bought, context, said, count, monkeypatch, read_sample):
    """E6."""
    ends = (datetime.now(UTC) + timedelta(hours=9, minutes=5)).strftime("%H:%M")
    bought.settings(more=f'    day: {{ends: "{ends}", liquidate: true}}')
    monkeypatch.setattr("core.app.selling.PAUSE_S", 0.0)

    answer = liquidate.handler(read_sample("liquidate"), context)

    assert (answer["upbit"]["outcome"], answer["upbit"]["sold"]) == ("flat", 1)
    assert bought.wiring.leases.lock(AAA).position is None
    sums = count(lines := said())
    assert (sums["Liquidated"], sums["Sells"]) == (1, 1)
    assert next(line for line in lines if "Sells" in line)["reason"] == "liquidation"


# ---- people -----------------------------------------------------------------------------------------------------


def delivery(at, name="one", channel="log"):
    alert = Alert(id=name, kind=Kind.APPROACHING, at=at, market=Market.UPBIT, instrument=AAA, rule="disparity")
    return Delivery(channel, alert)


def test_an_alert_is_sent_once_and_its_like_is_kept_back(cloud, context, said, count, read_sample):
    """F3."""
    at = cloud.wiring.clock()

    answer = notify.handler(read_sample("notify", delivery(at), delivery(at, "two")), context)

    assert answer == {"batchItemFailures": []}
    lines = said()
    assert count(lines) == {"AlertsSent": 1, "AlertsSuppressed": 1}
    assert [line["outcome"] for line in lines if line.get("message") == "alert"] == ["sent", "suppressed"]


def test_an_alert_for_a_channel_that_is_not_set_up_goes_back_and_the_others_are_sent(cloud, context, said, read_sample):
    """F1, F4."""
    at = cloud.wiring.clock()

    answer = notify.handler(read_sample("notify", delivery(at, channel="telegram"), delivery(at)), context)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    assert "telegram" in next(line for line in said() if line.get("outcome") == "returned")["message"]


def test_an_alert_about_the_whole_system_is_counted_too(cloud, context, said, read_sample):
    alert = Alert(id="x", kind=Kind.TEST, at=cloud.wiring.clock(), lasting=False)

    notify.handler(read_sample("notify", Delivery("log", alert)), context)

    assert next(line for line in said() if "AlertsSent" in line)["market"] == "system"


def test_the_sample_alert_reads(cloud, context, read_sample):
    assert notify.handler(read_sample("notify"), context) == {"batchItemFailures": []}


def test_the_sample_signal_reads_and_is_long_past(cloud, context, said, read_sample):
    assert worker.handler(read_sample("worker"), context) == {"batchItemFailures": []}
    assert [line for line in said() if "_aws" not in line][-1]["outcome"] == "expired"


def test_a_finished_day_is_summed_up_once(bought, context, said, count, monkeypatch, read_sample):
    """G2."""
    worker.handler(read_sample("worker", signal(bought, Side.SELL, "take_profit")), context)
    bought.messages("HOGA_ALERTS_QUEUE")
    at, policy = bought.wiring.clock(), bought.wiring.policy(Market.UPBIT).day
    today = day_of(at, policy)
    monkeypatch.setattr(bought.wiring, "clock", lambda: Millis(at + 86_400_000))
    said()

    first = daily_summary.handler(read_sample("daily_summary"), context)
    second = daily_summary.handler(read_sample("daily_summary"), context)

    assert today in first["upbit"]
    assert second["upbit"] == []
    assert bought.wiring.shelf.read_tagged(DayReport, Market.UPBIT, today).trades == 1
    assert set(bought.alerts) == {"summary"}
    assert count(said())["Summaries"] == len(first["upbit"])
