"""A1-A3: what may be bought."""

import pytest

from core.domain.errors import WireSurprise
from core.domain.events import Listing
from core.domain.levels import Exclusion
from core.domain.policies import SafetyPolicy, UniversePolicy
from core.domain.safety import fresh, split
from core.domain.values import Instrument, Market, Millis


def row(symbol, *flags):
    return Listing(instrument=Instrument(Market.UPBIT, symbol), name=f"{symbol} name", flags=frozenset(flags))


def divide(*rows, universe=None):
    return split(rows, universe or UniversePolicy(), SafetyPolicy(exclude=("WARNING", "SOARING")), Millis(7))


def reasons(found):
    return {exclusion.symbol: exclusion.reasons for exclusion in found.excluded}


def test_a_flag_that_the_settings_name_excludes_and_is_the_reason():  # A1, A2
    found = divide(row("KRW-B", "WARNING", "OTHER", "SOARING"), row("KRW-A"))

    assert found.safe == ("KRW-A",)
    assert found.excluded == (Exclusion("KRW-B", ("SOARING", "WARNING")),)
    assert (found.market, found.at) == (Market.UPBIT, 7)
    assert found.names == {"KRW-A": "KRW-A name", "KRW-B": "KRW-B name"}


def test_a_flag_that_the_settings_do_not_name_does_not_exclude():
    assert divide(row("KRW-A", "OTHER")).safe == ("KRW-A",)


def test_a_symbol_in_another_quote_currency_is_excluded():
    assert reasons(divide(row("BTC-A"), row("KRW-A"))) == {"BTC-A": ("quote",)}


def test_a_symbol_that_does_not_write_its_quote_currency_is_not_excluded_for_it():
    assert divide(row("005930")).safe == ("005930",)


def test_only_the_codes_are_in_where_codes_are_given_and_every_reason_is_told():  # A5
    universe = UniversePolicy(codes=("KRW-A",))

    found = divide(row("KRW-A"), row("KRW-B", "WARNING"), row("BTC-B"), universe=universe)

    assert found.safe == ("KRW-A",)
    assert reasons(found) == {"KRW-B": ("WARNING", "codes"), "BTC-B": ("quote", "codes")}


def test_never_beats_always_and_always_beats_everything_else():  # A2
    universe = UniversePolicy(codes=("KRW-C",), always=("KRW-A", "KRW-B"), never=("KRW-B",))

    found = divide(row("KRW-A", "WARNING"), row("KRW-B"), row("KRW-C"), universe=universe)

    assert found.safe == ("KRW-A", "KRW-C")
    assert reasons(found) == {"KRW-B": ("never",)}


def test_a_symbol_that_is_not_listed_is_not_safe_even_if_it_is_always_included():
    found = divide(row("KRW-A"), universe=UniversePolicy(always=("KRW-GONE",)))

    assert "KRW-GONE" not in found.safe


def test_an_empty_listing_is_a_surprise_and_not_an_empty_market():
    with pytest.raises(WireSurprise, match="lists nothing at all"):
        divide()


@pytest.mark.parametrize(("age_s", "good"), [(0, True), (7200, True), (7200.001, False)])
def test_a_safe_set_is_fresh_up_to_its_maximum_age(age_s, good):  # A3
    found = divide(row("KRW-A"))

    assert fresh(found, Millis(7 + int(age_s * 1000)), SafetyPolicy(max_age_s=7200.0)) is good


def test_no_safe_set_at_all_is_not_fresh():
    assert not fresh(None, Millis(0), SafetyPolicy())
