"""`hoga bench stream` measures the streamer's own parts on any server of the protocol (issue 5, point 7)."""

import json
import subprocess
import sys
import time
from threading import Thread

import msgspec
import pytest
from websockets.sync.server import serve as serve_threaded

from core import COMPILED
from streamer.stopwatch import Sample, Stopwatch, quantile, received_us, sent_us
from tests.benchmarks.frames import made

START = 1_700_000_000_000 // 3_600_000 * 3_600_000


class Server:
    """Sends these frames to whoever says anything, then closes or falls silent."""

    def __init__(self, frames, closes):
        self._frames, self._closes = frames, closes
        self._server = serve_threaded(self._talk, "127.0.0.1", 0, compression=None)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/any/path"

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()

    def _talk(self, wire):
        wire.recv()
        for frame in self._frames:
            wire.send(frame, text=True)
        if not self._closes:
            for _ in wire:
                pass


def bench(url, venue, messages, *more):
    options = ["--url", url, "--venue", venue, "--messages", str(messages), "--json", "--quiet", "1.5", *more]
    return subprocess.run(
        [sys.executable, "-c", "from core.cli import main; main()", "bench", "stream", *options],
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


def last_prices(frames):
    """The checksum by another way: the last price of each symbol of Upbit's frames."""
    found = [msgspec.json.decode(frame) for frame in frames]
    return sum({row["cd"]: row["tp"] for row in found}.values())


def test_it_takes_so_many_messages_and_no_more_and_prints_one_line_of_json():
    frames = made("upbit", 3000, START)
    answers = [b'{"status":"UP"}'] * 3
    with Server([*answers, *frames], closes=False) as url:
        done = bench(url, "upbit", 2500)
    told = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert (told["messages"], told["records"], told["others"], told["ended"]) == (2500, 2500, 3, "messages")
    assert told["checksum"] == pytest.approx(last_prices(frames[:2500]))
    assert told["latency_from"] == "received"
    assert told["compiled"] is COMPILED
    assert min(told[name] for name in ("seconds", "cpu_us_per_message", "msg_s", "rss_mb", "latency_p50_us")) > 0
    assert told["latency_p50_us"] <= told["latency_p99_us"]


@pytest.mark.parametrize(("closes", "ended"), [(True, "closed"), (False, "quiet")])
def test_it_says_how_it_ended_when_the_messages_did_not_come(closes, ended):
    with Server(made("kis", 40, START), closes=closes) as url:
        told = json.loads(bench(url, "kis", 1000, "--ticket", "approval").stdout)

    assert (told["messages"], told["ended"]) == (40, ended)
    assert told["records"] > 40


def test_where_nobody_listens_it_says_so_and_is_refused():
    done = bench("ws://127.0.0.1:9/", "upbit", 10)

    assert (done.returncode, done.stdout) == (1, "")
    assert "no market data came from ws://127.0.0.1:9/" in done.stderr


def test_a_topic_that_there_is_not_is_named_beside_those_there_are():
    done = bench("ws://127.0.0.1:9/", "upbit", 10, "--topics", "trade,trades")

    assert (done.returncode, done.stdout) == (2, "")
    assert "'trades' is none of book, candle," in done.stderr


class Ear:
    """Keeps what it hears; a word of the first letter `o` is no market data."""

    def __init__(self):
        self.heard = []

    def frames(self, bodies):
        self.heard.extend(bodies)

    def sign(self):
        self.heard.append("sign")

    def others(self):
        return sum(body[:1] == b"o" for body in self.heard)


@pytest.mark.parametrize("together", [1, 3, 100])
def test_the_stopwatch_stops_exactly_after_the_wanted_market_data(together):
    ear, over = Ear(), []
    watch = Stopwatch(20, ear.others, lambda: over.append(len(ear.heard)))
    watch.before(ear)
    words = [b"o1", b"o2"] + [b"m%d" % n for n in range(10)] + [b"o3"] + [b"m%d" % n for n in range(10, 40)]
    for first in range(0, len(words), together):
        watch.frames(words[first : first + together])
        if together == 1:
            watch.sign()

    assert [word for word in ear.heard if word != "sign"][:23] == words[:23]
    assert len([word for word in ear.heard if word != "sign"]) == 23
    assert watch.messages == 20
    assert len(over) == 1
    assert watch.samples[0].body == b"m0"


def test_latency_is_from_a_stamp_only_where_that_counts_microseconds_by_our_clock():
    now = time.time_ns()
    bodies = [
        b'{"ty":"trade","tms":%d}' % (now // 1000),
        b'{"type":"trade","timestamp":%d}' % now,
        b'{"stream":"x","data":{"E":%d}}' % (now // 1000),
        b'{"e":"trade","E":%d}' % (now // 1_000_000),
        b'{"ty":"trade","tms":1600000000000000}',
        b"0|H0STCNT0|001|005930^090000",
        b"0|H0STCNT0|001|005930^090000^%d^7" % (now // 1000),
    ]
    samples = [Sample(body, now + 5_000, 2_000) for body in bodies]

    assert [round(us) for us in sent_us(samples)] == [5, 5, 5, 5] or max(sent_us(samples)) < 7
    assert len(sent_us(samples)) == 4
    assert received_us(samples) == [2.0] * 7


@pytest.mark.parametrize(("share", "value"), [(0.5, 5), (0.99, 10), (0.01, 1), (1.0, 10)])
def test_a_quantile_is_the_least_value_that_the_share_lies_at_or_under(share, value):
    assert quantile(list(range(1, 11)), share) == value
    assert quantile([], share) == 0.0
