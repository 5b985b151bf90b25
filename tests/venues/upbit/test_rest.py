"""Upbit's REST flows, carried out against recorded answers and a small model of the venue (A1, B1, B2, H1)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import RateLimited, Refused, Transient, WireSurprise
from core.domain.events import Bar, Level
from core.domain.policies import UniversePolicy
from core.domain.values import DAY, MINUTE, SECOND, Millis
from core.venues.flow import Request, Response, run
from core.venues.upbit.rest import LIMITS, REST, bars, books, listing, tickers, ticks

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data" / "upbit"
SEEN = Millis(1_753_894_996_000)
NOT_FOUND = Response(404, b'{"error":{"name":404,"message":"Code not found"}}')


class Script:
    """Answers in turn, and the requests that they answered."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        return answer if isinstance(answer, Response) else Response(200, json.dumps(answer).encode())


def ticker_row(symbol: str, **fields: object) -> dict[str, object]:
    return {
        "market": symbol,
        "trade_timestamp": 1753894995076,
        "trade_price": 162876000.00000000,
        "signed_change_rate": -0.0017283860,
        "acc_trade_price": 137728155832.9616,
        "acc_trade_price_24h": 167740032580.71786,
        "acc_trade_volume": 844.94369319,
        "high_price": 163708000.0,
        "low_price": 162248000.0,
        "timestamp": 1753894995113,
        **fields,
    }


def book_row(symbol: str) -> dict[str, object]:
    units = [{"bid_price": 10.0, "bid_size": 1.0, "ask_price": 11.0, "ask_size": 2.0}]
    return {"market": symbol, "timestamp": 1751606867762, "orderbook_units": units, "level": 0}


def candle_row(opens: Millis, close: float = 10.0) -> dict[str, object]:
    return {
        "market": "KRW-BTC",
        "candle_date_time_utc": datetime.fromtimestamp(opens / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "opening_price": 10.0,
        "high_price": 12.0,
        "low_price": 9.0,
        "trade_price": close,
        "candle_acc_trade_price": 105.5,
        "candle_acc_trade_volume": 10.0,
    }


# listing (A1)


def test_the_listing_names_every_flag_of_its_quote():
    caution = {"PRICE_FLUCTUATIONS": False, "TRADING_VOLUME_SOARING": True, "GLOBAL_PRICE_DIFFERENCES": True}
    rows = [
        {
            "market": "KRW-BTC",
            "korean_name": "비트코인",
            "english_name": "Bitcoin",
            "market_event": {"warning": False, "caution": {}},
        },
        {
            "market": "KRW-X",
            "korean_name": "엑스",
            "english_name": "X",
            "market_event": {"warning": True, "caution": caution},
        },
        {"market": "BTC-ETH", "korean_name": "이더리움", "english_name": "Ethereum"},
    ]
    send = Script(rows)

    found = run(listing(UniversePolicy(quote="KRW"), SEEN), send)

    assert [(row.instrument.symbol, row.name, row.english) for row in found] == [
        ("KRW-BTC", "비트코인", "Bitcoin"),
        ("KRW-X", "엑스", "X"),
    ]
    assert found[0].flags == frozenset()
    assert found[1].flags == {"WARNING", "TRADING_VOLUME_SOARING", "GLOBAL_PRICE_DIFFERENCES"}
    assert send.asked == [Request("GET", "/v1/market/all", (("is_details", "true"),), group="market")]


def test_a_listing_without_details_has_no_flags():
    [row] = run(listing(UniversePolicy(quote="KRW"), SEEN), Script([{"market": "KRW-BTC"}]))

    assert (row.flags, row.name) == (frozenset(), "KRW-BTC")


# tickers (B1, B4)


def test_tickers_come_in_the_order_asked_and_unit_by_unit():
    send = Script([ticker_row("KRW-ETH"), ticker_row("KRW-BTC")])

    found = run(tickers(["KRW-BTC", "KRW-ETH"], "KRW", SEEN), send)

    assert [row.instrument.symbol for row in found] == ["KRW-BTC", "KRW-ETH"]
    first = found[0]
    assert (first.price, first.change, first.value_24h) == (162876000.0, -0.0017283860, 167740032580.71786)
    assert (first.at, first.seen) == (1753894995113, SEEN)
    assert send.asked == [Request("GET", "/v1/ticker", (("markets", "KRW-BTC,KRW-ETH"),), group="ticker")]


def test_quoted_numbers_are_numbers():
    [row] = run(tickers(["KRW-BTC"], "KRW", SEEN), Script([ticker_row("KRW-BTC", trade_price="163248000.00000000")]))

    assert row.price == 163248000.0


def test_one_unknown_code_falls_back_to_all_and_gives_those_that_are_left():
    send = Script(NOT_FOUND, [ticker_row("KRW-BTC"), ticker_row("KRW-OTHER")])

    found = run(tickers(["KRW-GONE", "KRW-BTC"], "KRW", SEEN), send)

    assert [row.instrument.symbol for row in found] == ["KRW-BTC"]
    assert send.asked[1] == Request("GET", "/v1/ticker/all", (("quote_currencies", "KRW"),), group="ticker")


def test_many_symbols_are_one_call_for_all():
    symbols = [f"KRW-C{n}" for n in range(101)] + ["BTC-C1"]
    send = Script([ticker_row(symbol) for symbol in reversed(symbols)])

    found = run(tickers(symbols, "KRW", SEEN), send)

    assert [row.instrument.symbol for row in found] == symbols
    assert [request.path for request in send.asked] == ["/v1/ticker/all"]
    assert send.asked[0].query == (("quote_currencies", "BTC,KRW"),)


def test_a_symbol_asked_twice_is_answered_once():
    assert len(run(tickers(["KRW-BTC", "KRW-BTC"], "KRW", SEEN), Script([ticker_row("KRW-BTC")]))) == 1


def test_asking_for_nothing_is_no_call():
    assert run(tickers([], "KRW", SEEN), Script()) == []
    assert run(books([], 5, SEEN), Script()) == []


def test_a_path_that_the_gateway_does_not_know_is_not_taken_for_an_unknown_code():
    unrouted = Response(404, b'{"error":{"name":"not_found","message":"no Route matched with those values"}}')

    with pytest.raises(Refused, match="no Route"):
        run(tickers(["KRW-BTC"], "KRW", SEEN), Script(unrouted))


# books


def test_books_come_in_the_order_asked():
    send = Script([book_row("KRW-ETH"), book_row("KRW-BTC")])

    found = run(books(["KRW-BTC", "KRW-ETH"], 5, SEEN), send)

    assert [book.instrument.symbol for book in found] == ["KRW-BTC", "KRW-ETH"]
    assert found[0].levels == [Level(bid=10.0, bid_size=1.0, ask=11.0, ask_size=2.0)]
    assert send.asked[0].query == (("markets", "KRW-BTC,KRW-ETH"), ("count", "5"))


@pytest.mark.parametrize(("depth", "count"), [(0, "1"), (1, "1"), (30, "30"), (99, "30")])
def test_the_depth_stays_within_what_upbit_has(depth, count):
    send = Script([book_row("KRW-BTC")])

    run(books(["KRW-BTC"], depth, SEEN), send)

    assert dict(send.asked[0].query)["count"] == count


def test_books_are_asked_again_without_what_the_listing_no_longer_has():
    send = Script(NOT_FOUND, [{"market": "KRW-BTC"}, {"market": "BTC-ETH"}], [book_row("KRW-BTC")])

    found = run(books(["KRW-GONE", "KRW-BTC"], 1, SEEN), send)

    assert [book.instrument.symbol for book in found] == ["KRW-BTC"]
    assert dict(send.asked[2].query)["markets"] == "KRW-BTC"


def test_no_books_are_left_where_the_listing_has_none_of_them():
    assert run(books(["KRW-GONE"], 1, SEEN), Script(NOT_FOUND, [{"market": "KRW-BTC"}])) == []


# bars (H1)


def upbit_of(opens: list[Millis]) -> Callable[[Request], Response]:
    """A model of Upbit's candles: newest first, `to` exclusive, 200 at most, cut in silence (reference/upbit.md 3.4)."""

    def send(request: Request) -> Response:
        query = dict(request.query)
        rows = sorted(opens, reverse=True)
        if to := query.get("to"):
            until = datetime.fromisoformat(to).timestamp() * 1000
            rows = [at for at in rows if at < until]
        page = [candle_row(at) for at in rows[: min(int(query["count"]), 200)]]
        return Response(200, json.dumps(page).encode())

    return send


@given(
    st.sets(st.integers(0, 700), max_size=600),
    st.integers(0, 650),
    st.one_of(st.none(), st.integers(0, 720 * 60_000)),
)
def test_pages_add_up_to_the_newest_candles_before_the_end_oldest_first(minutes, count, until):
    start = 1_582_185_600_000
    opens = [Millis(start + minute * MINUTE) for minute in minutes]
    ends = None if until is None else Millis(start + until)

    found = run(bars("KRW-BTC", MINUTE, count, ends, SEEN), upbit_of(opens))

    before = sorted(at for at in opens if ends is None or at < ends)
    assert [bar.opens for bar in found] == (before[-count:] if count else [])


def test_the_newest_bar_is_open_until_its_span_has_passed():
    opens = [Millis(1_582_185_600_000), Millis(1_582_185_660_000)]

    found = run(bars("KRW-BTC", MINUTE, 2, None, Millis(1_582_185_719_999)), upbit_of(opens))
    later = run(bars("KRW-BTC", MINUTE, 2, None, Millis(1_582_185_720_000)), upbit_of(opens))

    assert [bar.closed for bar in found] == [True, False]
    assert [bar.closed for bar in later] == [True, True]


def test_a_bar_says_what_the_candle_said():
    [bar] = run(bars("KRW-BTC", MINUTE, 1, None, SEEN), Script([candle_row(Millis(1_582_185_600_000), close=11.0)]))

    assert bar == Bar(
        instrument=bar.instrument,
        span=MINUTE,
        opens=Millis(1_582_185_600_000),
        open=10.0,
        high=12.0,
        low=9.0,
        close=11.0,
        volume=10.0,
        value=105.5,
        seen=SEEN,
    )


@pytest.mark.parametrize(
    ("span", "path"),
    [
        (SECOND, "seconds"),
        (MINUTE, "minutes/1"),
        (60 * MINUTE, "minutes/60"),
        (240 * MINUTE, "minutes/240"),
        (DAY, "days"),
    ],
)
def test_each_length_has_its_path(span, path):
    send = Script([])

    run(bars("KRW-BTC", Millis(span), 5, None, SEEN), send)

    assert send.asked == [
        Request("GET", f"/v1/candles/{path}", (("market", "KRW-BTC"), ("count", "5")), group="candles")
    ]


def test_a_length_that_upbit_does_not_have_is_refused():
    with pytest.raises(Refused, match="candles of this length"):
        run(bars("KRW-BTC", Millis(7 * MINUTE), 5, None, SEEN), Script())


@pytest.mark.parametrize("second", [0, 200])
def test_pages_that_do_not_lead_back_are_a_surprise_and_not_a_loop(second):
    page = [candle_row(Millis(1_582_185_600_000 + n * MINUTE)) for n in range(200)][::-1]
    again = page[second:] or [
        candle_row(Millis(1_582_185_600_000 + 60_000)),
        candle_row(Millis(1_582_185_600_000 + 60_000)),
    ]

    with pytest.raises(WireSurprise, match="lead back"):
        run(bars("KRW-BTC", MINUTE, 300, None, SEEN), Script(page, again))


def test_a_page_out_of_order_is_a_surprise():
    page = [candle_row(Millis(1_582_185_600_000)), candle_row(Millis(1_582_185_660_000))]

    with pytest.raises(WireSurprise, match="lead back"):
        run(bars("KRW-BTC", MINUTE, 2, None, SEEN), Script(page))


@pytest.mark.skipif(not SHARED.exists(), reason="the captures are not beside this checkout")
def test_three_one_minute_candles_fold_into_the_three_minute_candle_as_recorded():
    def recorded(name: str, span: Millis) -> list[Bar]:
        body = (SHARED / name).read_bytes()
        return run(bars("KRW-BTC", span, 200, None, SEEN), lambda request: Response(200, body))

    ones = {bar.opens: bar for bar in recorded("rest_candles_KRW-BTC_1m_20200220T170000_20200220T202000.json", MINUTE)}
    threes = recorded("rest_candles_KRW-BTC_3m_20200220T000000_20200220T100000.json", Millis(3 * MINUTE))

    assert len(ones) == len(threes) == 200
    shared = [bar for bar in threes if all(bar.opens + n * MINUTE in ones for n in range(3))]
    for bar in shared:
        parts = [ones[Millis(bar.opens + n * MINUTE)] for n in range(3)]
        assert (bar.open, bar.close) == (parts[0].open, parts[-1].close)
        assert bar.high == max(part.high for part in parts)


def test_ticks_are_exact():
    rows = [{"market": "KRW-BTC", "tick_size": "1000"}, {"market": "BTC-ETH", "tick_size": "0.00000001"}]
    send = Script(rows)

    assert run(ticks(["KRW-BTC", "BTC-ETH"]), send) == {"KRW-BTC": Decimal(1000), "BTC-ETH": Decimal("0.00000001")}
    assert send.asked[0].path == "/v1/orderbook/instruments"


@pytest.mark.parametrize("step", ["0", "-1", "NaN", "Infinity", "x", None])
def test_a_step_that_is_none_is_a_surprise(step):
    with pytest.raises(WireSurprise):
        run(ticks(["KRW-BTC"]), Script([{"market": "KRW-BTC", "tick_size": step}]))


# what is not an answer


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'[{"market":1}]', b"\xff", b"[" * 100_000])
def test_an_answer_that_does_not_read_is_a_surprise(body):
    with pytest.raises(WireSurprise, match="answer does not read"):
        run(listing(UniversePolicy(quote="KRW"), SEEN), Script(Response(200, body)))


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (NOT_FOUND, Refused, "Code not found"),
        (Response(400, b'{"error":{"name":400,"message":"Type mismatch error."}}'), Refused, "Type mismatch"),
        (Response(403, b"\xff"), Refused, "403"),
        (Response(302, b""), Refused, "302"),
        (Response(429, b"Too many API requests."), RateLimited, "Too many API requests."),
        (
            Response(429, b'{"error":{"message":"Too many API requests.","name":"too_many_requests"}}'),
            RateLimited,
            "too_many_requests",
        ),
        (Response(418, b"blocked"), RateLimited, "blocks this address"),
        (Response(500, b""), Transient, "cannot answer"),
        (Response(408, b""), Transient, "cannot answer"),
        (Response(503, b"", {"retry-after": "7"}), RateLimited, "come back later"),
    ],
)
def test_a_refusal_says_what_to_do_and_why(reply, kind, text):
    error = REST.refusal(reply)

    assert type(error) is kind
    assert text in str(error)
    assert REST.refusal(Response(200, b"")) is None


@pytest.mark.parametrize(
    ("headers", "after_ms"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2000),
        ({"retry-after": "0.25"}, 250),
        ({"retry-after": "Wed, 30 Jul 2025 17:03:20 GMT", "date": "Wed, 30 Jul 2025 17:03:15 GMT"}, 5000),
        ({"retry-after": "Wed, 30 Jul 2025 17:03:20 GMT"}, None),
        ({"retry-after": "Wed, 30 Jul 2025 17:03:10 GMT", "date": "Wed, 30 Jul 2025 17:03:15 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-1"}, None),
    ],
)
def test_a_pause_that_was_asked_for_is_read_in_both_forms(headers, after_ms):
    error = REST.refusal(Response(429, b"", headers))

    assert isinstance(error, RateLimited)
    assert error.after_ms == after_ms


def test_a_block_that_names_no_end_is_taken_for_a_minute():
    assert REST.refusal(Response(418, b"")).after_ms == 60_000
    assert REST.refusal(Response(418, b"", {"retry-after": "120"})).after_ms == 120_000


@pytest.mark.parametrize(
    ("header", "left"),
    [
        ("group=market; min=600; sec=9", ("market", 9)),
        ("group=ticker; min=600; sec=0", ("ticker", 0)),
        ("group=origin;min=6;sec=0", ("origin", 0)),
        ("sec=9", None),
        ("", None),
        ("group=market; min=600; sec=x", None),
    ],
)
def test_calls_left_are_read_from_the_header(header, left):
    assert REST.left(Response(200, b"", {"remaining-req": header})) == left


def test_no_header_is_no_count():
    assert REST.left(Response(404, b"")) is None


def test_every_request_counts_against_a_group_with_a_limit():
    groups = {"market", "ticker", "orderbook", "candles"}

    assert groups <= set(LIMITS)
    assert set(LIMITS.values()) == {10.0}
