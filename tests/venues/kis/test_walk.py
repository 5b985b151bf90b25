"""A walk over a frame of trades tells what the other ways tell, from source as it does compiled (D1, D3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.events import Beat, Trade
from core.domain.values import Side
from core.venues.kis import shapes, walk
from core.venues.kis.clock import STOCKS
from core.venues.kis.fields import EXPECTED, TRADE
from tests.venues.kis.test_shapes import SEEN, frames, rows, split, told
from tests.venues.kis.wirecraft import frame, trade

FAULTS = (ValueError, LookupError)


def walked(body, width=46):
    """The events of a frame, None where it is not taken; one that is not taken leaves nothing behind."""
    events = ["before"]
    taken = walk.alike(body, shapes.HEADS[body[: shapes.HEAD]], width, SEEN, events)
    assert taken or events == ["before"]
    return events[1:] if taken else None


def agrees(body, width):
    """Takes it as it is split, or not at all; what it refuses is refused there too."""
    try:
        events = walked(body, width)
    except FAULTS:
        return told(split, body) == "refused"
    return events is None or not events or events == told(split, body)


@given(st.lists(rows(), min_size=1, max_size=4), st.sampled_from([46, 47]))
def test_whatever_a_walk_takes_is_told_as_it_is_by_a_split(records, width):
    assert agrees(frame("H0STCNT0", *records), width)


@given(frames(), st.sampled_from([46, 47]), st.integers(0, 1_000), st.binary(max_size=2))
def test_no_mutation_of_a_frame_is_told_otherwise_than_by_a_split(body, width, place, put):
    assert agrees(body, width)
    assert agrees(body[:place] + put + body[place + len(put) :], width)


def test_every_prefix_is_told_as_by_a_split_or_not_taken():
    body = frame("H0STCNT0", trade()[:46], trade()[:46])
    for end in range(shapes.HEAD, len(body)):
        assert agrees(body[:end], 46)


@given(frames())
def test_a_walk_takes_every_frame_that_a_pattern_takes_of_whole_prices(body):
    """Else the compiled way would be the slow one."""
    taken = shapes.SHAPES.takes[body[: shapes.HEAD]](body)

    assert not taken or walked(body, shapes.SHAPES.takes.width) is not None


def test_its_places_are_those_of_the_table():
    """A compiler knows only numbers that are written out."""
    assert walk.HEAD == shapes.HEAD
    places = (walk.PRICE, walk.QUANTITY, walk.TOTAL, walk.TAKER, walk.DATE, walk.PHASE)
    assert (0, 1, *places) == shapes.READ
    assert {chr(code) for code in range(65, 69)} == EXPECTED


@pytest.mark.parametrize(("cell", "side"), [("1", Side.BUY), ("5", Side.SELL), ("3", None), ("", None), ("15", None)])
def test_a_taker_is_one_letter(cell, side):
    (event,) = walked(frame("H0STCNT0", trade(CCLD_DVSN=cell)[:46]))

    assert event.taker is side


@pytest.mark.parametrize("cell", ["1.5", "-1", "", "9" * 16, "1e3"])
def test_a_price_that_is_not_plain_digits_is_left_to_the_others(cell):
    assert walked(frame("H0STCNT0", trade(STCK_PRPR=cell)[:46])) is None


@pytest.mark.parametrize(
    ("cells", "kind"),
    [({"HOUR_CLS_CODE": "A"}, Beat), ({"HOUR_CLS_CODE": "AB"}, Trade), ({"CNTG_VOL": "0"}, Beat), ({}, Trade)],
)
def test_what_is_only_expected_or_zero_is_a_sign_of_life(cells, kind):
    (event,) = walked(frame("H0STCNT0", trade(**cells)[:46]))

    assert type(event) is kind


def test_records_of_several_stocks_and_seconds_are_taken_too():
    one, other = trade()[:46], trade(MKSC_SHRN_ISCD="000660", STCK_CNTG_HOUR="093355")[:46]

    events = walked(frame("H0STCNT0", one, other, one))

    assert [event.instrument for event in events] == [STOCKS[b"005930"], STOCKS[b"000660"], STOCKS[b"005930"]]
    assert events[1].at - events[0].at == 1_000
    assert TRADE.index("MKSC_SHRN_ISCD") == 0


@pytest.mark.parametrize("cells", [{"MKSC_SHRN_ISCD": "x"}, {"STCK_CNTG_HOUR": "250000"}, {"BSOP_DATE": "20261332"}])
def test_a_code_time_or_date_that_means_nothing_is_refused(cells):
    with pytest.raises(FAULTS):
        walked(frame("H0STCNT0", trade(**cells)[:46]))
