"""D5, D13: what several hosts say of the shards of one market is one level for everybody who reads."""

import pytest

from core.adapters.memory.shelf import MemoryShelf
from core.domain.levels import Buyable, Saved, StreamHealth
from core.domain.signals import Signal
from core.domain.tenure import Shard
from core.domain.values import Instrument, Market, Side
from core.feed.planner import carry_out, plan, room
from streamer.parts import LATELY_MS
from streamer.state import Saver, pieces_of

LEFT, RIGHT = Shard(Market.UPBIT, 0, 2), Shard(Market.UPBIT, 1, 2)


def health(host, at, symbols, connected=True):
    return StreamHealth(
        market=Market.UPBIT, at=at, host=host, started=1, last_data=at, subscribed=symbols, connected=connected,
        reconnects=1, messages=10, surprises=0, late=0, duplicates=0, gaps=2, signals=1, latency_p50_ms=1.0,
        latency_p99_ms=at, wanted=symbols, heard=dict.fromkeys(symbols, at),
    )  # fmt: skip


def signal(symbol):
    about = Instrument(Market.UPBIT, symbol)
    return Signal(
        id=symbol, instrument=about, side=Side.BUY, rule="r", price=1.0, value=1.0, threshold=1.0, at=1, seen=1, expires=2
    )  # fmt: skip


def test_two_shards_are_read_as_one_market():
    shelf = MemoryShelf()
    Saver(LEFT, shelf).write(
        [health("a", 1_000, ("A",)), Buyable(market=Market.UPBIT, at=1_000, signals=(signal("A"),))]
    )
    assert not shelf.read(StreamHealth, Market.UPBIT).connected
    Saver(RIGHT, shelf).write(
        [health("b", 2_000, ("B",)), Buyable(market=Market.UPBIT, at=2_000, signals=(signal("B"),))]
    )
    told = shelf.read(StreamHealth, Market.UPBIT)
    assert (told.host, told.subscribed, told.messages, told.gaps, told.connected) == ("a, b", ("A", "B"), 20, 4, True)
    assert told.heard == {"A": 1_000, "B": 2_000}
    assert [each.id for each in shelf.read(Buyable, Market.UPBIT).signals] == ["A", "B"]


def test_what_a_host_that_is_gone_said_counts_no_more():
    """Its symbols show as not subscribed, so the sweep watches what is held there."""
    shelf = MemoryShelf()
    Saver(LEFT, shelf).write([health("a", 1_000, ("A",))])
    Saver(RIGHT, shelf).write([health("b", 1_001 + LATELY_MS, ("B",))])
    told = shelf.read(StreamHealth, Market.UPBIT)
    assert (told.subscribed, told.connected) == (("B",), False)


@pytest.mark.parametrize("shard", [Shard(Market.UPBIT), LEFT])
def test_each_shard_saves_its_own_state(shard):
    shelf = MemoryShelf()
    saver = Saver(shard, shelf)
    saver.write([Saved(market=Market.UPBIT, at=1, wanted=("A",), cooldowns={}, engine=b"x")])
    assert (saver.last().wanted, saver.last().engine) == (("A",), b"x")
    assert Saver(RIGHT, shelf).last() is None


def test_what_another_version_saved_is_no_engine():
    shelf = MemoryShelf()
    shelf.write(Saved(market=Market.UPBIT, at=1, wanted=("A",), cooldowns={}, engine=b"its own encoding"))
    with pytest.raises(ValueError, match="not of this program"):
        [*pieces_of(Saver(Shard(Market.UPBIT), shelf).last().engine)]


def test_over_a_thousand_symbols_fit_on_the_connections_of_one_process_and_none_that_stays_moves():
    """D5: Binance's 1,024 streams a connection at three each; the best half is left, others come."""
    symbols = [f"S{n:04d}" for n in range(1_200)]
    limit = room(1_000, 1_024, 3)
    first = carry_out(plan(symbols, {}, limit, 5), {})
    assert sum(map(len, first.values())) == 1_200
    assert max(map(len, first.values())) <= limit == 341
    wanted = [*symbols[:600], *(f"T{n:04d}" for n in range(600))]
    after = carry_out(plan(wanted, first, limit, 5), first)
    for number, held in first.items():
        assert held & set(wanted) <= after[number]
    assert set().union(*after.values()) == set(wanted)
