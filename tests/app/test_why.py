"""`hoga why`: one thing is changed at a time, and the chain must name exactly that gate, with number and limit."""

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.adapters.memory.shelf import MemoryShelf
from core.app.gates.facts import Mark
from core.domain.leases import Lock
from core.domain.levels import Buyable, Candidate, SafeSet, Scan, Targets, TopN
from core.domain.orders import State
from core.domain.policies import DayPolicy, StreamPolicy
from core.domain.sight import Watched
from core.domain.values import MINUTE, Instrument, Market, Millis
from tests.app.gated import (
    AT,
    BTC,
    KRX,
    POLICY,
    World,
    aged,
    all_busy,
    both,
    closed,
    cooling,
    crowded,
    drowning,
    excluded,
    halted,
    health,
    in_safe_mode,
    leased,
    left_behind,
    missing,
    order,
    position,
    risky,
    rule,
    scanned,
    sight,
    signal,
    snapshot,
    spent,
    unresolved,
)


def test_where_nothing_stands_in_the_way_every_gate_is_open():
    chain = World().chain()
    assert chain.stopped == ""
    assert chain.verdict == "nothing stands in its way: a worker buys it"
    assert chain.name == "비트코인"
    assert {gate.mark for gate in chain.gates} <= {Mark.PASS, Mark.NONE}
    names = [gate.name for gate in chain.gates]
    wanted = ["safety filter", "spread", "top N", "subscription", "candle", "signal", "lock", "exposure", "order"]
    assert [name for name in names if name in wanted] == wanted


STOPS = [
    (closed, "halt", "news", ""),
    (excluded, "safety filter", "WARNING", ""),
    (aged, "safe list", "122 min old", "at most 120 min"),
    (in_safe_mode, "safe mode", "503 thrice", ""),
    (missing, "pre-filter", "not in the last scan", ""),
    (scanned(price=0.0), "price", "0", "above 0"),
    (scanned(volume=0.5), "volume", "0.5", "at least 1"),
    (scanned(value=1.0, value_24h=2.0), "traded value", "2", "at least 100"),
    (scanned(spread=0.05), "spread", "5.00%", "at most 1.00%"),
    (both(risky(only_top_n=True), lambda world: world.put(TopN(market=Market.UPBIT, at=AT, version=1, members=()))), "top N", "not in it", "0 of 10"),
    (halted, "trading", "halted", ""),
    (leased, "lock", "held by worker/9", "11 s left"),
    (left_behind, "lock", "left behind, to be finished first", ""),
    (cooling, "after a loss", "lost 60 s ago", "more than 10 min"),
    (all_busy, "worker", "0 of 4 free", "1 or more"),
    (risky(per_symbol=D(3000)), "size", "2,968.81 is all that the budget buys", "5,000 to 3,000"),
    (spent(realised=D(-300_000)), "daily loss", "-300,000", "above -300,000"),
    (drowning, "daily loss", "0, open -400,000", "above -300,000"),
    (both(risky(loss_streak=3), spent(streak=3, lost=AT)), "losing streak", "3 in a row", "under 3"),
    (both(risky(max_positions=3), spent(positions=3)), "positions", "3 open", "under 3"),
    (spent(exposure=D(3_500_000)), "exposure", "3,500,000 + 1,000,000", "at most 4,000,000"),
    (crowded, "exposure in KRW", "900,000 + 1,000,000", "at most 1,500,000"),
    (risky(unrealised=True), "open loss", "never told", "at most 180 s"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "gate", "found", "limit"), STOPS, ids=[f"{row[1]} {n}" for n, row in enumerate(STOPS)]
)
def test_the_gate_that_stopped_it_is_named_with_its_number_and_its_limit(change, gate, found, limit):
    world = World()
    change(world)
    chain = world.chain()
    assert chain.stopped == gate
    shut = next(one for one in chain.gates if one.name == gate)
    assert (shut.mark, shut.found, shut.limit) == (Mark.STOP, found, limit)
    assert chain.verdict.startswith(f"cannot be bought: {gate}: {found}")


def test_a_closed_market_says_when_it_opens():
    """B6."""
    world = World(KRX, replace(POLICY, day=DayPolicy(ends="16:00")))
    shut = world.chain()
    assert shut.stopped == "session"
    assert "opens in" in world.gate("session").detail


def test_near_the_end_of_a_day_that_ends_flat_nothing_is_bought():
    """E6: 2026-11-20 is a Friday; from 15:05 KST on thin stocks are sold."""
    world = World(KRX, replace(POLICY, day=DayPolicy(ends="16:00")), at=Millis(1_795_154_400_000 + 10 * MINUTE))
    assert world.gate("day end").mark is Mark.STOP
    assert world.gate("day end").limit == "more than 25 min"


def test_what_is_held_is_told_before_anything_else():
    world = World()
    excluded(world)
    world.books.lock_row = Lock(instrument=BTC, fence=3, position=position())
    chain = world.chain()
    assert chain.verdict == "held: 2 at 1000 by w-01 (fall)"
    assert world.gate("position").mark is Mark.STOP


def waits(world, gate):
    chain = world.chain()
    first = next(one for one in chain.gates if one.mark is Mark.WAIT)
    assert chain.stopped == ""
    assert first.name == gate
    assert chain.verdict.startswith(f"may be bought, and waits: {gate}: {first.found}")
    return first


def test_a_symbol_without_a_subscription_is_told_its_place_in_the_queue():
    """D2, D4."""
    world = World()
    world.put(health(subscribed=("KRW-A",), wanted=("KRW-A", "KRW-BTC"), cut=("KRW-C", "KRW-BTC")))
    gate = waits(world, "subscription")
    assert gate.found == "no registration is left for it: place 2 of 2 in the queue"
    assert gate.limit == "1 subscribed, 2 wanted"
    world.put(health(subscribed=(), wanted=("KRW-BTC",)))
    assert waits(world, "subscription").found == "wanted, place 1, not confirmed yet"
    world.put(health(subscribed=("KRW-A",), wanted=("KRW-A",)))
    assert waits(world, "subscription").found == "not wanted"


def test_a_symbol_that_was_dropped_is_told_how_long_it_cools_down():
    world = World()
    world.put(health(subscribed=(), wanted=()))
    world.put(Watched(market=Market.UPBIT, at=AT, sights=(), cooldowns={"KRW-BTC": Millis(AT + 60_000)}))
    assert waits(world, "subscription").found == "cooling down, 60 s left"


def test_a_score_that_is_not_among_the_best_is_told_beside_the_last_that_is():
    world = World()
    world.put(Targets(market=Market.UPBIT, at=AT, version=1, candidates=(Candidate("KRW-A", 9.0),)))
    gate = waits(world, "score")
    assert float(gate.found) > 0
    assert gate.limit == "the best 20, the last has 9"
    world.put(Targets(market=Market.UPBIT, at=AT, version=1, candidates=()))
    assert waits(world, "score").limit == "the best 20"


def test_a_rule_is_told_by_how_far_the_price_is_from_it():
    """D10: also for symbols that were not bought."""
    world = World()
    false = rule(value=None, threshold=None, above=1100.0)
    world.put(Watched(market=Market.UPBIT, at=AT, sights=(sight(rules=(false,)),)))
    gate = waits(world, "rule fall")
    assert (gate.found, gate.limit) == ("false at 1,000", "at or under 970 or at or over 1,100")
    assert gate.detail == "5 min return <= -0.03 · -3.00% away, +10.00% away"
    nowhere = rule(value=None, threshold=None, below=None)
    world.put(Watched(market=Market.UPBIT, at=AT, sights=(sight(rules=(nowhere,), price=0.0),)))
    assert world.gate("rule fall").limit == ""


def test_a_rule_that_cannot_be_judged_says_why_and_one_that_spoke_says_so():
    world = World()
    world.put(Watched(market=Market.UPBIT, at=AT, sights=(sight(rules=(rule(deaf="not enough history"),)),)))
    assert waits(world, "rule fall").found == "not enough history"
    world.put(Watched(market=Market.UPBIT, at=AT, sights=(sight(rules=(rule(armed=False),)),)))
    assert "must be false once" in world.gate("rule fall").detail


@pytest.mark.parametrize(
    ("sights", "found"),
    [
        ((sight(at=Millis(AT - 400_000)),), "last trade 400 s old"),
        ((sight(at=Millis(0)),), "no trade yet"),
        ((), "nothing came yet"),
        (tuple(sight(f"KRW-{n}") for n in range(100)), "nothing came yet"),
    ],
)
def test_old_data_is_told_with_its_age(sights, found):
    """D7."""
    world = World(policy=replace(POLICY, stream=StreamPolicy(url="wss://x", stale_s=60.0)))
    world.put(Watched(market=Market.UPBIT, at=AT, sights=sights))
    assert waits(world, "data").found == found


def test_a_streamer_that_stopped_telling_is_not_believed():
    world = World()
    world.put(Watched(market=Market.UPBIT, at=Millis(AT - 60_000), sights=(sight(),)))
    assert waits(world, "data").limit == "at most 30 s"
    world.put(health(at=Millis(AT - 60_000)))
    assert waits(world, "stream").found == "said so 60 s ago, connected"


def test_before_the_streamer_or_the_scan_has_spoken_that_is_what_is_waited_for():
    world = World()
    world.shelf = MemoryShelf()
    assert world.chain().stopped == "safe list"
    world.put(SafeSet(market=Market.UPBIT, at=AT, safe=("KRW-BTC",), excluded=()))
    assert waits(world, "scan").found == "none yet"
    assert world.gate("stream").found == "the streamer has not reported yet"
    assert world.gate("size").found == "no price is known"
    assert world.gate("score").found == "not scored"


def test_an_old_scan_is_told_with_its_age():
    world = World()
    world.put(Scan(market=Market.UPBIT, at=Millis(AT - 5 * MINUTE), calls=2, snapshots=(snapshot(),)))
    gate = waits(world, "scan")
    assert (gate.found, gate.limit) == ("300 s ago", "at most 180 s")


def test_a_gapped_candle_is_told_with_its_reason():
    """D8."""
    world = World()
    world.put(Watched(market=Market.UPBIT, at=AT, sights=(sight(quality="gapped", reason="the connection was lost"),)))
    gate = waits(world, "candle")
    assert gate.found == "1m of 30 s ago, gapped"
    assert gate.detail.startswith("the connection was lost")
    world.put(Watched(market=Market.UPBIT, at=AT, sights=(sight(opens=Millis(0)),)))
    assert waits(world, "candle").found == "none yet"


def test_without_a_signal_it_waits_for_one_and_an_expired_one_says_so():
    """D9."""
    world = World()
    world.put(Buyable(market=Market.UPBIT, at=AT, signals=(signal(Instrument(Market.UPBIT, "KRW-A")),)))
    assert waits(world, "signal").detail == "1 symbols have one"
    world.put(Buyable(market=Market.UPBIT, at=AT, signals=(replace(signal(), expires=AT),)))
    assert "expired" in waits(world, "signal").detail


def test_the_day_s_last_order_is_told_with_its_note():
    world = World()
    world.books.today = [order(State.REJECTED, "under the least order"), replace(order(State.FILLED), instrument=KRX)]
    gate = world.gate("order")
    assert (gate.mark, gate.found, gate.detail) == (
        Mark.NONE,
        "buy rejected, 0 of 2 filled, by fall",
        "under the least order",
    )


def test_a_free_lock_is_told_with_its_fence_and_its_position():
    world = World()
    world.books.lock_row = Lock(instrument=BTC, fence=12)
    assert world.gate("lock").detail == "fence 12"


def test_a_symbol_of_which_no_listing_has_said_what_its_orders_look_like_has_no_size():
    """Binance tells it symbol by symbol."""
    world = World(Instrument(Market.BINANCE, "BTCUSDT"))
    assert world.gate("size").mark is Mark.STOP


def test_asking_changes_nothing():
    world = World()
    before = dict(world.shelf._rows)
    world.chain()
    assert world.shelf._rows == before


def test_an_order_that_is_not_settled_is_shown_and_only_its_lock_stops_another():
    world = World()
    unresolved(world)
    gate = world.gate("order")
    assert (gate.mark, gate.found, gate.limit) == (Mark.NONE, "buy unknown, 0 of 2 filled, by fall", "1 today")
    assert world.chain().stopped == ""
    left_behind(world)
    assert (world.gate("order").mark, world.chain().stopped) == (Mark.STOP, "lock")
