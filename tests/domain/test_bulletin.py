"""G2, G3 in words."""

from decimal import Decimal as D

import msgspec

from core.domain.bulletin import bulletin, together
from core.domain.levels import DayReport
from core.domain.policies import ResultsPolicy
from core.domain.reports import Fate, Record
from core.domain.totals import totals
from core.domain.values import Market, Millis

DAY = DayReport(
    market=Market.UPBIT,
    day="2026-01-02",
    at=Millis(0),
    trades=5,
    wins=3,
    pnl=D("123456.78"),
    fees=D("3210.2"),
    taxes=D(0),
    average=D("24691.356"),
    worst=D("-31200.4"),
    drawdown=D("45000"),
    curve=(),
    by_rule={"fall": D(150000), "disparity": D("-26543.2")},
    by_exit={"take_profit": D(180000), "liquidation": D("-56543.2")},
    by_symbol={f"KRW-{name}": D(1000 * (5 - n)) for n, name in enumerate("ABCDEFGH")},
    by_hour={"09": D(20000), "23": D(-500)},
    slippage=D("-120.5"),
    liquidation_cost=D("56543.2"),
    removed={"max_spread": 33, "min_value": 12345, "min_volume": 0},
)
EMPTY = DayReport(
    market=Market.UPBIT,
    day="2026-01-02",
    at=Millis(0),
    trades=0,
    wins=0,
    pnl=D(0),
    fees=D(0),
    taxes=D(0),
    average=D(0),
    worst=D(0),
    drawdown=D(0),
    curve=(),
)


def test_a_day_in_korean():
    assert bulletin(DAY, "KRW", "ko").splitlines() == [
        "손익: +123,457원",
        "승률: 60.0% (3승 2패)",
        "평균 손익: +24,691원",
        "최대 손실: -31,200원",
        "최대 낙폭: 45,000원",
        "수수료 3,210원 · 슬리피지 -121원 · 강제 청산 손실 56,543원",
        "전략별: fall +150,000원, disparity -26,543원",
        "매도 사유별: 익절 +180,000원, 강제 청산 -56,543원",
        "종목별: KRW-A +5,000원, KRW-B +4,000원, KRW-C +3,000원, KRW-G -1,000원, KRW-H -2,000원 (+3)",
        "시간대별: 09시 +20,000원, 23시 -500원",
        "필터 제외: 거래대금 부족 12,345, 호가 차이 과다 33",
    ]


def test_a_day_in_english():
    lines = bulletin(DAY, "KRW", "en").splitlines()
    assert lines[:3] == ["Profit and loss: +123,457 KRW", "Win rate: 60.0% (3 won, 2 lost)", "Average: +24,691 KRW"]
    assert lines[7] == "By exit: take profit +180,000 KRW, forced liquidation -56,543 KRW"
    assert lines[9] == "By hour: 09h +20,000 KRW, 23h -500 KRW"


def test_a_day_without_trades_says_so_and_no_more():
    assert bulletin(EMPTY, "KRW", "ko") == "거래 없음"
    filtered = msgspec.structs.replace(EMPTY, removed={"max_spread": 2})
    assert bulletin(filtered, "KRW", "en") == "No trades\nRemoved by filters: spread too wide 2"


def test_rules_are_told_with_how_often_they_hit_and_filters_with_what_became_of_those_they_removed():
    """G3."""
    day = msgspec.structs.replace(
        DAY,
        records={"rule": {"fall": Record(3, 2, D(150000), D(0)), "disparity": Record(2, 1, D(-26543), D(0))}},
        fates={"": Fate(20, 9, -0.004), "max_spread": Fate(33, 20, 0.012)},
    )
    assert bulletin(day, "KRW", "ko").splitlines()[-3:] == [
        "전략 적중: fall 2/3, disparity 1/2",
        "필터 제외: 거래대금 부족 12,345, 호가 차이 과다 33",
        "제외 후 등락: 호가 차이 과다 +1.2% (33), 통과 -0.4% (20)",
    ]
    assert (
        bulletin(day, "KRW", "en").splitlines()[-1] == "How they went on: spread too wide +1.2% (33), kept -0.4% (20)"
    )


def test_a_day_on_which_no_filter_removed_anything_tells_no_fates():
    assert "went on" not in bulletin(msgspec.structs.replace(DAY, fates={"": Fate(20, 9, 0.1)}), "KRW", "en")


def test_all_markets_together_stand_by_currency_and_in_one_where_there_is_a_rate():
    """G2."""
    won = msgspec.structs.replace(DAY, currency="KRW")
    usdt = msgspec.structs.replace(DAY, market=Market.KRX, currency="USDT", pnl=D("12.5"), worst=D("-1.25"), fees=D(0))
    rate = ResultsPolicy(currency="KRW", rates={"USDT": 1000.0})

    lines = together(totals(Market.UPBIT, "2026-01-02", Millis(0), [won, usdt], rate), "en").splitlines()

    assert lines[0] == "KRW (Upbit): +123,457 KRW, Win rate 60.0% (3 won, 2 lost)"
    assert lines[2] == "USDT (KRX): +12.50 USDT, Win rate 60.0% (3 won, 2 lost)"
    assert lines[4] == "Converted: KRW (Upbit, KRX): +135,957 KRW, Win rate 60.0% (6 won, 4 lost)"
    assert lines[5] == "Average +13,596 KRW · Largest loss -31,200 KRW · Largest drawdown 0 KRW · Fees 3,210 KRW"


def test_all_markets_without_a_trade_say_so():
    both = [
        msgspec.structs.replace(EMPTY, currency="KRW"),
        msgspec.structs.replace(EMPTY, market=Market.KRX, currency="KRW"),
    ]
    told = together(totals(Market.UPBIT, "2026-01-02", Millis(0), both, ResultsPolicy()), "ko")
    assert told == "KRW (업비트, 국내 주식): 거래 없음"
