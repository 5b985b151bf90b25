"""An order's form differs from symbol to symbol, and is what the listing said (E3)."""

from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.errors import Refused
from core.domain.events import Specification
from core.domain.policies import MarketPolicy, RestPolicy, StreamPolicy, TermsPolicy
from core.domain.values import Market, Millis, Side
from core.venues.binance.rules import FEE, RULES, rules_of
from core.venues.spec import venue

NOW = Millis(1_800_000_000_000)
ROWS = {
    "BTCUSDT": Specification(tick=D("0.01"), lot=D("0.00001"), minimum=D(5), maximum=D("9000000")),
    "PEPEUSDT": Specification(tick=D("0.00000001"), lot=D(1), minimum=D(1), maximum=D("Infinity")),
}
POLICY = MarketPolicy(rest=RestPolicy(url="http://x"), stream=StreamPolicy(url="ws://x"))
OWN = rules_of(ROWS.get)


def test_each_symbol_has_its_own_steps_and_limits():
    assert (OWN.tick("BTCUSDT", D(100), NOW), OWN.lot("BTCUSDT"), OWN.minimum("BTCUSDT")) == (
        D("0.01"),
        D("0.00001"),
        5,
    )
    assert (OWN.lot("PEPEUSDT"), OWN.minimum("PEPEUSDT"), OWN.maximum("PEPEUSDT")) == (1, 1, D("Infinity"))
    assert OWN.maximum("BTCUSDT") == 9_000_000


@pytest.mark.parametrize("side", list(Side))
@settings(deadline=None)
@given(price=st.decimals(D("0.02"), D(10) ** 7, allow_nan=False, places=6))
def test_a_legal_price_lies_on_the_grid_and_crosses_no_further(side, price):
    legal = OWN.floor_price("BTCUSDT", price, side, NOW)

    assert legal % D("0.01") == 0
    assert 0 <= (price - legal if side is Side.BUY else legal - price) < D("0.01")


@pytest.mark.parametrize("price", [D(0), D(-1), D("0.001")])
def test_a_price_under_the_smallest_step_buys_nothing(price):
    with pytest.raises(Refused):
        OWN.floor_price("BTCUSDT", price, Side.BUY, NOW)


def test_what_no_listing_has_spoken_of_cannot_be_ordered():
    for ask in (OWN.lot, OWN.minimum, OWN.maximum, lambda symbol: OWN.tick(symbol, D(1), NOW)):
        with pytest.raises(Refused, match="No listing"):
            ask("NEWUSDT")
    with pytest.raises(Refused, match="No listing"):
        RULES.lot("BTCUSDT")


def test_the_fee_is_the_accounts_own_where_the_settings_say_it():
    cheap = TermsPolicy(fee=0.00075)
    own = MarketPolicy(rest=POLICY.rest, stream=POLICY.stream, terms=cheap)

    assert venue(Market.BINANCE, POLICY, ROWS.get).rules.fee("BTCUSDT", Side.BUY, NOW) == FEE == D("0.001")
    assert venue(Market.BINANCE, own).rules.fee("BTCUSDT", Side.SELL, NOW) == D("0.00075")
    assert venue(Market.BINANCE, own, ROWS.get).rules.lot("BTCUSDT") == D("0.00001")
    assert OWN.tax("BTCUSDT", Side.SELL, NOW) == 0


def test_a_symbol_links_to_its_chart():
    assert OWN.link("BTCUSDT") == "https://www.binance.com/en/trade/BTCUSDT?type=spot"
