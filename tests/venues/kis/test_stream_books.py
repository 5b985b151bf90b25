"""KIS's books and market states, every field of reference/kis.md 7.6 and 7.7 (D1)."""

import pytest

from core.domain.errors import WireSurprise
from core.domain.events import (
    Book,
    Drift,
    MarketState,
)
from core.domain.values import Instrument, Market
from core.venues.kis.fields import BOOK
from core.venues.kis.stream import decode
from tests.venues.kis.wirecraft import (
    BOOK_59,
    EVENTS,
    SAMSUNG,
    SEEN,
    STATE_10,
    book,
    frame,
    kst,
    state,
)

# ---- books -----------------------------------------------------------------------------------------------------------


def test_a_public_book_reads_as_it_is_printed():
    (found,) = decode(BOOK_59, SEEN)
    assert isinstance(found, Book)
    assert found.instrument == SAMSUNG
    assert found.at == kst("2026-11-20 09:37:30")
    assert len(found.levels) == 10
    best, last = found.levels[0], found.levels[9]
    assert (best.ask, best.ask_size, best.bid, best.bid_size) == (71900, 91918, 71800, 95221)
    assert (last.ask, last.ask_size, last.bid, last.bid_size) == (72800, 104229, 70900, 158171)


@pytest.mark.parametrize(
    ("tr", "width", "drifts"),
    [
        ("H0STASP0", 59, False), ("H0STASP0", 62, False), ("H0STASP0", 63, False), ("H0STASP0", 64, True),
        ("H0UNASP0", 65, False), ("H0UNASP0", 66, False), ("H0UNASP0", 67, True),
        ("H0NXASP0", 62, False), ("H0NXASP0", 65, False), ("H0NXASP0", 66, True),
    ],
)  # fmt: skip
def test_a_book_is_read_by_place_whatever_its_tail(tr, width, drifts):
    row = (book(ASKP1="101", BIDP1="100", ASKP_RSQN1="5", BIDP_RSQN1="6") + ["9"] * 10)[:width]
    found, *rest = decode(frame(tr, row), SEEN)
    assert found.levels[0] == (found.levels[0].__class__)(100.0, 6.0, 101.0, 5.0)
    assert [type(event) for event in rest] == ([Drift] if drifts else [])


def test_steps_that_nobody_offers_are_left_off_and_an_empty_book_keeps_one():
    (two,) = decode(frame("H0STASP0", book(ASKP1="101", BIDP1="100", BIDP2="99")), SEEN)
    assert [(step.bid, step.ask) for step in two.levels] == [(100.0, 101.0), (99.0, 0.0)]
    (none,) = decode(frame("H0STASP0", book()), SEEN)
    assert (len(none.levels), none.bid, none.ask) == (1, 0.0, 0.0)


@pytest.mark.parametrize(
    "name", [f"{side}{step}" for side in ("ASKP", "BIDP", "ASKP_RSQN", "BIDP_RSQN") for step in range(1, 11)]
)
def test_every_price_and_size_of_a_book_must_be_an_amount(name):
    for text in ("", "-1", "nan", "inf"):
        with pytest.raises(WireSurprise):
            decode(frame("H0STASP0", book(**{name: text})), SEEN)


def test_the_rest_of_a_book_may_be_empty():
    for name in BOOK[2:3] + BOOK[43:]:
        assert isinstance(decode(frame("H0STASP0", book(**{name: ""})), SEEN)[0], Book)


@pytest.mark.parametrize(
    ("hour", "seen", "at"),
    [
        ("093730", "2026-11-20 09:37:31", "2026-11-20 09:37:30"),
        ("235959", "2026-11-21 00:00:03", "2026-11-20 23:59:59"),
        ("000001", "2026-11-20 23:59:58", "2026-11-21 00:00:01"),
    ],
)
def test_a_time_without_a_date_is_the_one_nearest_to_when_it_was_seen(hour, seen, at):
    (found,) = decode(frame("H0STASP0", book(BSOP_HOUR=hour)), kst(seen))
    assert found.at == kst(at)


# ---- market states ---------------------------------------------------------------------------------------------------


def test_the_public_market_state_reads_as_it_is_printed():
    (found,) = decode(STATE_10, SEEN)
    assert found == MarketState(
        instrument=Instrument(Market.KRX, "396300"), halted=False, interrupted=False, code="311", seen=SEEN
    )


@pytest.mark.parametrize("tr", ["H0STMKO0", "H0UNMKO0", "H0NXMKO0"])
@pytest.mark.parametrize(("width", "drifts"), [(10, False), (11, False), (12, True)])
def test_a_market_state_has_ten_or_eleven_fields(tr, width, drifts):
    found, *rest = decode(frame(tr, [*state(VI_CLS_CODE="Y"), "1"][:width]), SEEN)
    assert found.interrupted
    assert not found.halted
    assert [type(event) for event in rest] == ([Drift] if drifts else [])


HALTED = {"164", "174"}


@pytest.mark.parametrize("code", EVENTS.split())
def test_every_event_of_the_market_is_kept_and_only_a_halt_or_a_breaker_halts(code):
    (found,) = decode(frame("H0STMKO0", state(MKOP_CLS_CODE=code)), SEEN)
    assert (found.code, found.halted) == (code, code in HALTED)


@pytest.mark.parametrize("code", ["112", "121", "129", "311"])
def test_an_expected_event_is_told_where_there_is_no_other(code):
    (found,) = decode(frame("H0STMKO0", state(ANTC_MKOP_CLS_CODE=code)), SEEN)
    assert found.code == code


def test_a_halt_shows_in_its_own_flag_or_in_the_status():
    """A status is one value, so it can hide a halt and a halt can hide behind it."""
    assert decode(frame("H0STMKO0", state(TRHT_YN="Y", ISCD_STAT_CLS_CODE="55")), SEEN)[0].halted
    assert decode(frame("H0STMKO0", state(TRHT_YN="N", ISCD_STAT_CLS_CODE="58")), SEEN)[0].halted
    assert not decode(frame("H0STMKO0", state(ISCD_STAT_CLS_CODE="51")), SEEN)[0].halted


@pytest.mark.parametrize("name", ["TRHT_YN", "VI_CLS_CODE"])
def test_what_is_neither_yes_nor_no_does_not_read(name):
    with pytest.raises(WireSurprise):
        decode(frame("H0STMKO0", state(**{name: "?"})), SEEN)
