"""HttpQuotes against a real socket on loopback: B2, B3."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from core.adapters.http import HttpQuotes
from core.adapters.memory.budget import MemoryBudget
from core.domain.errors import Misconfigured, RateLimited, Refused, Transient, WireSurprise
from core.domain.policies import RestPolicy, UniversePolicy
from core.domain.values import MINUTE, Market, Millis
from core.venues.upbit.rest import REST

ROWS = b'[{"market":"KRW-BTC","korean_name":"\xeb\xb9\x84","english_name":"Bitcoin"}]'


class Answer(msgspec.Struct):
    """One scripted answer: the bytes after the status line are exactly these."""

    status: int = 200
    body: bytes = ROWS
    headers: dict[str, str] = {}
    length: int | None = None


class Venue:
    """A loopback venue that answers from a script, and remembers what it was asked."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        venue = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                venue.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                answer = venue.script.pop(0) if venue.script else Answer()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(answer.length or len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
                if answer.length:
                    self.close_connection = True

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = 1_000_000
        self.slept: list[float] = []

    def __call__(self) -> Millis:
        return Millis(self.at)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += round(seconds * 1000)


class FullBudget:
    def take(self, market: Market, group: str, limit: float, at: Millis) -> int:
        return 100


@pytest.fixture
def venue() -> Iterator[Venue]:
    with closing(Venue()) as venue:
        yield venue


def quotes(url: str, time: Time, *, budget=None, pause_s: float = 0.0, tries: int = 5, **policy) -> HttpQuotes:
    rest = RestPolicy(url=url, **policy)
    return HttpQuotes(REST, rest, budget or MemoryBudget(), time, time.sleep, lambda: 0.5, pause_s=pause_s, tries=tries)


def test_an_answer_is_read_and_counted(venue):
    time = Time()
    asker = quotes(venue.url + "/", time)

    rows = asker.listing(UniversePolicy(quote="KRW"))

    assert [row.instrument.symbol for row in rows] == ["KRW-BTC"]
    assert asker.calls == 1
    assert venue.asked[0][0] == "/v1/market/all?is_details=true"
    asker.close()


def test_no_call_carries_an_origin_and_gzip_is_asked_for_and_understood(venue):
    venue.script = [Answer(body=gzip.compress(ROWS), headers={"Content-Encoding": "gzip"})]

    rows = quotes(venue.url, Time()).listing(UniversePolicy(quote="KRW"))

    assert len(rows) == 1
    headers = venue.asked[0][1]
    assert "origin" not in headers
    assert headers["accept-encoding"] == "gzip"


def test_a_query_is_percent_encoded(venue):
    venue.script = [Answer(body=b"[]")]

    quotes(venue.url, Time()).bars("KRW-BTC", MINUTE, 1, Millis(1582185600000))

    assert venue.asked[0][0].endswith("&to=2020-02-20T08%3A00%3A00Z")


def test_too_many_calls_are_tried_again_after_the_ladder(venue):
    """B3: 0.5, 1, 2, 4 s and then no more, five tries at most."""
    venue.script = [Answer(status=429, body=b"Too many API requests.")] * 5
    time = Time()
    asker = quotes(venue.url, time)

    with pytest.raises(RateLimited):
        asker.listing(UniversePolicy(quote="KRW"))

    assert asker.calls == 5
    assert [pause for pause in time.slept if pause >= 0.4] == [0.5, 1.0, 2.0, 4.0]


def test_a_passing_error_ends_with_the_answer(venue):
    venue.script = [Answer(status=503, body=b"busy"), Answer(status=500)]
    asker = quotes(venue.url, Time())

    assert len(asker.listing(UniversePolicy(quote="KRW"))) == 1
    assert asker.calls == 3


def test_retry_after_is_never_undercut(venue):
    venue.script = [Answer(status=429, body=b"{}", headers={"Retry-After": "3"})]
    time = Time()

    quotes(venue.url, time).listing(UniversePolicy(quote="KRW"))

    assert max(time.slept) >= 3.0


def test_a_block_is_told_at_once_and_not_slept_through(venue):
    """A 418 lasts longer at every repeat: one call, and the caller's own schedule comes back later."""
    venue.script = [Answer(status=418, body=b"blocked")]
    time = Time()
    asker = quotes(venue.url, time)

    with pytest.raises(RateLimited) as fault:
        asker.listing(UniversePolicy(quote="KRW"))

    assert (asker.calls, time.slept, fault.value.after_ms) == (1, [], 60_000)


def test_what_is_refused_is_asked_once(venue):
    venue.script = [Answer(status=400, body=b'{"error":{"name":400,"message":"Type mismatch error."}}')]
    asker = quotes(venue.url, Time())

    with pytest.raises(Refused, match="Type mismatch error"):
        asker.listing(UniversePolicy(quote="KRW"))

    assert asker.calls == 1


def test_a_redirect_is_not_followed(venue):
    venue.script = [Answer(status=302, body=b"", headers={"Location": venue.url + "/elsewhere"})]

    with pytest.raises(Refused):
        quotes(venue.url, Time()).listing(UniversePolicy(quote="KRW"))

    assert len(venue.asked) == 1


def test_one_unknown_code_costs_one_more_call_and_no_error(venue):
    row = b'{"market":"KRW-BTC","trade_price":1,"signed_change_rate":0,"acc_trade_volume":1,"acc_trade_price":1,"acc_trade_price_24h":1,"high_price":1,"low_price":1,"timestamp":1753894995113}'
    venue.script = [
        Answer(status=404, body=b'{"error":{"name":404,"message":"Code not found"}}'),
        Answer(body=b"[" + row + b"]"),
    ]
    asker = quotes(venue.url, Time())

    assert [row.instrument.symbol for row in asker.tickers(["KRW-GONE", "KRW-BTC"], "KRW")] == ["KRW-BTC"]
    assert asker.calls == 2


def test_books_come_through(venue):
    venue.script = [
        Answer(
            body=b'[{"market":"KRW-BTC","timestamp":1751606867762,"orderbook_units":[{"ask_price":2,"bid_price":1,"ask_size":1,"bid_size":1}]}]'
        )
    ]

    [book] = quotes(venue.url, Time()).books(["KRW-BTC"], 1)

    assert (book.bid, book.ask) == (1.0, 2.0)


def test_calls_are_paced(venue):
    """B2: 0.5 s between calls."""
    time = Time()
    asker = quotes(venue.url, time, pause_s=0.5)

    for _ in range(3):
        asker.listing(UniversePolicy(quote="KRW"))

    assert time.slept == [0.5, 0.5]


def test_the_shared_budget_is_waited_for(venue):
    """B2: two callers with one budget of ten a second, a fifth of it kept free."""
    time, budget = Time(), MemoryBudget()
    both = [quotes(venue.url, time, budget=budget), quotes(venue.url, time, budget=budget)]

    for _ in range(4):
        for asker in both:
            asker.listing(UniversePolicy(quote="KRW"))

    assert sum(time.slept) == pytest.approx(7 * 0.125)


def test_the_owners_limit_goes_before_the_venues(venue):
    time = Time()
    asker = quotes(venue.url, time, limits={"market": 2.0}, headroom=1.0)

    asker.listing(UniversePolicy(quote="KRW"))
    asker.listing(UniversePolicy(quote="KRW"))

    assert time.slept == [0.5]


def test_a_budget_without_room_is_an_error_and_not_a_hang(venue):
    time = Time()
    asker = quotes(venue.url, time, budget=FullBudget(), tries=1)

    with pytest.raises(Transient, match="no room"):
        asker.listing(UniversePolicy(quote="KRW"))

    assert asker.calls == 0


def test_nothing_left_in_the_venues_second_is_waited_out(venue):
    venue.script = [Answer(headers={"Remaining-Req": "group=market; min=600; sec=0"})]
    time = Time()
    asker = quotes(venue.url, time)

    asker.listing(UniversePolicy(quote="KRW"))
    asker.listing(UniversePolicy(quote="KRW"))

    assert time.slept[0] == 1.0


def test_calls_left_in_the_second_are_not_waited_for(venue):
    venue.script = [Answer(headers={"Remaining-Req": "group=market; min=600; sec=1"})]
    time = Time()
    asker = quotes(venue.url, time)

    asker.listing(UniversePolicy(quote="KRW"))
    asker.listing(UniversePolicy(quote="KRW"))

    assert max(time.slept) < 0.2


def test_nobody_there_is_a_passing_error(venue):
    venue.close()
    asker = quotes(venue.url, Time(), tries=2)

    with pytest.raises(Transient, match="cannot be reached"):
        asker.listing(UniversePolicy(quote="KRW"))

    assert asker.calls == 2


def test_half_an_answer_is_a_passing_error(venue):
    venue.script = [Answer(body=ROWS[:20], length=len(ROWS))]
    asker = quotes(venue.url, Time())

    assert len(asker.listing(UniversePolicy(quote="KRW"))) == 1
    assert asker.calls == 2


def test_a_body_that_is_not_gzip_as_promised_is_a_passing_error(venue):
    venue.script = [Answer(body=b"plain", headers={"Content-Encoding": "gzip"})]

    with pytest.raises(Transient):
        quotes(venue.url, Time(), tries=1).listing(UniversePolicy(quote="KRW"))


def test_an_answer_that_trickles_is_a_passing_error(venue):
    """The read time-out is per piece; the whole body has the same bound."""

    class Late(Time):
        def __call__(self) -> Millis:
            self.at += 11_000
            return Millis(self.at)

    time = Late()
    with pytest.raises(Transient, match="too slowly"):
        quotes(venue.url, time, tries=1).listing(UniversePolicy(quote="KRW"))


def test_an_answer_without_end_is_cut(venue, monkeypatch):
    monkeypatch.setattr("core.adapters.wire.MOST_BYTES", 10)

    with pytest.raises(WireSurprise, match="no end"):
        quotes(venue.url, Time()).listing(UniversePolicy(quote="KRW"))


@pytest.mark.parametrize("url", ["nonsense", "ftp://x", "http://"])
def test_an_address_that_is_none_is_for_a_person_to_mend(url):
    with pytest.raises(Misconfigured, match="address"):
        quotes(url, Time(), tries=1).listing(UniversePolicy(quote="KRW"))


def test_no_tries_are_a_fault_of_the_settings(venue):
    with pytest.raises(Misconfigured, match="one try"):
        quotes(venue.url, Time(), tries=0).listing(UniversePolicy(quote="KRW"))


def test_a_proxy_of_the_machine_is_not_used(venue, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    assert len(quotes(venue.url, Time(), tries=1).listing(UniversePolicy(quote="KRW"))) == 1
