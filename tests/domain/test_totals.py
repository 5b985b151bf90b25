"""G2: the day in all markets. Currencies are never summed blindly."""

from decimal import Decimal as D
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.levels import DayReport
from core.domain.policies import ResultsPolicy
from core.domain.reports import DayTotals
from core.domain.totals import merged, totals
from core.domain.values import Market, Millis

SIDE_BY_SIDE = ResultsPolicy()
IN_WON = ResultsPolicy(currency="KRW", rates={"USDT": 1380.5})


def report(market, currency, pnl="0", curve=(), trades=2, wins=1):
    return DayReport(
        market=market, day="2026-01-02", at=Millis(0), trades=trades, wins=wins, pnl=D(pnl), fees=D("1.5"), taxes=D("0.25"),
        average=D(0), worst=D("-3"), drawdown=D(0), curve=tuple((Millis(at), D(total)) for at, total in curve),
        slippage=D("0.1"), liquidation_cost=D(2), currency=currency,
    )  # fmt: skip


def summed(*reports, policy=SIDE_BY_SIDE):
    return totals(Market.UPBIT, "2026-01-02", Millis(9), reports, policy)


def test_markets_of_one_currency_are_one_total():
    day = summed(report(Market.UPBIT, "KRW", "100"), report(Market.KRX, "KRW", "-40", trades=3, wins=0))

    (total,) = day.totals
    assert (total.currency, total.markets) == ("KRW", (Market.UPBIT, Market.KRX))
    assert (total.trades, total.wins, total.pnl, total.fees, total.taxes) == (5, 1, D(60), D(3), D("0.5"))
    assert (total.average, total.worst, total.slippage, total.liquidation_cost) == (D(12), D(-3), D("0.2"), D(4))
    assert day.converted is None


def test_currencies_stand_side_by_side_without_a_rate():
    day = summed(report(Market.UPBIT, "KRW", "100"), report(Market.KRX, "USDT", "2"))
    assert [(total.currency, total.pnl) for total in day.totals] == [("KRW", D(100)), ("USDT", D(2))]
    assert day.converted is None


def test_with_the_owner_s_rate_there_is_one_total_more_exact_to_the_last_decimal():
    day = summed(report(Market.UPBIT, "KRW", "100"), report(Market.KRX, "USDT", "2.0001"), policy=IN_WON)
    assert day.converted.currency == "KRW"
    assert day.converted.pnl == D("100") + D("2.0001") * D("1380.5")
    assert day.converted.worst == D("-3") * D("1380.5")
    assert len(day.totals) == 2


@pytest.mark.parametrize(
    "policy", [IN_WON, ResultsPolicy(currency="KRW"), ResultsPolicy(currency="USDT", rates={"BTC": 9.0})]
)
def test_nothing_is_converted_where_a_rate_is_missing_or_only_one_currency_traded(policy):
    missing = ResultsPolicy(currency=policy.currency, rates={})
    assert summed(report(Market.UPBIT, "KRW"), report(Market.KRX, "KRW"), policy=policy).converted is None
    assert summed(report(Market.UPBIT, "KRW"), report(Market.KRX, "USDT"), policy=missing).converted is None


def test_the_drawdown_of_all_is_that_of_all_curves_together_in_the_order_of_time():
    first = report(Market.UPBIT, "KRW", "10", [(1, "50"), (4, "10")])
    second = report(Market.KRX, "KRW", "25", [(2, "-20"), (3, "25")])
    (total,) = summed(first, second).totals
    assert total.curve == ((1, D(50)), (2, D(30)), (3, D(75)), (4, D(35)))
    assert total.drawdown == D(40)


def test_a_day_s_totals_come_back_whole_from_the_shelf():
    day = summed(report(Market.UPBIT, "KRW", "1.1", [(1, "1.1")]), report(Market.KRX, "USDT", "2"), policy=IN_WON)
    assert msgspec.json.decode(msgspec.json.encode(day), type=DayTotals) == day


curves = st.lists(
    st.lists(st.tuples(st.integers(0, 50), st.decimals(-1000, 1000, places=3)), max_size=8).map(
        lambda rows: sorted(rows, key=lambda row: row[0])
    ),
    max_size=4,
)


@settings(max_examples=200)
@given(curves)
def test_a_merged_curve_ends_where_all_its_parts_ended_together(parts):
    found = merged(parts)
    assert len(found) == sum(map(len, parts))
    assert [at for at, _ in found] == sorted(at for part in parts for at, _ in part)
    if found:
        assert Fraction(found[-1][1]) == sum(Fraction(part[-1][1]) for part in parts if part)
