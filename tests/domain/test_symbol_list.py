"""A5: the list of symbols that an owner writes by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.symbol_list import read

words = st.text(st.characters(blacklist_characters=",#\n\r", blacklist_categories=("Zl", "Zp", "Zs", "Cc")), max_size=8)
symbols = st.from_regex(r"[0-9A-Z]{6}", fullmatch=True)


@given(rows=st.lists(st.tuples(symbols, words, words), min_size=1, unique_by=lambda row: row[0]))
def test_what_is_written_is_read(rows):
    assert read("\n".join(",".join(row) for row in rows)) == tuple(rows)


def test_comments_empty_lines_and_a_byte_order_mark_count_for_nothing():
    assert read("\ufeff# ours\n\n005930, Samsung\n  \n069500,KODEX 200,ETF # fund") == (
        ("005930", "Samsung", ""),
        ("069500", "KODEX 200", "ETF"),
    )


def test_the_last_line_of_a_symbol_holds():
    assert read("005930,a\n005930,b") == (("005930", "b", ""),)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no symbol"),
        ("# nothing", "no symbol"),
        ("005930\n,name", "line 2"),
        ("005930,a,b,c", "line 1"),
        ("삼성전자", "line 1"),
    ],
)
def test_what_is_no_list_is_refused_with_its_line(text, why):
    with pytest.raises(ValueError, match=why):
        read(text)
