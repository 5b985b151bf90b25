"""Upbit's simulated REST side over real sockets: every field, every refusal (reference/upbit.md 1 to 3)."""

import gzip
import time

import aiohttp
import msgspec
import pytest

from core.domain.policies import UniversePolicy
from core.domain.values import DAY, MINUTE, Market, Millis
from core.simulators.coins import listing
from core.simulators.limits import Limits
from core.simulators.market import SimulatedMarket
from core.simulators.upbit import UpbitSimulator
from core.venues.flow import Response, run
from core.venues.spec import venue

REST = venue(Market.UPBIT).rest


async def test_the_listing_names_every_pair_and_with_details_its_warnings(client):
    plain = await client.rows("/v1/market/all")
    assert set(plain[0]) == {"market", "korean_name", "english_name"}
    for spelling in ("is_details", "isDetails"):
        detailed = await client.rows(f"/v1/market/all?{spelling}=true")
        assert len(detailed) == len(plain) == len(client.sim.market.lines)
        event = detailed[0]["market_event"]
        assert set(event["caution"]) == {
            "PRICE_FLUCTUATIONS",
            "TRADING_VOLUME_SOARING",
            "DEPOSIT_AMOUNT_SOARING",
            "GLOBAL_PRICE_DIFFERENCES",
            "CONCENTRATION_OF_SMALL_ACCOUNTS",
        }


async def test_a_flag_raised_by_command_is_in_the_next_listing(client):
    async with client.http.post(
        client.sim.rest_url + "/_sim/market", json={"symbol": "KRW-BTC", "flag": "WARNING"}
    ) as r:
        assert r.status == 200
    rows = await client.rows("/v1/market/all?is_details=true")
    assert [row["market"] for row in rows if row["market_event"]["warning"]] == ["KRW-BTC"]


async def test_tickers_are_told_for_codes_in_any_letter_case(client):
    rows = await client.rows("/v1/ticker?markets=krw-btc,KRW-ETH")
    assert [row["market"] for row in rows] == ["KRW-BTC", "KRW-ETH"]
    row = rows[0]
    assert row["signed_change_price"] == pytest.approx(row["trade_price"] - row["prev_closing_price"])
    assert row["signed_change_rate"] == pytest.approx(row["signed_change_price"] / row["prev_closing_price"])
    assert (
        row["change"]
        == {1: "RISE", 0: "EVEN", -1: "FALL"}[(row["signed_change_price"] > 0) - (row["signed_change_price"] < 0)]
    )
    assert row["acc_trade_price_24h"] > row["acc_trade_price"] > 0


async def test_all_tickers_of_a_quote_currency_come_in_one_call(client):
    rows = await client.rows("/v1/ticker/all?quote_currencies=krw,BTC")
    assert {row["market"].partition("-")[0] for row in rows} == {"KRW", "BTC"}
    assert len(rows) == sum(not code.startswith("USDT") for code in client.sim.market.lines)


async def test_one_unknown_code_fails_the_whole_call(client):
    for path in ("/v1/ticker?markets=KRW-BTC,KRW-NONE", "/v1/orderbook?markets=KRW-NONE", "/v1/candles/days?market=KRW-NONE", "/v1/candles/days?market=KRW-BTC,KRW-ETH"):  # fmt: skip
        status, body, headers = await client.get(path)
        assert (status, body) == (404, b'{"error":{"name":404,"message":"Code not found"}}')
        assert "remaining-req" in headers


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/ticker", "Missing request parameter error. Check the required parameters!"),
        ("/v1/ticker/all", "Missing request parameter error. Check the required parameters!"),
        ("/v1/orderbook", "Missing request parameter error. Check the required parameters!"),
        ("/v1/candles/minutes/1", "Missing request parameter error. Check the required parameters!"),
        ("/v1/trades/ticks", "Missing request parameter error. Check the required parameters!"),
        ("/v1/market/all?is_details=maybe", "Type mismatch error. Check the parameters type!"),
        ("/v1/candles/minutes/2?market=KRW-BTC", "Type mismatch error. Check the parameters type!"),
        ("/v1/candles/minutes/1?market=KRW-BTC&count=x", "Type mismatch error. Check the parameters type!"),
        ("/v1/candles/minutes/1?market=KRW-BTC&count=-1", "Type mismatch error. Check the parameters type!"),
        ("/v1/candles/minutes/1?market=KRW-BTC&to=yesterday", "Type mismatch error. Check the parameters type!"),
        ("/v1/orderbook?markets=KRW-BTC&level=x", "Type mismatch error. Check the parameters type!"),
        ("/v1/trades/ticks?market=KRW-BTC&days_ago=8", "Type mismatch error. Check the parameters type!"),
        ("/v1/trades/ticks?market=KRW-BTC&to=99", "Type mismatch error. Check the parameters type!"),
    ],
)
async def test_what_is_wrong_with_a_call_is_told_in_upbit_s_words(client, path, words):
    status, body, _ = await client.get(path)
    assert status == 400
    assert body == b'{"error":{"name":400,"message":"%s"}}' % words.encode()


@pytest.mark.parametrize("path", ["/v1/nope", "/", "/v2/ticker", "/v1/candles/minutes", "/v1/orders"])
async def test_an_unknown_path_is_refused_by_the_gateway_without_a_limit_header(client, path):
    status, body, headers = await client.get(path)
    assert (status, body) == (404, b'{"error":{"name":"not_found","message":"no Route matched with those values"}}')
    assert "remaining-req" not in headers


async def test_books_are_cut_to_count_clipped_at_thirty_and_grouped_by_level(client):
    assert len((await client.rows("/v1/orderbook?markets=KRW-BTC&count=3"))[0]["orderbook_units"]) == 3
    book = (await client.rows("/v1/orderbook?markets=KRW-BTC&count=99"))[0]
    assert len(book["orderbook_units"]) == 30
    assert book["total_ask_size"] == pytest.approx(sum(unit["ask_size"] for unit in book["orderbook_units"]))
    grouped = (await client.rows("/v1/orderbook?markets=KRW-BTC&level=10000"))[0]
    assert grouped["level"] == 10000
    assert all(unit["ask_price"] % 10000 == 0 for unit in grouped["orderbook_units"])
    assert await client.rows("/v1/orderbook?markets=BTC-ETH&level=10000") == []


async def test_instruments_tell_the_tick_as_text(client):
    rows = await client.rows("/v1/orderbook/instruments?markets=KRW-BTC,KRW-DOGE,BTC-ETH")
    assert [row["tick_size"] for row in rows] == ["1000", "1", "0.00000001"]
    assert rows[0]["supported_levels"][:2] == ["0", "10000"]


async def test_candles_come_newest_first_and_more_than_200_are_cut_in_silence(client):
    rows = await client.rows("/v1/candles/minutes/1?market=KRW-BTC&count=500")
    opens = [row["candle_date_time_utc"] for row in rows]
    assert len(rows) == 200
    assert opens == sorted(opens, reverse=True)
    assert len(await client.rows("/v1/candles/minutes/1?market=KRW-BTC")) == 1


async def test_the_end_of_candles_is_exclusive_and_utc_unless_an_offset_says_otherwise(client):
    for to in ("2026-09-23T03:00:00", "2026-09-23T03:00:00Z", "2026-09-23T12:00:00%2B09:00", "2026-09-23%2003:00:00"):
        row = (await client.rows(f"/v1/candles/minutes/60?market=KRW-BTC&to={to}"))[0]
        assert (row["candle_date_time_utc"], row["candle_date_time_kst"]) == (
            "2026-09-23T02:00:00",
            "2026-09-23T11:00:00",
        )
        assert row["unit"] == 60


async def test_before_the_listing_there_are_no_candles_and_that_is_no_error(client):
    assert await client.rows("/v1/candles/days?market=KRW-BTC&to=2019-01-01T00:00:00") == []


async def test_day_candles_carry_the_change_and_the_price_in_won_where_asked(client):
    rows = await client.rows("/v1/candles/days?market=BTC-ETH&count=3&converting_price_unit=KRW")
    assert rows[0]["prev_closing_price"] == rows[1]["trade_price"]
    assert rows[0]["change_price"] == pytest.approx(rows[0]["trade_price"] - rows[1]["trade_price"])
    assert rows[0]["converted_trade_price"] == pytest.approx(
        rows[0]["trade_price"] * client.sim.market.lines["KRW-BTC"].last.price
    )


async def test_second_candles_hold_the_trades_since_the_market_began(client):
    client.wait(20)
    rows = await client.rows("/v1/candles/seconds?market=KRW-BTC&count=5")
    assert len(rows) == 5
    assert "unit" not in rows[0]


async def test_trades_page_back_by_cursor_without_repeating(client):
    client.wait(60)
    first = await client.rows("/v1/trades/ticks?market=KRW-BTC&count=20")
    second = await client.rows(f"/v1/trades/ticks?market=KRW-BTC&count=20&cursor={first[-1]['sequential_id']}")
    ids = [row["sequential_id"] for row in first + second]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == 40
    early = await client.rows("/v1/trades/ticks?market=KRW-BTC&count=1&to=03:39:10")
    assert early[0]["trade_time_utc"] < "03:39:10"
    assert await client.rows("/v1/trades/ticks?market=KRW-BTC&count=9&days_ago=1") == []


async def test_a_live_minute_by_rest_equals_the_fold_of_the_trades_by_rest(client):
    client.wait(130)
    trades = await client.rows("/v1/trades/ticks?market=KRW-BTC&count=500")
    candle = (await client.rows("/v1/candles/minutes/1?market=KRW-BTC&count=2"))[1]
    inside = [
        row for row in reversed(trades) if row["trade_time_utc"].startswith(candle["candle_date_time_utc"][11:16])
    ]
    assert candle["opening_price"] == inside[0]["trade_price"]
    assert candle["trade_price"] == inside[-1]["trade_price"]
    assert candle["high_price"] == max(row["trade_price"] for row in inside)
    assert candle["candle_acc_trade_volume"] == pytest.approx(sum(row["trade_volume"] for row in inside))


async def test_the_eleventh_call_of_a_second_is_429_in_plain_text_and_other_groups_go_on(client):
    replies = [await client.get("/v1/ticker?markets=KRW-BTC") for _ in range(11)]
    assert [reply[0] for reply in replies] == [200] * 10 + [429]
    assert replies[0][2]["remaining-req"] == "group=ticker; min=600; sec=9"
    assert replies[10][1] == b"Too many API requests."
    assert replies[10][2]["content-type"].startswith("text/plain")
    assert "retry-after" not in replies[10][2]
    assert (await client.get("/v1/market/all"))[0] == 200
    client.wait(1)
    assert (await client.get("/v1/ticker?markets=KRW-BTC"))[0] == 200
    assert client.sim.log.refusals == {"429 ticker": 1}
    assert client.sim.log.busiest["ticker"] == 11


async def test_going_on_after_429_is_418_that_says_how_long_and_grows(serving):
    async with serving(limits=Limits(per_s=1, forgiven=1, block_s=2.0, retry_after=True)) as client:
        statuses = [(await client.get("/v1/market/all"))[0] for _ in range(3)]
        assert statuses == [200, 429, 418]
        _, body, headers = await client.get("/v1/candles/days?market=KRW-BTC")
        assert b"2 seconds" in body
        assert headers["retry-after"] == "2"
        client.wait(2)
        assert [(await client.get("/v1/market/all"))[0] for _ in range(3)] == [200, 429, 418]
        assert b"4 seconds" in (await client.get("/v1/market/all"))[1]


async def test_an_origin_header_falls_into_its_own_narrow_group(client):
    first = await client.get("/v1/market/all", Origin="https://example.com")
    assert (first[0], first[2]["remaining-req"]) == (200, "group=origin; min=6; sec=0")
    assert (await client.get("/v1/ticker?markets=KRW-BTC", Origin="https://example.com"))[0] == 429
    assert (await client.get("/v1/market/all"))[0] == 200


async def test_answers_are_packed_only_when_asked(client):
    async with aiohttp.ClientSession(auto_decompress=False) as raw:
        for accept, packed in (("gzip", True), ("identity", False)):
            async with raw.get(client.sim.rest_url + "/v1/market/all", headers={"Accept-Encoding": accept}) as reply:
                body = await reply.read()
                assert (reply.headers.get("Content-Encoding") == "gzip") is packed
                assert msgspec.json.decode(gzip.decompress(body) if packed else body)[0]["market"] == "KRW-BTC"


async def test_the_control_side_is_not_counted_and_tells_what_was_served(client):
    await client.rows("/v1/market/all")
    async with client.http.get(client.sim.rest_url + "/_sim/log") as reply:
        report = await reply.json()
    assert report["calls"] == {"/v1/market/all": 1}
    assert report["groups"] == {"market": 1}
    assert report["statuses"] == {"200": 1}


async def test_a_move_by_command_changes_the_price(client):
    before = client.sim.market.lines["KRW-BTC"].last.price
    move = {"symbol": "KRW-BTC", "move": -0.1, "over_s": 1}
    async with client.http.post(client.sim.rest_url + "/_sim/market", json=move) as reply:
        assert reply.status == 200
    client.wait(5)
    assert client.sim.market.lines["KRW-BTC"].last.price / before == pytest.approx(0.9, abs=0.003)


async def test_stories_begin_by_command():
    market = SimulatedMarket(seed=3, start=1_790_134_742_000, coins=listing(40))
    at = [market.start]
    async with UpbitSimulator(market, clock=lambda: at[0]) as sim, aiohttp.ClientSession() as http:
        async with http.post(sim.rest_url + "/_sim/story", json={"name": "demo"}) as reply:
            assert (await reply.json())["stories"] == 7
        at[0] += 15_000
        sim.turn()
        assert market.lines["KRW-SOL"].last.price < market.lines["KRW-SOL"].average(20, at[0]) * 0.92


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_sim/market", b"{}"),
        ("/_sim/market", b'{"symbol":"KRW-NONE","move":0.1}'),
        ("/_sim/market", b'{"symbol":"KRW-BTC","move":-2}'),
        ("/_sim/story", b'{"name":"nope"}'),
        ("/_sim/story", b"?"),
        ("/_sim/faults", b'{"fault":{"kind":"earthquake"}}'),
    ],
)
async def test_a_command_that_does_not_read_is_refused_and_changes_nothing(client, path, body):
    async with client.http.post(client.sim.rest_url + path, data=body) as reply:
        assert reply.status == 400
        assert "error" in await reply.json()


def test_the_venue_s_own_flows_read_every_answer():
    """The product's REST mapping against the simulator's wording, without sockets."""
    from core.simulators.upbit_rest import answer

    at = 1_790_134_742_000
    market = SimulatedMarket(seed=3, start=at, coins=listing(8))
    market.advance(at)

    def send(request):
        reply = answer(request.path, dict(request.query), market, at)
        return Response(reply.status, reply.body)

    seen = Millis(int(time.time() * 1000))
    names = run(REST.listing(UniversePolicy(quote="KRW"), seen), send)
    symbols = [row.instrument.symbol for row in names]
    assert len(symbols) == 8
    tickers = run(REST.tickers([*symbols, "KRW-GONE"], "KRW", seen), send)
    assert [row.instrument.symbol for row in tickers] == symbols
    books = run(REST.books(symbols, 5, seen), send)
    assert all(book.bid < book.ask for book in books)
    bars = run(REST.bars("KRW-BTC", MINUTE, 450, None, seen), send)
    assert len(bars) == 450
    assert [bar.opens for bar in bars] == [bars[0].opens + i * MINUTE for i in range(450)]
    days = run(REST.bars("KRW-BTC", DAY, 21, None, seen), send)
    assert len(days) == 21
