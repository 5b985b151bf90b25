"""F2: a small chart where the channel can show one."""

import math
import struct
import sys
import warnings

import pytest

from core.adapters.pictures import picture
from core.domain.messages import Alert, Kind
from core.domain.values import Instrument, Market, Millis


def alert(kind, chart, **more):
    return Alert(id="a", kind=kind, at=Millis(0), chart=tuple(chart), **more)


def size(png):
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


@pytest.mark.parametrize(
    "chart",
    [[1.0, 2.0], [5.0] * 30, [143e6 + 1e6 * math.sin(n) for n in range(60)], [1e-8, 2e-8, 1.5e-8], [-3.0, 0.0]],
)
def test_prices_become_a_small_picture(chart):
    drawn = picture(alert(Kind.SIGNAL, chart))
    assert size(drawn) == (640, 320)
    assert len(drawn) < 200_000


@pytest.mark.parametrize("chart", [[12_000.0], [0.0], [3000.0, 12000.0, -4000.0, 22000.0]])
def test_a_day_s_results_become_a_curve_from_zero(chart):
    assert size(picture(alert(Kind.SUMMARY, chart))) == (640, 320)


def test_without_points_there_is_no_picture():
    assert picture(alert(Kind.SUMMARY, [])) is None
    assert picture(alert(Kind.SIGNAL, [])) is None
    assert picture(alert(Kind.SIGNAL, [1.0])) is None


def test_a_picture_says_what_it_is_of_in_letters_that_can_be_drawn_everywhere():
    """A Lambda image has no font with Hangul: a box instead of a letter would be drawn, and a warning written."""
    stock = Instrument(Market.KRX, "005930")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = picture(alert(Kind.SUMMARY, [1.0, 2.0], market=Market.KRX, rule="2026-01-02"))
        other = picture(alert(Kind.SUMMARY, [1.0, 2.0], rule="2026-01-02"))
        named = picture(alert(Kind.SIGNAL, [1.0, 2.0], instrument=stock, name="삼성전자"))
        odd = picture(alert(Kind.SUMMARY, [1.0, 2.0], rule="$\\frac 결산"))
    assert len({first, other, named, odd}) == 4


def test_rise_and_fall_differ():
    assert picture(alert(Kind.SIGNAL, [1.0, 2.0])) != picture(alert(Kind.SIGNAL, [2.0, 1.0]))


def test_no_window_system_and_no_global_figure_is_touched():
    before = "matplotlib.pyplot" in sys.modules
    picture(alert(Kind.SIGNAL, [1.0, 2.0]))
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_one_alert_for_several_channels_is_drawn_once():
    """F2: drawing is most of what a notification costs."""
    one, same = (alert(Kind.SIGNAL, [1.0, 2.0, 1.5]) for _ in range(2))

    assert picture(one) is picture(same)
    assert picture(one) != picture(alert(Kind.SIGNAL, [1.0, 2.0, 1.7]))
