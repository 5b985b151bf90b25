"""D8: how far a candle can be trusted, and that each one says so."""

from core.domain.quality import Quality
from tests.domain.test_series import MINUTE, T0, bar, fresh, take


def marks(series):
    return [(c.opens - T0, c.quality, c.reason) for c in series.closed]


def test_a_gap_marks_the_candles_that_it_touches_and_no_others():
    """D8: and those that come to be within it later."""
    series = fresh()
    take(series, *((T0 + n * MINUTE, 10.0, 1.0) for n in range(5)))

    told = series.tear(T0 + 2 * MINUTE + 30_000, T0 + 3 * MINUTE + 30_000, "the line was cut")
    assert [candle.opens - T0 for candle in told] == [2 * MINUTE, 3 * MINUTE]
    assert series.tear(T0 + 2 * MINUTE + 30_000, T0 + 2 * MINUTE + 40_000) == []
    assert [quality for _, quality, _ in marks(series)] == ["whole", "whole", "gapped", "gapped"]
    assert marks(series)[2][2] == "the line was cut"
    assert series.forming.quality == "whole"
    series.tear(T0 + 4 * MINUTE + 10_000, T0 + 5 * MINUTE + 10_000)
    assert series.forming.quality == "gapped"
    take(series, (T0 + 5 * MINUTE, 10.0, 1.0), (T0 + 6 * MINUTE, 10.0, 1.0), (T0 + 7 * MINUTE, 10.0, 1.0))
    assert [quality for _, quality, _ in marks(series)[4:]] == ["gapped", "gapped", "whole"]


def test_what_began_before_we_listened_is_partial():
    series = fresh()
    take(series, (T0, 10.0, 1.0), (T0 + MINUTE, 10.0, 1.0))

    assert [candle.opens - T0 for candle in series.listen(T0 + MINUTE + 20_000)] == [0]
    assert (series.closed[0].quality, series.forming.quality) == ("partial", "partial")
    later = fresh()
    assert later.listen(T0 + 20_000) == []
    take(later, (T0 + 30_000, 10.0, 1.0), (T0 + MINUTE, 10.0, 1.0))
    assert (later.closed[0].quality, later.forming.quality) == ("partial", "whole")


def test_the_venue_s_own_bar_is_back_filled_and_one_begun_with_its_unfinished_bar_is_partial():
    series = fresh()
    take(series, (T0, 10.0, 1.0), (T0 + MINUTE, 10.0, 1.0))
    series.tear(T0, T0 + 10)

    series.adopt([bar(0), bar(1, closed=False)], T0)

    assert marks(series) == [(0, "back-filled", "told by the venue")]
    assert (series.forming.quality, series.forming.reason) == ("partial", "begun with the venue's unfinished bar")
    assert series.closed[0].spoil(Quality.GAPPED, "no") is False


def test_live_nothing_is_whole_that_began_before_we_are_known_to_listen(desk):
    """D8: a trade of a subscription that is ending begins no whole candle; in replay all of them are."""
    told = []
    made = desk.engine(on_candle=told.append)
    made.since = 2**62
    for minute in range(3):
        made.step(desk.trade(minute * 60_000, 100))
    made.listen("KRW-A", desk.T0 + 130_000)
    for minute in range(3, 6):
        made.step(desk.trade(minute * 60_000, 100))

    minutes = [bar for bar in told if bar.span == 60_000]
    assert [bar.quality for bar in minutes] == ["partial", "partial", "partial", "whole", "whole"]
    assert desk.engine().since == 0


def test_candles_that_were_told_as_whole_are_told_again_when_they_turn_out_not_to_be(desk):
    told = []
    made = desk.engine(on_candle=told.append)
    for minute in range(3):
        made.step(desk.trade(minute * 60_000, 100))
    made.gap("KRW-A", desk.T0 + 30_000, desk.T0 + 50_000, "cut")
    made.heal("KRW-A", 60_000, desk.T0 + 40_000)
    assert made.snapshot("KRW-A").series(60_000).gap_end
    made.heal("KRW-A", 60_000, desk.T0 + 60_000)
    made.heal("KRW-X", 60_000, desk.T0)
    assert not made.snapshot("KRW-A").series(60_000).gap_end
    again = told[-1]
    assert (again.opens, again.quality, again.reason) == (desk.T0, "gapped", "cut")
    assert made.snapshot("KRW-A").stamp > 0


def test_a_trade_that_came_too_late_spoils_the_candle_that_lacks_it(desk):
    made = desk.engine()
    for minute in range(4):
        made.step(desk.trade(minute * 60_000, 100))
    made.step(desk.trade(30_000, 100))
    closed = made.snapshot("KRW-A").series(60_000).closed
    assert [(candle.quality, candle.reason) for candle in closed][:2] == [
        ("gapped", "a trade came too late"),
        ("whole", ""),
    ]
