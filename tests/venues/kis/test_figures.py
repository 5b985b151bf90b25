"""Text that KIS calls figures, codes and times (reference/kis.md 1.2)."""

import pytest

from core.domain.errors import WireSurprise
from core.domain.values import DAY, MINUTE, Millis
from core.venues.kis.figures import (
    amount,
    change,
    clock,
    day,
    day_began,
    instrument,
    iso,
    last,
    midnight,
    number,
    of_day,
    stamp,
)

NINE = stamp("20261120", "090000")


def test_a_korean_date_and_time_is_a_moment_and_back():
    assert NINE == 1_795_132_800_000
    assert (day(NINE), clock(NINE), day_began(NINE), iso(day(NINE))) == (
        "20261120",
        "090000",
        midnight("20261120"),
        "2026-11-20",
    )
    assert day(Millis(midnight("20261120") - 1)) == "20261119"


@pytest.mark.parametrize("code", ["005930", "0074K0", "Q530031"])
def test_codes_with_letters_are_stocks(code):
    assert instrument(code).symbol == code
    assert instrument(code) is instrument(code)


@pytest.mark.parametrize("code", ["", "5930", "00593O0", "KRW-BTC", "005930 "])
def test_what_cannot_be_a_code_is_a_surprise(code):
    with pytest.raises(WireSurprise):
        instrument(code)


@pytest.mark.parametrize("text", ["x", "nan", "inf", "1e999", "-"])
def test_what_is_no_figure_is_a_surprise(text):
    with pytest.raises(WireSurprise):
        number(text)


def test_an_amount_is_never_below_nothing():
    assert amount(" 12 ") == 12.0
    with pytest.raises(WireSurprise):
        amount("-1")


@pytest.mark.parametrize(
    ("sign", "share"), [("1", 0.29), ("2", 0.29), ("3", 0.29), ("0", 0.29), ("4", -0.29), ("5", -0.29)]
)
def test_the_sign_beside_a_change_is_heeded(sign, share):
    assert change("29.00", sign) == pytest.approx(share)
    assert change("-29.00", "5") == pytest.approx(-0.29)


@pytest.mark.parametrize("text", ["", "20261320", "2026-1-1", "tomorrow"])
def test_what_is_no_date_is_a_surprise(text):
    with pytest.raises(WireSurprise):
        iso(text)


@pytest.mark.parametrize("text", ["", "240000", "9:00", "096000", "09000"])
def test_what_is_no_time_of_day_is_a_surprise(text):
    with pytest.raises(WireSurprise):
        of_day(text)


def test_a_time_of_day_that_is_still_to_come_is_yesterdays():
    assert last("085959", NINE) == NINE - 1000
    assert last("160000", NINE) == NINE + 7 * 60 * MINUTE - DAY
    assert last("090030", NINE) == NINE + 30_000  # within the error of a clock
