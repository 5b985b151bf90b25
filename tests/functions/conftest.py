"""A cloud in one process (moto), with the template's own tables and queues, and a small venue on the loopback."""

import json
import logging
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import boto3
import msgspec
import pytest
from moto import mock_aws

from core.adapters.wiring import Wiring, wired
from tests.cloud import resources, shape

REGION = "ap-northeast-2"
EVENTS = Path(__file__).parents[1] / "events"
VARIABLES = {
    "LocksTable": "HOGA_LOCKS_TABLE",
    "LedgerTable": "HOGA_LEDGER_TABLE",
    "StateTable": "HOGA_STATE_TABLE",
    "PaperTable": "HOGA_PAPER_TABLE",
    "SignalsQueue": "HOGA_SIGNALS_QUEUE",
    "AlertsQueue": "HOGA_ALERTS_QUEUE",
    "PassesQueue": "HOGA_PASSES_QUEUE",
    "SignalsDeadLetters": "HOGA_SIGNALS_DEAD",
    "AlertsDeadLetters": "HOGA_ALERTS_DEAD",
    "JobsDeadLetters": "HOGA_JOBS_DEAD",
}
SETTINGS = """
markets:
  upbit:
    rest: {{url: "{url}", backoff_s: [0.01]}}
    stream: {{url: "ws://127.0.0.1:1"}}
    scan: {{pause_s: 0.0, tries: 2, max_spread: 0.1}}
    safety: {{reference_days: 3}}
{more}
"""


class Venue:
    """Answers like Upbit's REST, from `prices` and `flags`; `down` makes every answer a 500."""

    def __init__(self):
        self.prices = {"KRW-AAA": 1000.0, "KRW-BBB": 2000.0}
        self.flags, self.down, self.asked = {}, False, []

    def answer(self, path, query):
        self.asked.append(path)
        wanted = query.get("markets", query.get("market", [""]))[0].split(",")
        known = [symbol for symbol in wanted if symbol in self.prices]
        match path:
            case "/v1/market/all":
                return [self._pair(symbol) for symbol in self.prices]
            case "/v1/ticker":
                return [self._ticker(symbol) for symbol in known]
            case "/v1/orderbook":
                return [self._book(symbol) for symbol in known]
            case "/v1/candles/days":
                return [self._day(known[0], back) for back in range(1, 1 + int(query["count"][0]))]

    def _pair(self, symbol):
        event = {"warning": symbol in self.flags, "caution": {}}
        return {"market": symbol, "korean_name": symbol, "english_name": symbol, "market_event": event}

    def _ticker(self, symbol):
        price, stamp = self.prices[symbol], now_ms()
        return {
            "market": symbol, "trade_timestamp": stamp, "timestamp": stamp, "opening_price": price, "high_price": price,
            "low_price": price, "trade_price": price, "prev_closing_price": price, "change": "EVEN",
            "change_price": 0.0, "change_rate": 0.0, "signed_change_price": 0.0, "signed_change_rate": 0.0,
            "trade_volume": 1.0, "acc_trade_price": 5e9, "acc_trade_volume": 5e6, "acc_trade_price_24h": 5e9,
            "acc_trade_volume_24h": 5e6,
        }  # fmt: skip

    def _book(self, symbol):
        price = self.prices[symbol]
        units = [
            {"ask_price": price + step, "bid_price": price - step, "ask_size": 1e5, "bid_size": 1e5}
            for step in (1.0, 2.0)
        ]
        return {
            "market": symbol, "timestamp": now_ms(), "total_ask_size": 2e5, "total_bid_size": 2e5,
            "orderbook_units": units, "level": 0,
        }  # fmt: skip

    def _day(self, symbol, back):
        price = self.prices[symbol]
        begins = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=back)
        return {
            "market": symbol, "candle_date_time_utc": begins.strftime("%Y-%m-%dT%H:%M:%S"),
            "candle_date_time_kst": begins.strftime("%Y-%m-%dT%H:%M:%S"), "opening_price": price,
            "high_price": price * 1.2, "low_price": price * 0.8, "trade_price": price * 1.1, "timestamp": now_ms(),
            "candle_acc_trade_price": 5e9, "candle_acc_trade_volume": 5e6,
        }  # fmt: skip


def now_ms():
    return int(datetime.now(UTC).timestamp() * 1000)


@pytest.fixture
def venue():
    """The venue, listening at `venue.url`."""
    known = Venue()

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self):
            address = urlparse(self.path)
            body = json.dumps(known.answer(address.path, parse_qs(address.query))).encode()
            self.send_response(500 if known.down else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Nothing: the test's own output is read for log lines."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    known.url = f"http://127.0.0.1:{server.server_port}"
    yield known
    server.shutdown()
    server.server_close()
    thread.join()


class Cloud:
    """The functions' world: its environment, its queues, its stores as the functions see them."""

    def __init__(self, monkeypatch, venue, folder):
        self._monkeypatch, self._folder, self.venue = monkeypatch, folder, venue
        self.settings()

    def settings(self, more="", text=None):
        """Lay other settings down and forget everything that was made of the old ones."""
        path = self._folder / "settings.yaml"
        path.write_text(text or SETTINGS.format(url=self.venue.url, more=more))
        self._monkeypatch.setenv("HOGA_SETTINGS", str(path))
        wired.cache_clear()

    @property
    def wiring(self) -> Wiring:
        return wired()

    def messages(self, variable):
        """Everything waiting in a queue, decoded; they are gone then."""
        url, found = self.wiring.named(variable), []
        sqs = boto3.client("sqs")
        while rows := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
            found += [json.loads(row["Body"]) for row in rows]
            for row in rows:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=row["ReceiptHandle"])
        return found

    @property
    def alerts(self):
        return [message["alert"]["kind"] for message in self.messages("HOGA_ALERTS_QUEUE")]


@pytest.fixture
def cloud(monkeypatch, venue, tmp_path):
    values = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": REGION}
    for name, value in {**values, "AWS_REGION": REGION, "HOGA_STAGE": "test", "HOGA_BUS": "hoga"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        _deploy(monkeypatch)
        yield Cloud(monkeypatch, venue, tmp_path)
        wired.cache_clear()


def _deploy(monkeypatch):
    """The template's tables and queues, without its functions: nothing here repeats what the template says."""
    dynamodb, sqs = boto3.client("dynamodb"), boto3.client("sqs")
    for name, variable in VARIABLES.items():
        if name.endswith("Table"):
            dynamodb.create_table(TableName=name, **shape(name))
            monkeypatch.setenv(variable, name)
        else:
            fifo = {"FifoQueue": "true"} if resources()[name].get("FifoQueue") else {}
            queue = sqs.create_queue(QueueName=name + (".fifo" if fifo else ""), Attributes=fifo)
            monkeypatch.setenv(variable, queue["QueueUrl"])
    boto3.client("events").create_event_bus(Name="hoga")


class Context:
    """What Lambda gives a handler beside the event."""

    function_name, function_version = "function", "1"
    memory_limit_in_mb, aws_request_id = 256, "11111111-2222-4333-8444-555555555555"
    invoked_function_arn = "arn:aws:lambda:ap-northeast-2:123456789012:function:function"

    def get_remaining_time_in_millis(self):
        return 20_000


@pytest.fixture
def context():
    return Context()


@pytest.fixture(autouse=True)
def _loggers_as_they_were():
    """A handler takes the adapters' loggers over for its process; the tests after these want them back."""
    loggers = [logging.getLogger(name) for name in ("core", "hoga")]
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    yield
    for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@pytest.fixture
def said(capsys):
    """Log lines and metric lines since the last look, each as its JSON."""

    def read():
        return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]

    return read


def figures(lines):
    """Sum of every market's metrics in these lines, by name; what stands for all markets has tests of its own."""
    sums = {}
    for line in (line for line in lines if line.get("market") != "all"):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                sums[metric["Name"]] = sums.get(metric["Name"], 0) + (sum(value) if isinstance(value, list) else value)
    return sums


def sample(name, *bodies):
    """The sample event of a function; a queue's record is repeated once for each of `bodies`."""
    event = json.loads((EVENTS / f"{name}.json").read_text())
    if bodies:
        record = event["Records"][0]
        event["Records"] = [
            {**record, "messageId": f"m-{number}", "body": msgspec.json.encode(body).decode()}
            for number, body in enumerate(bodies)
        ]
    return event


@pytest.fixture
def read_sample():
    return sample


@pytest.fixture
def count():
    return figures


@pytest.fixture
def settings_text():
    """The settings that these tests run under, with a place for the venue's address and for more."""
    return SETTINGS
