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
