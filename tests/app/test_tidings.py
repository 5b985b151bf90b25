"""F2: what a trade tells people has the figures, and each alert is the same however often it is told."""

from decimal import Decimal

import pytest

from core.app import tidings
from core.app.barriers import plain
from core.domain.messages import Kind
from core.domain.values import Millis
from tests.fakes import AAA, AT, desk_of


@pytest.mark.parametrize(
    ("money", "sign", "text"),
    [("1234.5", "-", "1,234"), ("-99.994", "-", "-99.99"), ("0.5", "+", "+0.50"), ("1000000", "+", "+1,000,000")],
)
def test_money_is_shown_whole_where_it_is_large(money, sign, text):
    assert tidings.shown(Decimal(money), sign=sign) == text


@pytest.mark.parametrize(("number", "text"), [("0.50", "0.5"), ("1E+3", "1,000"), ("12345.00", "12,345"), ("0", "0")])
def test_quantities_are_shown_without_trailing_zeros(number, text):
    assert tidings.plain(Decimal(number)) == text


def test_limits_are_told_without_trailing_zeros():
    assert [plain(Decimal(text)) for text in ("1.50", "1E+3", "0.00")] == ["1.5", "1000", "0"]


def test_an_alert_of_something_that_lasts_is_the_same_within_a_minute_and_under_the_cooldown():
    desk = desk_of()
    one = tidings.unresolved(AAA, "hoga-x", "time-out", desk, AT)
    assert one == tidings.unresolved(AAA, "hoga-x", "time-out", desk, AT)
    assert (one.kind, one.lasting, one.topic) == (Kind.UNRESOLVED, True, "upbit:KRW-AAA#unresolved#")
    assert one.id != tidings.unresolved(AAA, "hoga-x", "time-out", desk, Millis(AT + 60_000)).id


def test_silence_is_told_with_its_length_and_its_threshold():
    desk = desk_of()
    told = tidings.silent(Millis(AT - 25_000), desk, AT)
    assert (told.value, told.threshold, told.condition) == (25.0, 20.0, "silence > 20 s")
    assert tidings.silent(None, desk, AT).value is None
