"""G1: what is booked for a fee or a tax, order by order."""

from decimal import Decimal as D
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.charges import charges, unrounded, whole
from core.domain.policies import Booking

values = st.lists(st.decimals(min_value=0, max_value=10**9, places=4), max_size=12)
rates = st.sampled_from([D(0), D("0.000140527"), D("0.0015"), D("0.0020"), D("0.0005")])


@given(values, rates, st.sampled_from(Booking))
def test_however_many_fills_an_order_has_it_is_charged_as_one(parts, rate, booking):
    found = charges(parts, rate, whole(booking))

    exact = sum(map(Fraction, parts), Fraction(0)) * Fraction(rate)
    told = sum(map(Fraction, found), Fraction(0))
    assert len(found) == len(parts)
    match booking:
        case Booking.EXACT:
            assert told == exact
        case Booking.DOWN:
            assert told == int(exact)
        case Booking.NEAREST:
            assert told == int(exact + Fraction(1, 2))


@given(values, rates)
def test_no_fill_is_ever_charged_less_than_nothing(parts, rate):
    assert all(charge >= 0 for booking in Booking for charge in charges(parts, rate, whole(booking)))


@pytest.mark.parametrize(("booking", "booked"), [("nearest", "140"), ("down", "139"), ("exact", "139.824365")])
def test_kis_books_140_for_a_purchase_of_995000(booking, booked):
    """reference/kis.md 8.8, measured there."""
    assert charges([D(995_000)], D("0.000140527"), whole(Booking(booking))) == [D(booked)]


def test_a_venue_that_books_every_decimal_changes_nothing():
    assert unrounded(D("0.123456789")) == D("0.123456789")
