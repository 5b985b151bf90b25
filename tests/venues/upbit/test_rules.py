"""Upbit's order rules by date (E3, G1): price steps, sizes, fees."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.tape import frames
from core.domain.errors import Refused
from core.domain.events import Book
from core.domain.values import DAY, Millis, Side
from core.venues.upbit.rules import RULES
from core.venues.upbit.stream import decode

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data" / "upbit"
D = Decimal
IN_2021, IN_2024, IN_2025 = Millis(1_618_678_262_000), Millis(1_720_000_000_000), Millis(1_790_134_742_000)
SINCE_2025 = Millis(1_753_887_600_000)
"""2025-07-31 00:00 in Seoul."""
moments = st.sampled_from([IN_2021, IN_2024, Millis(1_735_000_000_000), Millis(1_745_000_000_000), IN_2025])
prices = st.decimals(D("0.00000001"), D("999999999"), places=8)


@pytest.mark.parametrize(
    ("price", "step"),
    [
        ("91154000", "1000"), ("1000000", "1000"), ("999999", "500"), ("500000", "500"), ("499999", "100"),
        ("100000", "100"), ("50000", "50"), ("49999", "10"), ("10000", "10"), ("5000", "5"), ("4999", "1"),
        ("1000", "1"), ("999", "1"), ("100", "1"), ("99.9", "0.1"), ("10", "0.1"), ("9.99", "0.01"), ("1", "0.01"),
        ("0.1", "0.001"), ("0.01", "0.0001"), ("0.001", "0.00001"), ("0.0001", "0.000001"), ("0.00001", "0.0000001"),
        ("0.000001", "0.00000001"),
    ],
)  # fmt: skip
def test_the_krw_table_of_2025(price, step):
    assert RULES.tick("KRW-BTC", D(price), IN_2025) == D(step)


def test_a_table_begins_at_midnight_in_seoul():
    assert RULES.tick("KRW-BTC", D(700_000), Millis(SINCE_2025 - 1)) == 100
    assert RULES.tick("KRW-BTC", D(700_000), SINCE_2025) == 500


@pytest.mark.parametrize(
    ("symbol", "price", "at", "step"),
    [
        ("KRW-ADA", "1510", IN_2021, "5"),
        ("KRW-ADA", "1510", IN_2024, "1"),
        ("KRW-ANKR", "200", IN_2021, "1"),
        ("KRW-ANKR", "200", IN_2024, "0.1"),
        ("KRW-ADA", "500", Millis(1_735_000_000_000), "1"),
        ("KRW-ADA", "50", Millis(1_735_000_000_000), "0.01"),
        ("KRW-BAT", "500", Millis(1_735_000_000_000), "0.1"),
        ("KRW-USDT", "1400", Millis(1_735_000_000_000), "1"),
        ("KRW-USDT", "1400", Millis(1_745_000_000_000), "0.5"),
        ("KRW-USDC", "999", Millis(1_745_000_000_000), "0.1"),
        ("KRW-USDT", "1400", IN_2025, "1"),
        ("BTC-ETH", "0.03", IN_2021, "0.00000001"),
        ("BTC-USDT", "0.03", Millis(1_745_000_000_000), "0.00000001"),
        ("USDT-BTC", "60000", IN_2021, "0.001"),
        ("USDT-BTC", "60000", IN_2025, "0.01"),
        ("USDT-XRP", "0.5", IN_2025, "0.0001"),
    ],
)
def test_steps_by_market_and_date(symbol, price, at, step):
    assert RULES.tick(symbol, D(price), at) == D(step)


@given(st.sampled_from(["KRW-BTC", "KRW-ADA", "KRW-USDT", "BTC-ETH", "USDT-XRP"]), prices, moments)
def test_a_legal_price_is_on_its_own_step_and_crosses_no_further(symbol, price, at):
    for side in Side:
        try:
            legal = RULES.floor_price(symbol, price, side, at)
        except Refused:
            assert side is Side.BUY
            assert price < RULES.tick(symbol, price, at)
            continue
        assert legal % RULES.tick(symbol, legal, at) == 0
        assert legal <= price if side is Side.BUY else legal >= price
        assert abs(legal - price) < RULES.tick(symbol, price, at)
        assert RULES.floor_price(symbol, legal, side, at) == legal


@pytest.mark.parametrize("price", ["0", "-1"])
def test_a_price_must_be_above_zero(price):
    with pytest.raises(Refused, match="above zero"):
        RULES.floor_price("KRW-BTC", D(price), Side.SELL, IN_2025)


@pytest.mark.parametrize(
    ("symbol", "least", "most", "fee"),
    [
        ("KRW-BTC", "5000", "1000000000", "0.0005"),
        ("BTC-ETH", "0.00005", "Infinity", "0.0025"),
        ("USDT-BTC", "0.5", "Infinity", "0.0025"),
    ],
)
def test_sizes_and_fees_by_market(symbol, least, most, fee):
    assert (RULES.minimum(symbol), RULES.maximum(symbol)) == (D(least), D(most))
    assert {RULES.fee(symbol, side, IN_2025) for side in Side} == {D(fee)}
    assert {RULES.tax(symbol, side, IN_2025) for side in Side} == {D(0)}
    assert RULES.lot(symbol) == D("0.00000001")


@pytest.mark.parametrize("symbol", ["EUR-BTC", "BTC", ""])
def test_a_market_that_upbit_does_not_have_is_refused(symbol):
    with pytest.raises(Refused, match="no such market"):
        RULES.minimum(symbol)


def test_the_chart_of_a_symbol_is_one_page():
    assert RULES.link("KRW-BTC") == "https://upbit.com/exchange?code=CRIX.UPBIT.KRW-BTC"


@pytest.mark.skipif(not SHARED.exists(), reason="the captures are not beside this checkout")
@pytest.mark.parametrize("name", ["ws_simple_20210417.txt", "ws_simple_20210405_a.txt"])
def test_every_price_of_a_real_book_is_legal_on_its_day(name):
    for at, frame in frames(SHARED / name):
        for book in decode(frame, at):
            if isinstance(book, Book):
                shown = {D(str(price)) for level in book.levels for price in (level.bid, level.ask)}
                symbol = book.instrument.symbol
                assert not [price for price in shown if price % RULES.tick(symbol, price, Millis(at - at % DAY))]
