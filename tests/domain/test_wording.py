"""F2: what people read, in both languages, within every channel's length."""

from decimal import Decimal as D

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.messages import Alert, Kind
from core.domain.phrases import KINDS, Unit
from core.domain.signals import Exit
from core.domain.values import Instrument, Market, Millis
from core.domain.wording import clock, condition, cut, figure, money, render, units

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
        ("disparity(20) <= -0.08", "이격도(20) ≤ -8.00%", "disparity(20) ≤ -8.00%"),
        (
            "surge >= 3 and return <= -0.02",
            "거래대금 배율 ≥ 3배 그리고 등락률 ≤ -2.00%",
            "traded-value surge ≥ 3x and return ≤ -2.00%",
        ),
        ("age > 20", "경과 > 20초", "age > 20 s"),
        ("price >= 143000000", "가격 ≥ 143,000,000", "price ≥ 143,000,000"),
        ("ema12 > 5", "ema12 > 5", "ema12 > 5"),
        ("5 > 3", "5 > 3", "5 > 3"),
        ("WARNING, SOARING", "WARNING, SOARING", "WARNING, SOARING"),
        ("", "", ""),
    ],
)
def test_a_condition_is_worded_in_its_measure_s_unit_and_left_alone_where_it_is_not_known(text, korean, english):
    assert (condition(text, "ko"), condition(text, "en")) == (korean, english)


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
