"""F2: what people read, in both languages, within every channel's length."""

from decimal import Decimal as D

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.messages import Alert, Kind
from core.domain.phrases import KINDS, Unit
from core.domain.policies import RulePolicy
from core.domain.rules import build
from core.domain.signals import Exit
from core.domain.values import Instrument, Market, Millis
from core.domain.wording import clock, condition, cut, figure, memo, money, render, units

AT = Millis(1767312903000)
FALL = Alert(
    id="1",
    kind=Kind.SIGNAL,
    at=AT,
    market=Market.UPBIT,
    instrument=Instrument(Market.UPBIT, "KRW-BTC"),
    name="비트코인",
    rule="disparity",
    condition="disparity <= -0.08",
    value=-0.08312,
    threshold=-0.08,
    memo="20일 이동평균 대비",
    link="https://chart.example/KRW-BTC",
)


def changed(**changes):
    return msgspec.structs.replace(FALL, **changes)


def test_a_signal_tells_code_name_condition_threshold_value_time_memo_and_link_in_korean():
    assert render(FALL, "ko").splitlines() == [
        "🔔 [매수 신호] 비트코인 KRW-BTC · 업비트",
        "구분: disparity",
        "조건: 이격도 ≤ -8.00%",
        "현재: -8.31%",
        "시각: 2026-01-02 09:15:03 KST",
        "메모: 20일 이동평균 대비",
        "차트: https://chart.example/KRW-BTC",
    ]


def test_the_same_in_english():
    assert render(FALL, "en").splitlines() == [
        "🔔 [Buy signal] 비트코인 KRW-BTC · Upbit",
        "Rule: disparity",
        "Condition: disparity ≤ -8.00%",
        "Now: -8.31%",
        "Time: 2026-01-02 09:15:03 KST",
        "Memo: 20일 이동평균 대비",
        "Chart: https://chart.example/KRW-BTC",
    ]


def test_a_system_alert_has_only_the_lines_it_has_facts_for():
    plain = Alert(id="2", kind=Kind.TEST, at=AT)
    assert render(plain, "ko") == "✉️ [시험 알림]\n시각: 2026-01-02 09:15:03 KST"


def test_a_threshold_that_the_condition_does_not_name_has_its_own_line():
    away = changed(condition="the venue did not answer", value=7000.0, threshold=7200.0)
    assert {"Condition: the venue did not answer", "Threshold: 7,200", "Now: 7,000"} <= set(
        render(away, "en").splitlines()
    )


def test_a_summary_names_its_day_in_the_title_and_its_lines_stand_by_themselves():
    day = Alert(id="3", kind=Kind.SUMMARY, at=AT, market=Market.UPBIT, rule="2026-01-01", memo="손익: +1원\n승률: 100%")
    assert render(day, "ko").splitlines() == [
        "📊 [일일 결산] 업비트 · 2026-01-01",
        "시각: 2026-01-02 09:15:03 KST",
        "손익: +1원",
        "승률: 100%",
    ]


@pytest.mark.parametrize("exit", Exit)
def test_every_exit_reason_has_korean_words(exit):
    line = render(changed(kind=Kind.SOLD, rule=exit.value), "ko").splitlines()[1]
    assert line.startswith("구분: ")
    assert exit.value not in line


def test_every_kind_has_words():
    assert set(KINDS) == set(Kind)


@pytest.mark.parametrize(
    ("text", "korean", "english"),
    [
        ("disparity 5m <= -0.08", "이격도 5m ≤ -8.00%", "disparity 5m ≤ -8.00%"),
        ("5 min return <= -0.03", "5분 등락률 ≤ -3.00%", "5 min return ≤ -3.00%"),
        (
            "3 min value >= 5 x average, fall >= 0.02",
            "3분 거래대금 ≥ 평균의 5배, 하락 ≥ 2.00%",
            "3 min traded value ≥ 5x the average, fall ≥ 2.00%",
        ),
        ("price > previous high", "가격 > 전일 고가", "price > previous high"),
        ("price > previous high + 0.01", "가격 > 전일 고가 + 1.00%", "price > previous high + 1.00%"),
        ("EMA 12 over 26, RSI 30 to 70", "EMA 12 > EMA 26, RSI 30~70", "EMA 12 over EMA 26, RSI 30 to 70"),
        ("reconnects in an hour > 5", "1시간 재연결 > 5회", "reconnects in an hour > 5"),
        ("silence > 20 s", "무응답 > 20초", "silence > 20 s"),
        ("positions > 0", "미청산 종목 > 0", "positions > 0"),
        (
            "disparity <= -0.08 and price >= 143000000",
            "이격도 ≤ -8.00% 그리고 가격 ≥ 143,000,000",
            "disparity ≤ -8.00% and price ≥ 143,000,000",
        ),
        ("WARNING, PRICE_FLUCTUATIONS", "유의 종목, 가격 급등락", "warning, price fluctuations"),
        ("the venue did not answer", "the venue did not answer", "the venue did not answer"),
        ("", "", ""),
    ],
)
def test_a_condition_is_worded_in_its_units_and_left_alone_where_it_is_not_known(text, korean, english):
    assert (condition(text, "ko"), condition(text, "en")) == (korean, english)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("disparity", {"base": "daily", "threshold": -0.08}),
        ("disparity", {"base": "5m", "threshold": -0.05}),
        ("fall", {"minutes": 5, "fall": 0.03}),
        ("surge", {"minutes": 3, "times": 5, "average": 30, "fall": 0.01}),
        ("breakout", {}),
        ("breakout", {"margin": 0.002}),
        ("cross", {"span": "5m", "rsi_low": 30, "rsi_high": 70}),
    ],
)
def test_every_rule_s_own_condition_has_korean_words(kind, params):
    (rule,) = build((RulePolicy(name="r", kind=kind, params=params),))
    assert condition(rule.condition, "ko") != rule.condition


def test_a_fill_tells_its_price_and_the_one_it_was_decided_at():
    sold = changed(
        kind=Kind.SOLD,
        rule="stop_loss",
        condition="stop_loss",
        value=137_950_000.0,
        threshold=138_000_000.0,
        memo="PnL -30,231 (-3.06%) · 0.007 x 137,950,000 · fee 966 · tax 0.00 · w-01",
    )
    assert render(sold, "ko").splitlines()[1:6] == [
        "구분: 손절",
        "체결가: 137,950,000",
        "판단가: 138,000,000",
        "시각: 2026-01-02 09:15:03 KST",
        "메모: 손익 -30,231 (-3.06%) · 0.007 x 137,950,000 · 수수료 966 · 세금 0.00 · w-01",
    ]
    assert (
        render(changed(kind=Kind.BOUGHT, condition="disparity", threshold=None), "en").splitlines()[2]
        == "Filled at: -0.08312"
    )


def test_a_breakout_tells_the_price_it_had_to_pass():
    lines = render(changed(condition="price > previous high", value=9600.0, threshold=9500.0), "ko").splitlines()
    assert lines[2:5] == ["조건: 가격 > 전일 고가", "기준: 9,500", "현재: 9,600"]


def test_an_incomplete_liquidation_is_told_with_its_stage():
    left = Alert(
        id="l",
        kind=Kind.UNSOLD,
        at=AT,
        market=Market.UPBIT,
        rule="liquidation 2m",
        condition="positions > 0",
        value=1.0,
        threshold=0.0,
        memo="1 min to the end of the day · 비트코인 KRW-BTC 0.5",
    )
    assert render(left, "ko").splitlines() == [
        "🚨 [강제 청산 미완료] 업비트",
        "구분: 강제 청산 2m",
        "조건: 미청산 종목 > 0",
        "현재: 1",
        "시각: 2026-01-02 09:15:03 KST",
        "메모: 마감 1분 전 · 비트코인 KRW-BTC 0.5",
    ]


@pytest.mark.parametrize(("english", "korean"), [("no buys", "매수 중지"), ("12 s", "12초"), ("by hand", "by hand")])
def test_a_memo_is_worded_as_far_as_its_parts_are_known(english, korean):
    assert (memo(english, "ko"), memo(english, "en")) == (korean, english)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (-0.0831, Unit.PERCENT, "-8.31%"),
        (143250000.0, Unit.MONEY, "143,250,000"),
        (0.00001234, Unit.MONEY, "0.00001234"),
        (1234.5, Unit.MONEY, "1,234.5"),
        (3.456, Unit.TIMES, "3.456x"),
        (12.0, Unit.SECONDS, "12 s"),
        (29.87654321, Unit.PLAIN, "29.8765"),
        (100.0, Unit.PLAIN, "100"),
    ],
)
def test_figures_read_as_people_write_them(value, unit, shown):
    assert figure(value, unit, "en") == shown


@pytest.mark.parametrize(
    ("amount", "quote", "language", "signed", "shown"),
    [
        ("1234567.5", "KRW", "ko", True, "+1,234,568원"),
        ("-31200.4", "KRW", "en", False, "-31,200 KRW"),
        ("-0.4", "KRW", "ko", True, "0원"),
        ("0", "KRW", "ko", True, "0원"),
        ("12.345", "USDT", "en", True, "+12.35 USDT"),
        ("7", "EUR", "ko", False, "7.00 EUR"),
        ("0.00001234", "USDT", "en", False, "0.0000123 USDT"),
        ("-0.0345678", "USDT", "ko", True, "-0.0346 USDT"),
        ("0.000000001", "USDT", "en", True, "0.00000000 USDT"),
        ("0.1", "USDT", "en", False, "0.10 USDT"),
        ("0.00000002", "BTC", "en", False, "0.00000002 BTC"),
    ],
)
def test_money_is_rounded_to_its_currency_and_never_minus_zero(amount, quote, language, signed, shown):
    assert money(D(amount), quote, language, signed=signed) == shown


def test_the_time_is_korea_s():
    assert clock(Millis(0)) == "1970-01-01 09:00:00 KST"


def test_too_long_a_memo_is_shortened_and_the_link_stays():
    text = render(changed(memo="가" * 5000), "ko", 1024)
    assert units(text) <= 1024
    assert "…\n차트: https://chart.example/KRW-BTC" in text
    assert units(text) > 1000


def test_where_even_the_facts_are_too_long_the_end_is_cut():
    text = render(changed(name="x" * 3000), "en", 200)
    assert units(text) <= 200
    assert text.endswith("…")


@given(st.text(max_size=300), st.integers(-3, 400))
def test_a_cut_text_fits_and_is_a_beginning_of_the_whole(text, limit):
    short = cut(text, limit)
    assert units(short) <= max(limit, 0)
    assert short == text or text.startswith(short.removesuffix("…"))


@given(st.text(max_size=3000), st.sampled_from([200, 1024, 2000, 4096]), st.sampled_from(["ko", "en"]))
def test_no_text_is_longer_than_its_channel_allows(memo, limit, language):
    assert units(render(changed(memo=memo), language, limit)) <= limit
