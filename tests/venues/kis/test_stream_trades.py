"""KIS's trade frames, every field of reference/kis.md 7.5 (D1)."""

import pytest

from core.domain.errors import WireSurprise
from core.domain.events import (
    Beat,
    Drift,
    Trade,
)
from core.domain.values import Instrument, Market, Side
from core.venues.kis.fields import TRADE, TRS
from core.venues.kis.stream import decode
from core.venues.spec import Topic
from tests.venues.kis.wirecraft import (
    SAMSUNG,
    SEEN,
    TRADE_2023,
    TRADE_2025,
    frame,
    kst,
    trade,
)

TRADES = [name for name, tr in TRS.items() if tr.topic is Topic.TRADE]


def test_a_public_trade_frame_reads_as_it_is_printed():
    (found,) = decode(TRADE_2023, SEEN)
    assert found == Trade(
        instrument=SAMSUNG,
        price=71900.0,
        quantity=1.0,
        taker=Side.BUY,
        at=kst("2023-06-12 09:33:54"),
        seen=SEEN,
        sequence=19520 * 10**13 + 3052507,
        total=3052507,
    )
    (other,) = decode(TRADE_2025, SEEN)
    assert (other.price, other.quantity, other.total, other.at) == (67050.0, 200.0, 8293601, kst("2025-07-22 12:06:51"))


@pytest.mark.parametrize("tr", TRADES)
@pytest.mark.parametrize("width", [46, 47, 50])
@pytest.mark.parametrize("count", range(1, 21))
def test_every_record_of_a_frame_is_read_whatever_its_width(tr, width, count):
    """Width = fields / records: 46 before 2026-09-14, 47 since, and whatever is appended next."""
    rows = []
    for number in range(count):
        row = trade(STCK_PRPR=str(70_000 + number), CNTG_VOL=str(number + 1), ACML_VOL=str(1_000 + number))
        rows.append([*row, "x", "", "y"][:width])
    found = decode(frame(tr, *rows), SEEN)
    trades = [event for event in found if isinstance(event, Trade)]
    assert [(t.price, t.quantity, t.total) for t in trades] == [(70_000 + n, n + 1, 1_000 + n) for n in range(count)]
    assert [t.sequence for t in trades] == sorted({t.sequence for t in trades})
    drifts = [event for event in found if isinstance(event, Drift)]
    assert drifts == ([Drift(tr, 50, 47, frame(tr, *rows), SEEN)] if width == 50 else [])
    assert len(found) == count + len(drifts)


def test_every_field_of_a_trade_may_be_empty_but_those_that_are_read():
    read = {"MKSC_SHRN_ISCD", "STCK_CNTG_HOUR", "STCK_PRPR", "CNTG_VOL", "ACML_VOL", "BSOP_DATE"}
    for name in TRADE:
        row = frame("H0STCNT0", trade(**{name: ""}))
        if name in read:
            with pytest.raises(WireSurprise):
                decode(row, SEEN)
        else:
            assert isinstance(decode(row, SEEN)[0], Trade), name


@pytest.mark.parametrize(("code", "side"), [("1", Side.BUY), ("3", None), ("5", Side.SELL), ("", None)])
def test_the_side_that_crossed_is_the_taker_and_an_auction_has_none(code, side):
    (found,) = decode(frame("H0STCNT0", trade(CCLD_DVSN=code)), SEEN)
    assert found.taker is side


@pytest.mark.parametrize(
    ("code", "kind"), [("0", Trade), ("", Trade), ("A", Beat), ("B", Beat), ("C", Beat), ("D", Beat)]
)
def test_a_match_that_is_only_expected_is_no_trade(code, kind):
    (found,) = decode(frame("H0STCNT0", trade(HOUR_CLS_CODE=code)), SEEN)
    assert type(found) is kind


@pytest.mark.parametrize("code", ["1", "2", "3", "5"])
@pytest.mark.parametrize("phase", [a + b for a in "123478" for b in "012378"])
def test_a_trade_is_one_in_every_session(code, phase):
    (found,) = decode(frame("H0STCNT0", trade(MARKET_CLS_CODE=code, NEW_MKOP_CLS_CODE=phase)), SEEN)
    assert type(found) is Trade


def test_a_row_of_zeros_is_a_sign_of_life_and_no_trade():
    assert decode(frame("H0STCNT0", trade(STCK_PRPR="0", CNTG_VOL="0", ACML_VOL="0")), SEEN) == [Beat(SEEN)]


@pytest.mark.parametrize("price", ["-1", "nan", "inf", "1e300", "x", " ", "7.1.9"])
def test_a_price_that_cannot_be_does_not_read(price):
    with pytest.raises(WireSurprise):
        decode(frame("H0STCNT0", trade(STCK_PRPR=price)), SEEN)


@pytest.mark.parametrize("hour", ["240000", "096000", "090060", "9000", "0900000", "ab0000", "-10000"])
def test_a_time_of_day_that_cannot_be_does_not_read(hour):
    with pytest.raises(WireSurprise):
        decode(frame("H0STCNT0", trade(STCK_CNTG_HOUR=hour)), SEEN)


@pytest.mark.parametrize("day", ["20260231", "19991231", "21000101", "2026112", "2026112x"])
def test_a_date_that_cannot_be_does_not_read(day):
    with pytest.raises(WireSurprise):
        decode(frame("H0STCNT0", trade(BSOP_DATE=day)), SEEN)


@pytest.mark.parametrize("code", ["0074K0", "Q530036", "069500"])
def test_a_code_is_text_letters_and_all(code):
    (found,) = decode(frame("H0STCNT0", trade(MKSC_SHRN_ISCD=code)), SEEN)
    assert found.instrument == Instrument(Market.KRX, code)


def test_many_codes_never_fill_the_memory():
    for number in range(9_000):
        decode(frame("H0STCNT0", trade(MKSC_SHRN_ISCD=f"{number:06d}")), SEEN)
    (found,) = decode(TRADE_2023, SEEN)
    assert found.instrument == SAMSUNG


def test_cells_that_are_no_whole_number_of_records_do_not_read():
    with pytest.raises(WireSurprise):
        decode(b"0|H0STCNT0|002|" + TRADE_2023.split(b"|")[3], SEEN)
    with pytest.raises(WireSurprise):
        decode(frame("H0STCNT0", trade(), trade()).replace(b"|002|", b"|001|"), SEEN)
    with pytest.raises(WireSurprise):
        decode(frame("H0STCNT0", trade()).replace(b"|001|", b"|000|"), SEEN)


def test_trades_of_a_day_have_rising_ids_into_the_next_day():
    """Several trades share one second: what tells them apart is the volume of the day."""
    evening = trade(BSOP_DATE="20261119", STCK_CNTG_HOUR="153000", ACML_VOL="99999999999")
    morning = trade(BSOP_DATE="20261120", STCK_CNTG_HOUR="090000", ACML_VOL="1")
    last, first = (decode(frame("H0STCNT0", row), SEEN)[0] for row in (evening, morning))
    assert last.sequence < first.sequence < 2**63
    assert first.at == kst("2026-11-20 09:00:00")
