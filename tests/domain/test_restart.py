"""D13: an engine that was killed and restored goes on as if nothing had happened."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.domain.engine import Engine
from core.domain.policies import ExitPolicy, RulePolicy
from core.domain.values import MINUTE, Market, Millis

RULES = (
    RulePolicy(name="fall", kind="fall", params={"minutes": 2, "fall": 0.03}),
    RulePolicy(name="low", kind="disparity", params={"base": "1m", "threshold": -0.02}),
    RulePolicy(name="surge", kind="surge", params={"minutes": 1, "times": 2, "average": 3, "fall": 0}),
    RulePolicy(name="cross", kind="cross", params={"span": "1m", "rsi_low": 0, "rsi_high": 100}),
    RulePolicy(name="breakout", kind="breakout"),
)
EXITS = ExitPolicy(stop_loss=0.05, take_profit=0.05, trend_length=3, trend_span=1, trend_grace_s=60.0)

moves = st.tuples(
    st.sampled_from(["trade"] * 9 + ["book", "ticker", "hold", "tick", "removed", "gap", "safe"]),
    st.one_of(st.integers(0, 20_000), st.integers(-70_000, 0), st.integers(30_000, 150_000)),
    st.integers(90, 110),
    st.integers(1, 40),
    st.sampled_from(["KRW-A", "KRW-B"]),
)


def carry(made, desk, tape):
    """Feed the moves; returns the effects of each and what is buyable after it."""
    after, out = 0, []
    for turn, (kind, step, price, size, symbol) in enumerate(tape):
        after = max(0, after + step)
        at = Millis(desk.T0 + after)
        match kind:
            case "trade":
                sequence = max(0, turn - size // 10) if size % 3 else 0
                effects = made.step(desk.trade(after, price, size / 3, sequence, symbol, replayed=size == 40))
            case "book":
                effects = made.step(desk.book(after, float(price), price + 0.1, symbol))
            case "ticker":
                effects = made.step(desk.ticker(after, price, symbol))
            case "hold":
                effects = made.hold([desk.position(symbol, str(price), opened=after)] if size % 2 else [], at)
            case "tick":
                effects = made.tick(at)
            case "removed":
                effects = made.removed([symbol], at)
            case "gap":
                effects = made.gap(symbol, Millis(at - MINUTE), at)
            case _:
                effects = made.safe(frozenset({symbol}))
        bars = [msgspec.structs.replace(bar, seen=0) for bar in made.forming(symbol)]  # ticks are not saved
        out.append((list(effects or ()), made.buyable(at), bars))
    return out


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tape=st.lists(moves, max_size=80), cut=st.floats(0, 1))
def test_after_a_restart_the_same_events_give_the_same_effects(desk, tape, cut):
    at = int(len(tape) * cut)
    running = desk.engine(RULES, EXITS)
    carry(running, desk, tape[:at])

    restored = desk.engine(RULES, EXITS)
    assert restored.restore(running.save())
    restored.safe(running._entries.safe)  # a level, told again after every start

    assert [*restored.save()] == [*running.save()]
    assert carry_on(restored, desk, tape, at) == carry_on(running, desk, tape, at)


def carry_on(made, desk, tape, at):
    """The rest of the tape, with the clock where the first part left it."""
    after = 0
    for _, step, *_ in tape[:at]:
        after = max(0, after + step)
    rest = [("tick", after, 100, 1, "KRW-A"), *tape[at:]]
    return carry(made, desk, rest)[1:]


def test_what_was_saved_under_other_settings_is_refused_and_nothing_changes(desk):
    running = desk.engine(RULES)
    running.step(desk.trade(0, 99))

    other = desk.engine(RULES[:1])
    assert not other.restore(running.save())
    assert other.snapshot("KRW-A") is None


def broken():
    raise ValueError("half a file")
    yield b""


@pytest.mark.parametrize("saved", [[], [b""], [b"nonsense"], [msgspec.msgpack.encode([1, 2])], broken()])
def test_what_does_not_read_is_refused(desk, saved):
    assert not desk.engine().restore(saved)


def saved_by(desk, change):
    """What an engine that has seen two candles saves, with one row changed."""
    running = desk.engine(RULES)
    for minute in range(3):
        running.step(desk.trade(minute * 60_000, 99, 1.0, minute + 1))
    shape, *rows = map(msgspec.msgpack.decode, running.save())
    shape, rows = change(shape, rows)
    return map(msgspec.msgpack.encode, [shape, *rows])


SERIES, LAST, GAUGES, VWAP = 8, 1, 5, 7


def test_what_this_version_saved_is_taken_as_it_is(desk):
    assert desk.engine(RULES).restore(saved_by(desk, lambda shape, rows: (shape, rows)))


@pytest.mark.parametrize("extra", [[1.0], None])
@pytest.mark.parametrize(
    "place",
    [
        lambda row: row[VWAP],
        lambda row: row[SERIES],
        lambda row: row[SERIES][0][LAST],
        lambda row: row[SERIES][0][GAUGES],
        lambda row: row[SERIES][0][GAUGES][0],
    ],
)
def test_a_state_with_a_slot_more_or_fewer_is_refused_and_leaves_no_trace(desk, place, extra):
    """Another version's state never ends the streamer, however often that is started."""

    def change(shape, rows):
        slots = place(rows[0])
        slots.append(slots[-1]) if extra else slots.pop()
        return shape, rows

    other = desk.engine(RULES)
    assert other.restore(saved_by(desk, change)) is False
    assert other.snapshot("KRW-A") is None


def test_what_a_version_with_another_layout_saved_is_refused(desk):
    other = desk.engine(RULES)
    assert other.restore(saved_by(desk, lambda shape, rows: (shape.rpartition(";")[0], rows))) is False
    assert other.snapshot("KRW-A") is None


def test_an_engine_that_knows_nothing_restores_to_one_that_knows_nothing(desk):
    assert desk.engine().restore(desk.engine().save())


def test_the_engine_may_go_on_while_it_is_saved(desk):
    """Each symbol is of the moment when its piece was made; one that is not watched any more by then is left out."""
    running = desk.engine(RULES)
    for symbol in ("KRW-A", "KRW-B", "KRW-C"):
        running.step(desk.trade(0, 99, 1.0, 1, symbol))

    pieces = running.save()
    saved = [next(pieces), next(pieces)]
    running.forget(["KRW-B"])
    running.step(desk.trade(1, 98, 1.0, 2, "KRW-C"))
    running.step(desk.trade(1, 98, 1.0, 2, "KRW-D"))
    again = desk.engine(RULES)

    assert again.restore([*saved, *pieces])
    assert [(symbol.instrument.symbol, symbol.price) for symbol in again.states] == [("KRW-A", 99.0), ("KRW-C", 98.0)]


def test_what_is_saved_of_a_symbol_stays_small_however_long_it_runs(desk):
    running = desk.engine(RULES)
    for minute in range(300):
        for n in range(3):
            running.step(desk.trade(minute * 60_000 + n, 99 + n, 1.0, minute * 3 + n + 1))

    assert sum(map(len, running.save())) < 7_500


def test_a_signal_that_was_given_is_not_given_again_because_references_come_late_after_a_restart(desk):
    """What was bought and sold before the kill would be bought once more (E8)."""
    running = desk.engine()
    assert running.step(desk.trade(0, 101.0, sequence=1))  # over yesterday's high: the signal

    again = Engine(Market.UPBIT, desk.policy(), str)
    assert again.restore(running.save())
    again.safe(frozenset({"KRW-A"}))
    assert not again.step(desk.trade(60_000, 101.0, sequence=2))  # nobody has said yet what yesterday's high was
    again.references(running._references)
    assert not again.step(desk.trade(120_000, 101.5, sequence=3))

    assert not again.step(desk.trade(180_000, 99.0, sequence=4))  # false for once: from here on it is news again
    assert again.step(desk.trade(240_000, 102.0, sequence=5))


def test_a_signal_that_the_saved_state_does_not_know_can_be_told_to_the_engine(desk):
    """What was bought in the seconds between the last save and the kill is in the ledger (E8)."""
    running = desk.engine([*RULES, desk.BREAKOUT.__class__(name="high", kind="breakout")])
    running.said("KRW-A", "high", "s-1")
    running.said("KRW-A", "no such rule", "s-2")

    effects = running.step(desk.trade(0, 101.0, sequence=1))

    assert [effect.signal.rule for effect in effects if hasattr(effect, "signal")] == ["breakout"]
    assert not running.step(desk.trade(1, 99.0, sequence=2))
    again = running.step(desk.trade(60_000, 101.0, sequence=3))
    assert {effect.signal.rule for effect in again if hasattr(effect, "signal")} == {"breakout", "high"}
