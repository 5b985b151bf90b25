"""Binance's REST side is asked cheaply, and its answers and refusals mean what the reference says (A1, B2, B3)."""

import json
from decimal import Decimal as D
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.errors import Refused, WireSurprise
from core.domain.events import Level, Specification
from core.domain.policies import UniversePolicy
from core.domain.values import DAY, HOUR, MINUTE, Millis
from core.venues.binance.answers import FLAGS, PEGGED
from core.venues.binance.rest import REST, snapshot
from core.venues.flow import Response, run

SEEN = Millis(1_800_000_000_000)
UNKNOWN = Response(400, b'{"code":-1121,"msg":"Invalid symbol."}')
FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01000000"},
    {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001000"},
    {"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "100", "stepSize": "0.00000000"},
    {"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": True, "maxNotional": "9000000", "applyMaxToMarket": False},
    {"filterType": "NEW_ONE", "whatever": [1, {"a": 2}]},
]  # fmt: skip


class Asked:
    """Answers with what it was given, in order; keeps the questions."""

    def __init__(self, *replies):
        self.replies, self.requests = list(replies), []

    def __call__(self, request):
        self.requests.append(request)
        reply = self.replies.pop(0)
        return reply if isinstance(reply, Response) else Response(200, json.dumps(reply).encode())

    @property
    def calls(self):
        return [
            (request.path.removeprefix("/api/v3/"), dict(request.query), request.weight) for request in self.requests
        ]


def row(symbol, base="BTC", quote="USDT", status="TRADING", filters=FILTERS, **more):
    return {"symbol": symbol, "status": status, "baseAsset": base, "quoteAsset": quote, "filters": filters, **more}


def day(symbol, **more):
    names = ("bidPrice", "askPrice", "highPrice", "lowPrice", "volume", "quoteVolume")
    return (
        {"symbol": symbol, "priceChangePercent": "-1.250", "lastPrice": "10.00", "closeTime": SEEN - 5}
        | {name: str(place + 1) for place, name in enumerate(names)}
        | more
    )


USDT = UniversePolicy(quote="USDT")


def listed(*rows, universe=USDT):
    found = run(REST.listing(universe, SEEN), Asked({"symbols": list(rows)}))
    return {one.instrument.symbol: one for one in found}


# listing


def test_the_listing_is_every_pair_of_the_quote_currency_in_one_call_of_weight_20():
    asked = Asked({"symbols": [row("BTCUSDT"), row("ETHBTC", "ETH", "BTC"), row("ETHUSDT", "ETH")]})

    found = run(REST.listing(UniversePolicy(quote="USDT"), SEEN), asked)

    assert [one.instrument.symbol for one in found] == ["BTCUSDT", "ETHUSDT"]
    assert asked.calls == [("exchangeInfo", {"showPermissionSets": "false"}, 20)]


def test_a_pair_that_is_named_is_listed_whatever_it_is_quoted_in():
    universe = UniversePolicy(quote="USDT", codes=("ETHBTC",), always=("BNBBTC",))

    found = listed(row("BTCUSDT"), row("ETHBTC", quote="BTC"), row("BNBBTC", quote="BTC"), universe=universe)

    assert set(found) == {"BTCUSDT", "ETHBTC", "BNBBTC"}


def test_a_quote_currency_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(Refused, match="KRW") as fault:
        listed(row("BTCUSDT"), row("ETHBTC", quote="BTC"), universe=UniversePolicy(quote="KRW"))

    assert fault.value.facts["allowed"] == "BTC USDT"


def test_filters_become_what_an_order_must_look_like():
    assert listed(row("BTCUSDT"))["BTCUSDT"].specification == Specification(
        tick=D("0.01"), lot=D("0.00001"), minimum=D(5), maximum=D("Infinity")
    )


def test_a_coarser_step_for_market_orders_and_a_bounded_value_count():
    market = {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.1"}
    value = {"filterType": "MIN_NOTIONAL", "minNotional": "10.0"}
    bounded = {"filterType": "NOTIONAL", "minNotional": "1", "maxNotional": "500", "applyMaxToMarket": True}

    found = listed(
        row("AUSDT", filters=[*FILTERS[:2], market, value]), row("BUSDT", filters=[*FILTERS[:2], bounded]),
        row("CUSDT", filters=FILTERS[:2]),
    )  # fmt: skip

    coarse, least, free = (found[symbol].specification for symbol in ("AUSDT", "BUSDT", "CUSDT"))
    assert (coarse.lot, coarse.minimum) == (D("0.1"), D(10))
    assert (least.minimum, least.maximum) == (D(1), D(500))
    assert (free.minimum, free.maximum) == (D(0), D("Infinity"))


@pytest.mark.parametrize("filters", [[], FILTERS[:1], FILTERS[1:2], [FILTERS[0] | {"tickSize": "0"}, FILTERS[1]]])
def test_without_a_price_or_size_step_nothing_is_known_of_orders(filters):
    assert listed(row("BTCUSDT", filters=filters))["BTCUSDT"].specification is None


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({}, set()),
        ({"status": "BREAK"}, {"NOT_TRADING", "BREAK"}),
        ({"status": "CANCEL_ONLY"}, {"NOT_TRADING", "CANCEL_ONLY"}),
        ({"status": "SOMETHING_NEW"}, {"NOT_TRADING", "SOMETHING_NEW"}),
        ({"isSpotTradingAllowed": False}, {"NOT_SPOT"}),
        ({"base": "USDC"}, {"STABLE"}),
    ],
)
def test_status_permission_and_kind_are_flags(fields, flags):
    """A1. A status that is invented later is excluded with NOT_TRADING."""
    assert listed(row("XUSDT", **fields))["XUSDT"].flags == flags
    assert flags - {"SOMETHING_NEW"} <= FLAGS


def test_no_coin_that_moves_is_called_stable():
    assert not PEGGED & {"BTC", "ETH", "SOL", "XRP", "BNB", "USUAL", "EUL"}


# tickers


def symbols(count):
    return [f"S{number}USDT" for number in range(count)]


@settings(deadline=None)
@given(st.integers(0, 250))
def test_a_scan_never_weighs_more_than_all_there_is(count):
    asked = Asked(*[[day(symbol) for symbol in symbols(count)]] * 20)

    found = run(REST.tickers(symbols(count), "USDT", SEEN), asked)

    assert [ticker.instrument.symbol for ticker in found] == symbols(count)
    assert sum(weight for _, _, weight in asked.calls) <= (80 if count > 100 else -(-count // 20) * 2)
    assert all(len(json.loads(query["symbols"])) <= 20 for _, query, _ in asked.calls if query)


def test_a_ticker_has_the_best_offers_so_that_no_books_are_asked_for():
    [ticker] = run(REST.tickers(["BTCUSDT"], "USDT", SEEN), Asked([day("BTCUSDT")]))

    assert (ticker.price, ticker.bid, ticker.ask, ticker.change) == (10.0, 1.0, 2.0, -0.0125)
    assert (ticker.high, ticker.low, ticker.volume, ticker.value_24h) == (3.0, 4.0, 5.0, 6.0)
    assert ticker.at == SEEN - 5


def test_one_unknown_symbol_makes_all_be_asked_for_and_is_left_out():
    asked = Asked(UNKNOWN, [day("BTCUSDT"), day("ETHUSDT")])

    found = run(REST.tickers(["ETHUSDT", "GONEUSDT", "ETHUSDT"], "USDT", SEEN), asked)

    assert [ticker.instrument.symbol for ticker in found] == ["ETHUSDT"]
    assert [weight for _, _, weight in asked.calls] == [2, 80]


def test_a_list_of_symbols_survives_the_way_into_an_address():
    asked = Asked([day("BTCUSDT")])
    run(REST.tickers(["BTCUSDT"], "USDT", SEEN), asked)

    assert parse_qs(urlencode(asked.requests[0].query)) == {"symbols": ['["BTCUSDT"]']}


# books


def test_best_offers_of_many_are_one_call_of_weight_4():
    best = [{"symbol": s, "bidPrice": "9", "bidQty": "1", "askPrice": "10", "askQty": "2"} for s in ("AUSDT", "BUSDT")]
    asked = Asked(best)

    found = run(REST.books(["BUSDT", "AUSDT"], 1, SEEN), asked)

    assert [book.instrument.symbol for book in found] == ["BUSDT", "AUSDT"]
    assert found[0].levels == [Level(9.0, 1.0, 10.0, 2.0)]
    assert [weight for _, _, weight in asked.calls] == [4]
    assert run(REST.books([], 1, SEEN), Asked()) == []


def test_best_offers_do_without_an_unknown_symbol_and_name_none_where_there_are_too_many():
    row_ = {"symbol": "AUSDT", "bidPrice": "9", "bidQty": "1", "askPrice": "10", "askQty": "2"}
    asked = Asked(UNKNOWN, [row_])

    assert len(run(REST.books(["AUSDT", "GONEUSDT"], 1, SEEN), asked)) == 1
    assert asked.calls[1][1] == {}
    many = Asked([row_])
    assert len(run(REST.books(["AUSDT", *symbols(100)], 1, SEEN), many)) == 1
    assert many.calls[0][1] == {}


@pytest.mark.parametrize(("depth", "weight"), [(30, 5), (100, 5), (101, 25), (1000, 50), (99_999, 250)])
def test_a_deep_book_is_one_call_a_symbol_at_the_weight_of_its_depth(depth, weight):
    asked = Asked({"lastUpdateId": 5, "bids": [["9", "1"]], "asks": [["10", "2"]]}, UNKNOWN)

    found = run(REST.books(["AUSDT", "GONEUSDT"], depth, SEEN), asked)

    assert [(book.instrument.symbol, book.bid, book.at) for book in found] == [("AUSDT", 9.0, SEEN)]
    assert [call[2] for call in asked.calls] == [weight, weight]
    assert asked.calls[0][1]["limit"] == str(min(depth, 5000))


def test_a_snapshot_says_where_changes_join():
    found = run(snapshot("AUSDT", 1000), Asked({"lastUpdateId": 5, "bids": [["9", "1"]], "asks": []}))

    assert (found.lastUpdateId, found.bids, found.asks) == (5, [(9.0, 1.0)], [])


# candles


def candle(opens, close="11"):
    return [opens, "10", "12", "9", close, "3", opens + MINUTE - 1, "33", 4, "1", "11", "0"]


def pages(request):
    """A venue that has a candle for each minute since 1970."""
    query = dict(request.query)
    last = int(query.get("endTime", SEEN)) // MINUTE * MINUTE
    opens = range(last - (int(query["limit"]) - 1) * MINUTE, last + 1, MINUTE)
    return Response(200, json.dumps([candle(at) for at in opens]).encode())


@settings(deadline=None)
@given(st.integers(1, 3500), st.one_of(st.none(), st.integers(SEEN - DAY, SEEN + DAY)))
def test_candles_are_the_newest_before_an_end_oldest_first_without_a_hole(count, until):
    found = run(REST.bars("BTCUSDT", MINUTE, count, until, SEEN), pages)

    last = SEEN if until is None else until - 1
    newest = last // MINUTE * MINUTE
    assert [bar.opens for bar in found] == list(range(newest - (count - 1) * MINUTE, newest + 1, MINUTE))


def test_a_candle_is_open_until_its_span_has_passed():
    asked = Asked([candle(SEEN - 2 * MINUTE), candle(SEEN - MINUTE), candle(SEEN - MINUTE + 1)])

    found = run(REST.bars("BTCUSDT", MINUTE, 3, None, SEEN), asked)

    assert [bar.closed for bar in found] == [True, True, False]
    assert (found[0].open, found[0].high, found[0].low, found[0].close) == (10.0, 12.0, 9.0, 11.0)
    assert (found[0].volume, found[0].value) == (3.0, 33.0)
    assert asked.calls == [("klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "3"}, 2)]


def test_a_coin_listed_yesterday_has_few_candles():
    assert len(run(REST.bars("NEWUSDT", HOUR, 2000, None, SEEN), Asked([candle(SEEN - HOUR)]))) == 1
    assert run(REST.bars("NEWUSDT", HOUR, 5, None, SEEN), Asked([])) == []


@pytest.mark.parametrize("page", [[candle(SEEN), candle(SEEN)], [candle(SEEN), candle(SEEN - MINUTE)]])
def test_a_page_that_does_not_lead_back_is_a_surprise(page):
    with pytest.raises(WireSurprise, match="lead back"):
        run(REST.bars("BTCUSDT", MINUTE, 2, None, SEEN), Asked(page))


def test_a_page_newer_than_the_end_that_was_asked_for_is_a_surprise():
    with pytest.raises(WireSurprise, match="lead back"):
        run(REST.bars("BTCUSDT", MINUTE, 1, SEEN, SEEN), Asked([candle(SEEN)]))


def test_a_length_that_binance_has_not_is_refused_before_anything_is_asked():
    with pytest.raises(Refused, match="length"):
        run(REST.bars("BTCUSDT", Millis(7 * MINUTE), 1, None, SEEN), Asked())
