"""D8, D10 for people: what a streamer sees of a symbol, and where its rules would be true."""

import msgspec
import pytest

from core.domain.engine import Engine
from core.domain.events import Trade
from core.domain.policies import MarketPolicy, RestPolicy, RulePolicy, StreamPolicy
from core.domain.sight import MOST, Watched, sight, watched
from core.domain.values import MINUTE, Instrument, Market, Millis

AT = Millis(1_795_166_400_000)
POLICY = MarketPolicy(
    rest=RestPolicy(url="https://x"),
    stream=StreamPolicy(url="wss://x"),
    rules=(
        RulePolicy(name="fall", kind="fall", params={"minutes": 2, "fall": 0.03}),
        RulePolicy(name="off", kind="fall", params={"minutes": 2, "fall": 0.03}, enabled=False),
        RulePolicy(name="high", kind="breakout"),
    ),
)


def trade(price, minutes, symbol="KRW-BTC"):
    at = Millis(round(AT + minutes * MINUTE))
    return Trade(
        instrument=Instrument(Market.UPBIT, symbol), price=price, quantity=1.0, taker=None, at=at, seen=at,
        sequence=int(at),
    )  # fmt: skip


def engine(*trades):
    made = Engine(Market.UPBIT, POLICY, lambda symbol: "")
    made.safe(frozenset({"KRW-BTC"}))
    for one in trades:
        made.step(one)
    return made


def seen(made, name="KRW-BTC"):
    return sight(made.snapshot(name), made.rules)


def test_every_enabled_rule_is_told_by_the_price_at_which_it_would_be_true():
    found = seen(engine(*(trade(100.0, minute) for minute in range(5))))
    fall, high = found.rules
    assert (fall.name, fall.condition, fall.deaf) == ("fall", "2 min return <= -0.03", "")
    assert fall.below == pytest.approx(97.0, rel=1e-5)
    assert (fall.above, fall.value, fall.threshold, fall.armed) == (None, None, None, True)
    assert (high.name, high.deaf) == ("high", "not enough history")


def test_a_rule_that_is_true_is_told_with_what_it_measured():
    found = seen(engine(*(trade(100.0, minute) for minute in range(5)), trade(90.0, 4.5)))
    fall = found.rules[0]
    assert (fall.value, fall.threshold, fall.armed) == (pytest.approx(-0.1), -0.03, False)
    assert (found.price, found.at) == (90.0, AT + 4.5 * MINUTE)


def test_the_newest_candle_is_told_with_how_whole_it_is():
    found = seen(engine(trade(100.0, 0.0), trade(100.0, 1.0), trade(100.0, 2.2)))
    assert (found.opens, found.candles, found.quality) == (AT + 2 * MINUTE, 2, "whole")


def test_trades_that_are_missing_make_a_rule_deaf_and_the_candle_gapped():
    made = engine(*(trade(100.0, minute) for minute in range(5)))
    made.gap("KRW-BTC", Millis(AT + 4 * MINUTE), Millis(AT + 4 * MINUTE + 1000))
    found = seen(made)
    assert found.rules[0].deaf == "trades are missing from what it looks at"
    assert found.quality == "gapped"


def test_a_symbol_of_which_nothing_came_yet_is_told_as_that():
    made = engine()
    made.gap("KRW-BTC", AT, AT)
    assert (seen(made).price, seen(made).opens, seen(made).quality, seen(made).candles) == (0.0, 0, "", 0)


def test_after_a_candle_has_closed_and_before_the_next_trade_the_closed_one_is_the_newest():
    made = engine(trade(100.0, 0.0))
    minute = made.snapshot("KRW-BTC").candles.series[0]
    minute.closed.append(minute.forming)
    minute.forming = None
    assert seen(made).opens == AT


def test_a_level_names_the_most_wanted_only_and_comes_back_whole():
    made = engine(*(trade(100.0, 0.0, f"KRW-{n}") for n in range(MOST + 5)))
    level = watched(Market.UPBIT, made.states, made.rules, {"KRW-X": Millis(5)}, AT)
    assert [one.symbol for one in level.sights] == [f"KRW-{n}" for n in range(MOST)]
    assert msgspec.json.decode(msgspec.json.encode(level), type=Watched) == level


def test_a_level_of_a_hundred_symbols_is_small_enough_to_be_written_every_few_seconds():
    import zlib

    made = engine(*(trade(100.0 + n, 0.0, f"KRW-{n}") for n in range(MOST)))
    body = zlib.compress(msgspec.json.encode(watched(Market.UPBIT, made.states, made.rules, {}, AT)))
    assert len(body) < 8_000
