"""Simulated Binance answers and refuses as the reference says the real one does (I3)."""

from itertools import pairwise

import aiohttp
import pytest

from core.simulators.binance_limits import BinanceLimits, WeightGate
from core.simulators.faults import Fault, Faults, Kind, Planned

START = 1_790_134_742_000
MINUTE = 60_000


def error(code: int, words: str):
    return {"code": code, "msg": words}


async def test_the_listing_has_status_steps_and_limits_of_every_pair(client):
    found = await client.rows("exchangeInfo", showPermissionSets="false")

    rows = {row["symbol"]: row for row in found["symbols"]}
    assert {row["quoteAsset"] for row in rows.values()} == {"USDT", "BTC"}
    assert {row["status"] for row in rows.values()} == {"TRADING", "HALT", "BREAK"}
    kinds = {one["filterType"]: one for one in rows["BTCUSDT"]["filters"]}
    assert float(kinds["PRICE_FILTER"]["tickSize"]) > 0
    assert float(kinds["LOT_SIZE"]["stepSize"]) > 0
    assert "permissionSets" not in rows["BTCUSDT"]
    assert found["rateLimits"][0]["limit"] == 6000
    halted = await client.rows("exchangeInfo", symbolStatus="BREAK")
    assert {row["status"] for row in halted["symbols"]} == {"BREAK"}
    assert "permissionSets" in halted["symbols"][0]


@pytest.mark.parametrize(
    ("call", "query", "code"),
    [
        ("ticker/24hr", {"symbol": "NOPEUSDT"}, -1121),
        ("ticker/24hr", {"symbols": '["BTCUSDT","NOPEUSDT"]'}, -1121),
        ("ticker/24hr", {"symbols": '["BTCUSDT","BTCUSDT"]'}, -1151),
        ("ticker/24hr", {"symbols": "BTCUSDT"}, -1100),
        ("ticker/24hr", {"symbol": "BTCUSDT", "symbols": '["BTCUSDT"]'}, -1128),
        ("ticker/24hr", {"type": "TINY"}, -1139),
        ("ticker/bookTicker", {"symbol": "btcusdt"}, -1121),
        ("depth", {}, -1102),
        ("depth", {"symbol": "BTCUSDT", "limit": "0"}, -1130),
        ("depth", {"symbol": "BTCUSDT", "limit": "x"}, -1100),
        ("klines", {"symbol": "BTCUSDT"}, -1102),
        ("klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "surprise": "1"}, -1101),
    ],
)
async def test_what_does_not_read_is_refused_with_binances_own_code(client, call, query, code):
    status, body, _ = await client.get(call, **query)

    assert (status, body["code"]) == (400, code)
    assert body["msg"]


async def test_there_is_nothing_else_here(client):
    assert (await client.get("ticker/everything"))[0] == 404
    async with client.http.post(f"{client.sim.rest_url}/api/v3/order") as reply:
        assert reply.status == 405


@pytest.mark.parametrize(
    ("call", "query", "weight"),
    [
        ("time", {}, 1), ("ping", {}, 1), ("exchangeInfo", {}, 20), ("depth", {"symbol": "BTCUSDT"}, 5),
        ("depth", {"symbol": "BTCUSDT", "limit": "500"}, 25), ("depth", {"symbol": "BTCUSDT", "limit": "1000"}, 50),
        ("depth", {"symbol": "BTCUSDT", "limit": "5000"}, 250), ("trades", {"symbol": "BTCUSDT"}, 25),
        ("aggTrades", {"symbol": "BTCUSDT"}, 4), ("klines", {"symbol": "BTCUSDT", "interval": "1m"}, 2),
        ("avgPrice", {"symbol": "BTCUSDT"}, 2), ("ticker/24hr", {"symbol": "BTCUSDT"}, 2), ("ticker/24hr", {}, 80),
        ("ticker/24hr", {"symbols": '["BTCUSDT","ETHUSDT"]'}, 2), ("ticker/price", {}, 4),
        ("ticker/bookTicker", {"symbol": "BTCUSDT"}, 2), ("ticker/bookTicker", {}, 4), ("nothing", {}, 1),
    ],
)  # fmt: skip
async def test_a_call_weighs_what_the_reference_says(client, call, query, weight):
    _, _, headers = await client.get(call, **query)

    assert headers["x-mbx-used-weight-1m"] == str(weight)


async def test_weight_is_counted_by_the_minute_then_refused_and_whoever_goes_on_is_banned(serving):
    async with serving(limits=BinanceLimits(weight=100, forgiven=2)) as client:
        assert (await client.get("ticker/24hr"))[0] == 200
        status, body, headers = await client.get("ticker/24hr")
        assert (status, body["code"], headers["retry-after"]) == (429, -1003, "58")
        assert "Too much request weight used; current limit is 100" in body["msg"]

        assert (await client.get("time"))[0] == 429
        status, body, headers = await client.get("time")
        assert (status, headers["retry-after"]) == (418, "120")
        assert f"IP banned until {START + 120_000}" in body["msg"]

        client.wait(60)
        assert (await client.get("time"))[0] == 418
        client.wait(60)
        assert (await client.get("time"))[0] == 200
        assert client.sim.log.refusals == {"429 weight": 2, "418 weight": 2}


def test_each_ban_is_twice_as_long_as_the_one_before_up_to_three_days():
    gate, at = WeightGate(BinanceLimits(weight=1, forgiven=0, ban_s=120)), START
    lengths = []
    for _ in range(14):
        gate.call(1, at)
        verdict = gate.call(1, at)
        lengths.append((verdict.until - at) // 1000)
        at = -(-verdict.until // MINUTE) * MINUTE
    assert lengths[:4] == [120, 240, 480, 960]
    assert lengths[-1] == 3 * 86_400


async def test_candles_have_no_hole_and_the_day_folds_the_minutes(client):
    client.wait(3)
    rows = await client.rows("klines", symbol="AQTUSDT", interval="1m", limit="300")

    assert [row[0] for row in rows] == list(range(rows[0][0], rows[0][0] + 300 * MINUTE, MINUTE))
    silent = [(before, row) for before, row in pairwise(rows) if float(row[5]) == 0]
    assert silent
    assert all(row[1] == row[2] == row[3] == row[4] == before[4] for before, row in silent)
    assert all(row[6] == row[0] + MINUTE - 1 and len(row) == 12 for row in rows)


async def test_candles_are_asked_for_by_opening_time_and_both_ends_count(client):
    whole = await client.rows("klines", symbol="BTCUSDT", interval="5m", limit="10")
    first, last = whole[3][0], whole[6][0]

    between = await client.rows("klines", symbol="BTCUSDT", interval="5m", startTime=str(first), endTime=str(last))
    oldest = await client.rows("klines", symbol="BTCUSDT", interval="5m", startTime=str(first), limit="2")
    newest = await client.rows("klines", symbol="BTCUSDT", interval="5m", endTime=f"{last}000", limit="2")

    assert between == whole[3:7]
    assert oldest == whole[3:5]
    assert newest == whole[5:7]


async def test_trades_tickers_and_books_tell_one_story(client):
    client.wait(20)
    trades = await client.rows("trades", symbol="BTCUSDT", limit="1000")
    aggregates = await client.rows("aggTrades", symbol="BTCUSDT", limit="1000")
    day = await client.rows("ticker/24hr", symbol="BTCUSDT")
    mini = await client.rows("ticker/24hr", symbol="BTCUSDT", type="MINI")
    best = await client.rows("ticker/bookTicker", symbol="BTCUSDT")
    depth = await client.rows("depth", symbol="BTCUSDT", limit="5")

    assert [row["id"] for row in trades] == list(range(trades[0]["id"], trades[0]["id"] + len(trades)))
    assert [row["a"] for row in aggregates] == [row["id"] for row in trades]
    later = await client.rows("aggTrades", symbol="BTCUSDT", fromId=str(trades[2]["id"]), limit="2")
    assert later == aggregates[2:4]
    assert day["lastPrice"] == mini["lastPrice"] == trades[-1]["price"]
    assert float(day["lowPrice"]) <= float(day["lastPrice"]) <= float(day["highPrice"])
    assert (depth["bids"][0], depth["asks"][0]) == (
        [best["bidPrice"], best["bidQty"]], [best["askPrice"], best["askQty"]]
    )  # fmt: skip
    assert {row["symbol"] for row in await client.rows("ticker/price")} == set(client.sim.pairs)
    assert (await client.rows("avgPrice", symbol="BTCUSDT"))["mins"] == 5


async def test_scripted_faults_replace_slow_down_or_lose_an_answer(serving):
    faults = Faults([Planned(fault=Fault(kind=Kind.HTTP, status=503, retry_after=3, path="/api/v3/time"))])
    async with serving(faults=faults) as client:
        status, body, headers = await client.get("time")
        assert (status, body["code"], headers["retry-after"]) == (503, -1000, "3")
        assert (await client.get("time"))[0] == 200
        for kind in (Kind.LOST_REQUEST, Kind.LOST_REPLY, Kind.REFUSE):
            client.sim.faults.cause(Planned(fault=Fault(kind=kind, for_s=1)), client.clock.at)
            with pytest.raises(aiohttp.ClientError):
                await client.get("time")
            client.wait(2)
        client.sim.faults.cause(Planned(fault=Fault(kind=Kind.SLOW, delay_s=0.01)), client.clock.at)
        assert (await client.get("time"))[0] == 200
        assert set(client.sim.log.faults) == {"http", "lost_request", "lost_reply", "slow", "refuse"}
