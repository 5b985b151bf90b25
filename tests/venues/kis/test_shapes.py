"""A frame of trades that a pattern takes reads as one that is split: same events, or the same refusal (D1, D3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import WireSurprise
from core.domain.events import Drift
from core.venues.kis.fields import TRADE, TRS
from core.venues.kis.records import cut
from core.venues.kis.shapes import HEAD, HEADS, SHAPES
from core.venues.kis.stream import decode, several
from tests.venues.kis.wirecraft import frame

SEEN = 1_700_000_000_000
CELLS = {
    "MKSC_SHRN_ISCD": ["005930", "0074K0", "x"],
    "STCK_CNTG_HOUR": ["090000", "153000", "250000", ""],
    "STCK_PRPR": ["71900", "0", "-1", "1e3", "nan", "9" * 15, "9" * 16, "71900.5", ".", ""],
    "CNTG_VOL": ["3", "0", "-3", "inf", "9" * 16],
    "ACML_VOL": ["1000", "0", "-1", "9" * 13, "9" * 14, "1_0", "1.5"],
    "CCLD_DVSN": ["1", "5", "3", ""],
    "BSOP_DATE": ["20261120", "20261332", ""],
    "HOUR_CLS_CODE": ["0", "A", "D", ""],
}


@st.composite
def rows(draw):
    width = draw(st.sampled_from([46, 47, 48, 45]))
    row = dict.fromkeys(TRADE[:width], "7")
    if width == 48:
        row["more"] = "7"
    for name, allowed in CELLS.items():
        usual = draw(st.integers(0, 5)) > 0
        row[name] = allowed[0] if usual else draw(st.sampled_from(allowed))
    return list(row.values())


def split(body):
    """The same frame by the other way."""
    _, name, count, payload = body.split(b"|", 3)
    return cut(payload, int(count), TRS[name.decode()], body, SEEN)


def told(read, body):
    try:
        return list(read(body))
    except (WireSurprise, ValueError, LookupError, ArithmeticError):
        return "refused"


@given(st.sampled_from(["H0STCNT0", "H0UNCNT0", "H0NXCNT0"]), st.lists(rows(), min_size=1, max_size=4))
def test_both_ways_tell_the_same(tr, trades):
    body = frame(tr, *trades)

    assert told(lambda each: decode(each, SEEN), body) == told(split, body)


@st.composite
def frames(draw):
    """Records of one stock and second, as KIS sends them, but for what is drawn to be different in one of them."""
    width = draw(st.sampled_from([46, 47, 50]))
    usual = list((dict.fromkeys(TRADE, "7") | {name: allowed[0] for name, allowed in CELLS.items()}).values())
    records = []
    for number in range(draw(st.integers(1, 20))):
        record = [*usual, "", "x", "1"][:width]
        record[TRADE.index("ACML_VOL")] = str(1_000 + number)
        record[TRADE.index("STCK_PRPR")] = str(draw(st.integers(0, 99_999)))
        records.append(record)
    if draw(st.booleans()):
        record, place = draw(st.sampled_from(records)), draw(st.integers(0, width - 1))
        record[place] = draw(st.sampled_from(["005930", "000660", "0", "", "090001", "5", "A", "20261121", "\n", "-1"]))
    if draw(st.integers(0, 9)) == 0:
        draw(st.sampled_from(records)).append("7")
    return frame(draw(st.sampled_from(["H0STCNT0", "H0UNCNT0", "H0NXCNT0"])), *records)


@given(st.lists(frames(), min_size=1, max_size=4))
def test_frames_of_alike_records_tell_the_same_by_every_way(bodies):
    """Whole frames by one pattern, records one by one, and split: also where a cell equals the symbol, another stock
    is among them, the width changes, or there are more records than a pattern is made for."""
    for body in bodies:
        assert told(lambda each: decode(each, SEEN), body) == told(split, body)
    each = [told(lambda one: decode(one, SEEN), body) for body in bodies]
    together = "refused" if "refused" in each else [event for events in each for event in events]
    assert told(lambda all_of_them: several(all_of_them, SEEN), bodies) == together


def test_a_whole_frame_of_alike_records_is_taken_at_once_in_either_width():
    row = list((dict.fromkeys(TRADE, "7") | {name: allowed[0] for name, allowed in CELLS.items()}).values())
    for width in (46, 47, 46):
        body = frame("H0STCNT0", *[row[:width]] * 3)
        decode(body, SEEN)
        assert len(SHAPES.takes[body[:HEAD]](body)) == 1
    other = frame("H0STCNT0", row[:46], ["000660", *row[1:46]])
    assert SHAPES.takes[other[:HEAD]](other) == []
    assert len(decode(other, SEEN)) == 2


@pytest.mark.parametrize("count", [1, 2, 9, 40])
@pytest.mark.parametrize("width", [46, 47])
def test_any_number_of_records_reads_by_a_pattern(width, count):
    row = dict.fromkeys(TRADE[:width], "7") | {name: allowed[0] for name, allowed in CELLS.items()}
    body = frame("H0STCNT0", *[list(row.values())] * count)

    assert len(decode(body, SEEN)) == count
    assert len(SHAPES.fit(body)) == count


def test_the_width_that_came_last_is_looked_for_first():
    wide = dict.fromkeys(TRADE, "7") | {name: allowed[0] for name, allowed in CELLS.items()}
    old, new = list(wide.values())[:46], list(wide.values())
    for row in (new, new, old, old, new):
        assert SHAPES.fit(frame("H0STCNT0", row)) is not None
        assert SHAPES.patterns[0].fullmatch(b"^".join(cell.encode() for cell in row))


def test_every_prefix_and_a_longer_frame_are_refused_or_told_by_the_other_way():
    row = list((dict.fromkeys(TRADE[:46], "7") | {name: allowed[0] for name, allowed in CELLS.items()}).values())
    body = frame("H0STCNT0", row, row)
    for end in range(16, len(body), 7):
        assert told(lambda each: decode(each, SEEN), body[:end]) == told(split, body[:end])
    assert told(lambda each: decode(each, SEEN), body + b"^7") == told(split, body + b"^7")


def test_odd_heads_are_none_of_trades_and_leave_nothing_behind():
    before = dict(HEADS)
    heads = (
        b"",
        b"0",
        b"0|H0STASP0|001|",
        b"0|XXXXXXXX|001|",
        b"1|H0STCNT0|001|",
        b"0|H0STCNT0|000|",
        b"0|H0STCNT0|0x1|",
    )
    assert [HEADS[head] for head in heads] == [0] * len(heads)
    assert {head for head in HEADS if head not in before} <= {b"0|H0STCNT0|000|"}


def test_a_grown_record_is_told_beside_its_events():
    row = dict.fromkeys(TRADE, "7") | {name: allowed[0] for name, allowed in CELLS.items()} | {"more": "1"}
    events = decode(frame("H0STCNT0", list(row.values())), SEEN)

    assert type(events[-1]) is Drift
    assert len(events) == 2
