"""D2, D8: what a frame's texts are looked up in."""

import pytest

from core.venues.table import MOST, Table


def test_a_text_is_worked_out_once():
    asked = []
    table = Table(lambda text: asked.append(text) or float(text))

    assert [table[text] for text in (b"71900", b"0", b"71900", b"12.5")] == [71900.0, 0.0, 71900.0, 12.5]
    assert asked == [b"71900", b"0", b"12.5"]


def test_a_text_that_is_refused_is_refused_every_time_and_never_kept():
    table = Table(int)

    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            table["x"]
    assert len(table) == 0


def test_ever_new_texts_never_fill_the_memory():
    table = Table(int)

    for number in range(3 * MOST):
        assert table[str(number)] == number
    assert len(table) <= MOST
