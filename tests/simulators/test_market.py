"""The simulated market as a pure thing: seed, start and moment in, prices and trades out."""

import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.values import DAY, MINUTE, Market, Millis
from core.simulators.books import book, grouped, levels
from core.simulators.coins import listing
from core.simulators.market import SimulatedMarket
from core.simulators.stories import DEMO
from core.venues.spec import venue

START = 1_790_134_742_106


def market(seed: int = 7, won: int = 40, start: int = START) -> SimulatedMarket:
    return SimulatedMarket(seed=seed, start=start, coins=listing(won))


@pytest.fixture(scope="module")
def minute() -> tuple[SimulatedMarket, list]:
    """A market that ran for three minutes, and all it printed."""
    one = market()
    return one, [trade for second in range(0, 180, 7) for trade in one.advance(START + second * 1000).trades]


def test_the_same_seed_prints_the_same_trades_however_the_time_is_cut():
    whole = market(won=10).advance(START + 20_000).trades
    one = market(won=10)
    parts = [trade for step in range(0, 20_001, 130) for trade in one.advance(START + step).trades]
    parts += one.advance(START + 20_000).trades
    assert whole == parts
    assert len(whole) > 100


def test_another_seed_prints_other_trades():
    assert market(1, 10).advance(START).trades != market(2, 10).advance(START).trades


@pytest.mark.parametrize("seed", range(6))
def test_ordinary_prices_stay_within_three_percent_of_their_average(seed):
    one = market(seed)
    for line in one.lines.values():
        assert abs(line.last.price / line.average(20, START) - 1) < 0.035, line.coin.symbol


def test_every_printed_price_is_on_the_venue_s_ladder(minute):
    rules = venue(Market.UPBIT).rules
    for trade in minute[1]:
        price = Decimal(repr(trade.price))
        assert price % rules.tick(trade.symbol, price, Millis(trade.at)) == 0, trade


def test_trades_happen_at_the_best_prices_shown_and_quantities_are_positive(minute):
    for trade in minute[1]:
        assert trade.price == (trade.ask if trade.buying else trade.bid)
        assert trade.bid < trade.ask
        assert trade.quantity > 0


def test_sequences_are_unique_within_a_pair_and_grow_with_the_trade_s_time(minute):
    by_symbol: dict[str, list] = {}
    for trade in minute[1]:
        by_symbol.setdefault(trade.symbol, []).append(trade)
    for trades in by_symbol.values():
        ordered = sorted(trades, key=lambda trade: trade.sequence)
        assert len({trade.sequence for trade in trades}) == len(trades)
        assert [trade.at for trade in ordered] == sorted(trade.at for trade in trades)


def test_some_trades_are_told_after_newer_ones_and_less_than_a_second_late(minute):
    late = [trade for trade in minute[1] if trade.told > trade.at]
    assert late
    assert all(200 <= trade.told - trade.at < 900 for trade in late)


def fold(trades, span=MINUTE):
    """An independent plain fold: (open, high, low, close, volume, value) by opening time."""
    candles: dict[int, list] = {}
    for trade in sorted(trades, key=lambda trade: trade.sequence):
        row = candles.setdefault(trade.at // span * span, [trade.price, trade.price, trade.price, trade.price, 0, 0])
        row[1], row[2], row[3] = max(row[1], trade.price), min(row[2], trade.price), trade.price
        row[4] += trade.quantity
        row[5] += trade.quantity * trade.price
    return candles


@pytest.mark.parametrize("symbol", ["KRW-BTC", "KRW-SHIB", "BTC-ETH"])
def test_live_candles_equal_the_fold_of_the_trades_printed(minute, symbol):
    one, trades = minute
    folded = fold([trade for trade in trades if trade.symbol == symbol])
    served = [candle for candle in one.lines[symbol].candles(MINUTE, 10, START + 180_000) if candle.opens >= one.birth]
    assert {candle.opens for candle in served} == set(folded)
    for candle in served:
        assert candle[1:5] == pytest.approx(folded[candle.opens][:4], rel=1e-12)
        assert candle[5:7] == pytest.approx(folded[candle.opens][4:], rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    span=st.sampled_from([3, 5, 15, 60, 240]),
    count=st.integers(1, 60),
    back=st.integers(0, 10 * DAY),
)
def test_candles_of_any_length_equal_the_fold_of_the_one_minute_ones(span, count, back):
    line = LONG.lines["KRW-SOL"]
    end = START - back
    found = line.candles(span * MINUTE, count, end)
    assert len(found) == count
    assert all(candle.opens < end for candle in found)
    whole = line.minutes(found[-1].opens, found[0].opens + span * MINUTE).rows()
    for candle in found:
        part = [one for one in whole if candle.opens <= one.opens < candle.opens + span * MINUTE]
        assert (candle.open, candle.close) == (part[0].open, part[-1].close)
        assert candle.high == max(one.high for one in part)
        assert candle.low == min(one.low for one in part)
        assert candle.volume == pytest.approx(sum(one.volume for one in part))


LONG = market(won=8)


def test_day_candles_reach_back_to_the_listing_and_no_further():
    line = LONG.lines["KRW-BTC"]
    days = line.candles(DAY, 200, START)
    assert len(days) == 200
    assert [older.opens + DAY for older in days[1:]] == [newer.opens for newer in days[:-1]]
    assert line.candles(DAY, 5, LONG.birth - 1001 * DAY) == []
    assert line.candles(MINUTE, 5, LONG.birth - 1001 * DAY) == []


def test_candles_keep_low_and_high_around_open_and_close():
    for candle in LONG.lines["KRW-DOGE"].candles(MINUTE, 500, START):
        assert candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high


def test_a_thin_pair_has_minutes_without_a_candle_and_little_value():
    one = market()
    line = one.lines["KRW-CARV"]
    opens = [candle.opens for candle in line.candles(MINUTE, 60, START)]
    assert opens[0] - opens[-1] > 60 * MINUTE
    assert line.summary(START).value_24h < 100_000_000


def test_ticker_sums_are_those_of_the_day_and_of_the_last_24_hours():
    one = market(won=8)
    one.advance(START + 65_000)
    line = one.lines["KRW-ETH"] if "KRW-ETH" in one.lines else one.lines["KRW-BTC"]
    at = START + 65_000
    today = line.candles(DAY, 1, at)[0]
    summary = line.summary(at)
    assert (summary.opening, summary.high, summary.low) == (today.open, today.high, today.low)
    assert summary.value == pytest.approx(today.value, rel=1e-9)
    day = line.minutes(at // MINUTE * MINUTE - DAY + MINUTE, at).rows()
    assert summary.volume_24h == pytest.approx(sum(candle.volume for candle in day), rel=1e-9)
    assert summary.previous_close == line.candles(DAY, 2, at)[1].close


def test_at_midnight_utc_the_day_s_sums_begin_again():
    midnight = (START // DAY + 1) * DAY
    one = market(won=8, start=midnight - 30_000)
    one.advance(midnight - 1)
    line = one.lines["KRW-BTC"]
    before = line.last.price
    one.advance(midnight + 40_000)
    summary = line.summary(midnight + 40_000)
    printed = [trade for trade in line.prints if trade.at >= midnight]
    assert summary.previous_close == before
    assert summary.volume == pytest.approx(sum(trade.quantity for trade in printed), rel=0.2)
    assert summary.opening == printed[0].price
    assert summary.value_24h > summary.value * 100


def test_books_are_sorted_never_crossed_and_padded_with_zeros():
    one = market()
    one.advance(START + 3000)
    for line in one.lines.values():
        units = book(line)
        asks, bids = [unit.ask for unit in units if unit.ask], [unit.bid for unit in units if unit.bid]
        assert asks == sorted(set(asks))
        assert bids == sorted(set(bids), reverse=True)
        assert bids[0] < asks[0]
        assert len(units) == 30
        assert len(asks) == line.coin.depth
        assert all(unit == (0, 0, 0, 0) for unit in units[line.coin.depth :])


def test_grouping_keeps_the_sizes_of_all_levels_and_moves_prices_apart():
    line = market(won=8).lines["KRW-BTC"]
    plain, steps = book(line), levels(line)
    assert steps == [0.0, 10_000.0, 100_000.0, 1_000_000.0, 10_000_000.0]
    units = grouped(line, 10_000.0)
    assert all(unit.ask % 10_000 == 0 and unit.bid % 10_000 == 0 for unit in units)
    assert sum(unit.ask_size for unit in units) == pytest.approx(sum(unit.ask_size for unit in plain))
    assert levels(market(won=8).lines["BTC-ETH"]) == [0.0]


def test_books_change_on_the_hundred_millisecond_grid_only():
    turn = market(won=8).advance(START + 2000)
    assert turn.books
    assert all(at % 100 == 0 for at in turn.books.values())


@pytest.fixture(scope="module")
def demo() -> tuple[dict, dict, SimulatedMarket]:
    """A demo of 70 s: disparity of each story's symbol at each second."""
    one = market()
    one.play(DEMO, START)
    average = {line.coin.symbol: line.average(20, START) for line in one.lines.values()}
    seen = {}
    for second in range(71):
        one.advance(START + second * 1000 + 999)
        seen[second] = {story.name: one.lines[story.symbol].last.price / average[story.symbol] - 1 for story in DEMO}
    return seen, average, one


def first(seen, name, test):
    return next((second for second in sorted(seen) if test(seen[second][name])), math.inf)


@pytest.mark.parametrize("name", ["rebound", "falling", "sideways", "warned"])
def test_a_falling_story_passes_the_threshold_between_second_4_and_14_and_waits_to_be_bought(demo, name):
    seen = demo[0]
    bought = first(seen, name, lambda level: level <= -0.082)
    assert 4 <= bought <= 14
    for second in range(int(bought) + 1, int(bought) + 11):
        assert -0.10 < seen[second][name] < -0.085


def test_the_rebound_reaches_take_profit_and_the_fall_goes_through_the_stop(demo):
    seen = demo[0]
    assert first(seen, "rebound", lambda level: level > -0.02) < 30
    assert first(seen, "falling", lambda level: level < -0.13) < 30


def test_the_held_ones_touch_neither_stop_nor_profit_until_the_day_ends(demo):
    seen = demo[0]
    for name in ("sideways", "warned"):
        held = [1 + seen[second][name] for second in range(14, 71)]
        assert min(held) / (1 - 0.08) > 0.97
        assert max(held) / (1 - 0.096) < 1.05


def test_one_stays_near_the_threshold_without_reaching_it(demo):
    levels_seen = [demo[0][second]["near"] for second in range(3, 71)]
    assert all(-0.0795 < level < -0.0715 for level in levels_seen)


def test_a_warning_is_raised_while_the_warned_one_is_held(demo):
    one = demo[2]
    assert "WARNING" not in one.flags("KRW-APT", START + 20_000)
    assert "WARNING" in one.flags("KRW-APT", START + 25_000)


def test_the_breakout_passes_yesterday_s_high(demo):
    line = demo[2].lines["KRW-ETC"]
    yesterday = line.candles(DAY, 2, START)[1]
    assert yesterday.high < line.last.price


def test_the_surge_multiplies_the_value_traded_while_the_price_falls(demo):
    one = demo[2]
    line = one.lines["KRW-SUI"]
    trades = [trade for trade in line.prints if START + 14_000 <= trade.at < START + 34_000]
    ordinary = line.coin.value / 86_400 * 20
    assert sum(trade.price * trade.quantity for trade in trades) > 10 * ordinary
    assert trades[-1].price < trades[0].price * 0.97


def test_stories_move_nobody_else(demo):
    told = {story.symbol for story in DEMO}
    one, average = demo[2], demo[1]
    for line in one.lines.values():
        if line.coin.symbol not in told:
            assert abs(line.last.price / average[line.coin.symbol] - 1) < 0.035


def test_a_push_moves_one_price_by_what_was_asked_and_keeps_it_there():
    one = market(won=8)
    one.advance(START)
    before = one.lines["KRW-BTC"].last.price
    one.push("KRW-BTC", -0.05, 2.0, START)
    one.advance(START + 10_000)
    assert one.lines["KRW-BTC"].last.price / before == pytest.approx(0.95, abs=0.003)
    with pytest.raises(KeyError):
        one.push("KRW-NONE", 0.1, 1, START)
    with pytest.raises(ValueError):
        one.push("KRW-BTC", -1.0, 1, START)


def test_flags_are_raised_and_lowered_by_hand():
    one = market()
    assert one.flags("KRW-AQT", START) == {"WARNING"}
    one.flag("KRW-AQT", "WARNING", raised=False)
    one.flag("KRW-BTC", "PRICE_FLUCTUATIONS", raised=True)
    assert one.flags("KRW-AQT", START) == frozenset()
    assert one.flags("KRW-BTC", START) == {"PRICE_FLUCTUATIONS"}


def test_a_market_of_a_thousand_pairs_can_be_made():
    one = market(won=1000)
    assert len(one.lines) == 1006
    assert len(one.advance(START).books) > 500


def test_the_highest_and_lowest_of_52_weeks_take_in_today():
    one = market(won=8)
    one.advance(START)
    line = one.lines["KRW-XRP"]
    high, high_at, low, low_at = line.extremes()
    assert low < line.last.price < high
    assert max(high_at, low_at) <= START
    one.push("KRW-XRP", 0.5, 1, START)
    one.advance(START + 4_000)
    assert line.extremes()[:2] == (line.high, line.day)
    one.push("KRW-XRP", -0.7, 1, START + 4_000)
    one.advance(START + 9_000)
    assert line.extremes()[2:] == (line.low, line.day)
