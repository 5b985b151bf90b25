"""G2, G3: the day's figures against plain loops."""

from decimal import Decimal as D
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.orders import Fill, Order, State
from core.domain.positions import RoundTrip
from core.domain.summary import curve, drawdown, hour, report, slippage
from core.domain.values import HOUR, Instrument, Market, Millis, Side

money = st.decimals(min_value=-(10**9), max_value=10**9, places=8)


def trip(pnl, *, id="t", symbol="KRW-BTC", opened=0, closed=0, rule="fall", exit="stop_loss", worker="w1", fees="1"):
    return RoundTrip(
        id=id,
        instrument=Instrument(Market.UPBIT, symbol),
        worker=worker,
        quantity=D(1),
        bought=D(1),
        sold=D(1),
        cost=D(1),
        proceeds=D(1),
        fees=D(fees),
        taxes=D("0.5"),
        pnl=D(pnl),
        slippage=D(0),
        rule=rule,
        exit=exit,
        opened=Millis(opened),
        closed=Millis(closed),
    )


def order(side, reference, fills):
    return Order(
        id="o",
        instrument=Instrument(Market.UPBIT, "KRW-BTC"),
        side=side,
        quantity=D(5),
        reference=D(reference),
        signal="s",
        leg=0,
        worker="w",
        reason="fall",
        at=Millis(0),
        state=State.FILLED,
        fills=tuple(
            Fill(id=str(n), price=D(p), quantity=D(q), fee=D(0), tax=D(0), at=Millis(0))
            for n, (p, q) in enumerate(fills)
        ),
    )


def day(trips, orders=(), removed=None):
    return report(Market.UPBIT, "2026-01-02", Millis(9), trips=trips, orders=orders, removed=removed or {})


def test_a_day_without_trades_is_all_zeros():
    empty = day([])
    assert (empty.trades, empty.wins, empty.pnl, empty.average, empty.worst, empty.drawdown) == (0, 0, 0, 0, 0, 0)
    assert (empty.curve, empty.by_rule, empty.market, empty.day, empty.at) == ((), {}, Market.UPBIT, "2026-01-02", 9)


def test_sales_in_parts_of_one_position_are_one_trade():
    parts = [trip("-10", id="a", opened=5, closed=10), trip("25", id="b", opened=5, closed=20)]
    other = trip("-7", id="c", opened=6, closed=15)
    got = day([*parts, other])
    assert (got.trades, got.wins, got.pnl, got.worst) == (2, 1, D(8), D(-7))
    assert got.average == D(4)


def test_a_day_that_only_won_has_no_worst_loss():
    assert day([trip("3")]).worst == 0


def test_profit_is_split_by_rule_exit_symbol_and_hour_in_korea_best_first():
    got = day(
        [
            trip("-10", id="a", rule="fall", symbol="KRW-XRP", closed=0, opened=1),
            trip("30", id="b", rule="cross", exit="take_profit", closed=HOUR, opened=2),
            trip("5", id="c", rule="fall", exit="liquidation", closed=HOUR, opened=3),
        ]
    )
    assert list(got.by_rule.items()) == [("cross", D(30)), ("fall", D(-5))]
    assert got.by_exit == {"take_profit": D(30), "liquidation": D(5), "stop_loss": D(-10)}
    assert got.by_symbol == {"KRW-BTC": D(35), "KRW-XRP": D(-10)}
    assert got.by_hour == {"10": D(35), "09": D(-10)}
    assert (got.fees, got.taxes) == (D(3), D("1.5"))


def test_the_average_is_rounded_and_never_raises():
    thirds = [trip("1", id=str(n), opened=n) for n in range(2)] + [trip("0", id="z", opened=9)]
    assert day(thirds).average == D("0.66666667")


def test_slippage_is_what_fills_lost_on_either_side():
    bought = order(Side.BUY, 100, [(101, 2), (103, 1)])
    sold = order(Side.SELL, 110, [(109, 3)])
    assert (slippage(bought), slippage(sold)) == (D(5), D(3))
    assert day([], [bought, sold, order(Side.SELL, 10, [(12, 1)]), order(Side.BUY, 10, [])]).slippage == D(6)


def test_liquidation_cost_counts_only_the_losses_of_liquidations():
    trips = [trip("-4", exit="liquidation"), trip("9", exit="liquidation"), trip("-50", exit="stop_loss")]
    assert day(trips).liquidation_cost == D(4)


def test_what_the_filters_removed_is_carried_along():
    assert day([], removed={"spread": 3}).removed == {"spread": 3}


def test_an_hour_is_told_in_korea():
    assert hour(Millis(0)) == "09"


@settings(max_examples=500)
@given(st.lists(money, max_size=30))
def test_the_drawdown_is_what_a_naive_loop_over_all_pairs_finds(changes):
    totals, total = [Fraction(0)], Fraction(0)
    for change in changes:
        total += Fraction(change)
        totals.append(total)
    naive = max(earlier - later for i, earlier in enumerate(totals) for later in totals[i:])
    points = curve([trip(str(c), id=f"{n:03}", closed=n) for n, c in enumerate(changes)])
    assert [Fraction(p) for _, p in points] == totals[1:]
    assert Fraction(drawdown(p for _, p in points)) == naive


@settings(max_examples=200)
@given(st.lists(st.tuples(money, st.sampled_from("ab"), st.sampled_from("xyz")), max_size=20), st.randoms())
def test_every_split_adds_up_to_the_whole_and_the_order_of_rows_does_not_matter(rows, dice):
    trips = [trip(str(p), id=f"{n:03}", closed=n, opened=n, rule=r, symbol=s) for n, (p, r, s) in enumerate(rows)]
    got = day(trips)
    dice.shuffle(trips)
    assert day(trips) == got
    whole = sum(Fraction(p) for p, _, _ in rows)
    for split in (got.by_rule, got.by_exit, got.by_symbol, got.by_hour):
        assert sum(map(Fraction, split.values())) == whole == Fraction(got.pnl)
