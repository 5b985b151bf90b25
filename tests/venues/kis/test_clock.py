"""D2, D8: the tables that a frame's texts are looked up in."""

from core.venues.kis.clock import CODES, Amounts


def test_an_amount_is_the_value_of_its_digits():
    amounts = Amounts()

    assert [amounts[text] for text in (b"71900", b"0", b"71900", b"12.5")] == [71900.0, 0.0, 71900.0, 12.5]


def test_a_day_of_ever_new_amounts_never_fills_the_memory():
    amounts = Amounts()

    for amount in range(3 * CODES):
        assert amounts[b"%d" % amount] == amount
    assert len(amounts) <= CODES
