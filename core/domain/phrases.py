"""The words of alerts, Korean and English side by side, so that a new kind is one line here.

Each entry is (Korean, English). What is not listed is shown as it is: rule names are the owner's own.
"""

import re
from enum import StrEnum
from typing import NamedTuple

from core.domain.messages import Kind
from core.domain.signals import Exit

Pair = tuple[str, str]


class Unit(StrEnum):
    """How a figure is read: a fraction shown as percent, a price or amount, a multiple, seconds, or just a number."""

    PERCENT = "percent"
    MONEY = "money"
    TIMES = "times"
    SECONDS = "seconds"
    PLAIN = "plain"


KINDS: dict[Kind, tuple[str, str, str]] = {
    Kind.APPROACHING: ("👀", "조건 근접", "Approaching"),
    Kind.SIGNAL: ("🔔", "매수 신호", "Buy signal"),
    Kind.BOUGHT: ("🟢", "매수 체결", "Bought"),
    Kind.SOLD: ("🔴", "매도 체결", "Sold"),
    Kind.UNSAFE: ("⚠️", "보유 종목 유의 지정", "Held and flagged unsafe"),
    Kind.SUMMARY: ("📊", "일일 결산", "Daily summary"),
    Kind.SAFE_MODE: ("🛑", "안전 모드: 매수 중지", "Safe mode: no buys"),
    Kind.SCAN_FAILING: ("⚠️", "스캔 실패", "Scan failing"),
    Kind.RECOVERED: ("✅", "정상 복구", "Recovered"),
    Kind.RECONNECTS: ("⚠️", "재연결 과다", "Reconnecting too often"),
    Kind.CIRCUIT: ("⚠️", "거래소 호출 차단", "Circuit open"),
    Kind.UNRESOLVED: ("⚠️", "미확정 주문", "Order unresolved"),
    Kind.LIQUIDATION: ("🏁", "강제 청산 완료", "Liquidation complete"),
    Kind.UNSOLD: ("🚨", "강제 청산 미완료", "Liquidation incomplete"),
    Kind.BY_HAND: ("✋", "장부 정정", "Books put right"),
    Kind.STREAMER_SILENT: ("🚨", "스트리머 무응답", "Streamer silent"),
    Kind.DEAD_LETTERS: ("🚨", "처리 실패 메시지 발생", "Dead-letter queue not empty"),
    Kind.WIRE: ("⚠️", "해석할 수 없는 수신 데이터", "Frames that do not read"),
    Kind.ALARM: ("🚨", "클라우드 경보", "Alarm"),
    Kind.TEST: ("✉️", "시험 알림", "Test alert"),
}

NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
SIGN = r"(?P<sign>[<>]=?)"


class Phrase(NamedTuple):
    """One form of condition that this system writes, and how people are told it.

    pattern          groups named after a `Unit` are figures shown in it, `sign` is a comparison, others stay
    unit             how the alert's value and threshold are shown
    korean, english  format strings over the groups
    told             the condition already names the alert's threshold
    """

    pattern: re.Pattern[str]
    unit: Unit
    korean: str
    english: str
    told: bool = True


def _phrase(pattern: str, unit: Unit, korean: str, english: str, *, told: bool = True) -> Phrase:
    return Phrase(re.compile(pattern), unit, korean, english, told)


CONDITIONS = (
    _phrase(
        rf"disparity(?P<base>(?: \w+)?) {SIGN} (?P<percent>{NUMBER})",
        Unit.PERCENT,
        "이격도{base} {sign} {percent}",
        "disparity{base} {sign} {percent}",
    ),
    _phrase(
        rf"(?P<minutes>\d+) min return {SIGN} (?P<percent>{NUMBER})",
        Unit.PERCENT,
        "{minutes}분 등락률 {sign} {percent}",
        "{minutes} min return {sign} {percent}",
    ),
    _phrase(
        rf"(?P<minutes>\d+) min value {SIGN} (?P<times>{NUMBER}) x average, fall >= (?P<percent>{NUMBER})",
        Unit.TIMES,
        "{minutes}분 거래대금 {sign} 평균의 {times}, 하락 ≥ {percent}",
        "{minutes} min traded value {sign} {times} the average, fall ≥ {percent}",
    ),
    _phrase(
        rf"price > previous high(?: \+ (?P<percent>{NUMBER}))",
        Unit.MONEY,
        "가격 > 전일 고가 + {percent}",
        "price > previous high + {percent}",
        told=False,
    ),
    _phrase("price > previous high", Unit.MONEY, "가격 > 전일 고가", "price > previous high", told=False),
    _phrase(rf"price {SIGN} (?P<money>{NUMBER})", Unit.MONEY, "가격 {sign} {money}", "price {sign} {money}"),
    _phrase(
        rf"EMA (?P<fast>\d+) over (?P<slow>\d+), RSI (?P<low>{NUMBER}) to (?P<high>{NUMBER})",
        Unit.PERCENT,  # how far the fast one leads
        "EMA {fast} > EMA {slow}, RSI {low}~{high}",
        "EMA {fast} over EMA {slow}, RSI {low} to {high}",
    ),
    _phrase(
        rf"reconnects in an hour > (?P<plain>{NUMBER})",
        Unit.PLAIN,
        "1시간 재연결 > {plain}회",
        "reconnects in an hour > {plain}",
    ),
    _phrase(rf"silence > (?P<seconds>{NUMBER}) s", Unit.SECONDS, "무응답 > {seconds}", "silence > {seconds}"),
    _phrase(rf"positions > (?P<plain>{NUMBER})", Unit.PLAIN, "미청산 종목 > {plain}", "positions > {plain}"),
)

MEMOS = (
    (r"PnL (.+)", r"손익 \1"),
    (r"fee (.+)", r"수수료 \1"),
    (r"tax (.+)", r"세금 \1"),
    (r"(.+) left", r"잔량 \1"),
    (r"nothing was held", "보유 종목 없음"),
    (r"(\d+) min to the end of the day", r"마감 \1분 전"),
    (r"no buys; next scan in (\d+) s", r"매수 중지, 다음 스캔 \1초 후"),
    (r"no buys", "매수 중지"),
    (r"after: (.+)", r"원인: \1"),
    (r"after (\d+) failed runs", r"\1회 실패 후"),
    (r"held: hold", "보유 유지"),
    (r"held: liquidate", "즉시 매도"),
    (r"there is no earlier list", "이전 목록 없음"),
    (r"the list in use is (\d+) min old", r"\1분 전 목록 사용 중"),
    (r"never seen", "기록 없음"),
    (r"no worker is free to own it", "인수할 워커 없음"),
    (r"no lock is about it", "해당 락 없음"),
    (r"the book had (\S+) of (\S+)", r"호가 잔량 부족: \2 중 \1 체결"),
    (r"(\d+) s", r"\1초"),
)
"""Korean for the parts of a memo; parts are joined by a middle dot. A part that none of these is stays as it is."""

EXITS: dict[str, Pair] = {
    Exit.STOP_LOSS: ("손절", "stop loss"),
    Exit.TAKE_PROFIT: ("익절", "take profit"),
    Exit.TREND: ("추세 이탈", "trend broken"),
    Exit.TIME: ("시간 청산", "time"),
    Exit.REMOVED: ("종목 제외", "removed from the list"),
    Exit.UNSAFE: ("유의 지정", "unsafe"),
    Exit.LIQUIDATION: ("강제 청산", "forced liquidation"),
    Exit.FLATTEN: ("일괄 청산 지시", "flattened"),
    Exit.DUST: ("최소 주문 미달 정리", "under the least order"),
    Exit.BY_HAND: ("직접 매도", "sold by hand"),
}

MARKETS: dict[str, Pair] = {
    "upbit": ("업비트", "Upbit"),
    "krx": ("국내 주식", "KRX"),
    "binance": ("바이낸스", "Binance"),
}

FILTERS: dict[str, Pair] = {
    "price": ("가격 없음", "no price"),
    "min_volume": ("거래량 부족", "volume too low"),
    "min_value": ("거래대금 부족", "traded value too low"),
    "max_spread": ("호가 차이 과다", "spread too wide"),
}

FLAGS: dict[str, Pair] = {
    "WARNING": ("유의 종목", "warning"),
    "PRICE_FLUCTUATIONS": ("가격 급등락", "price fluctuations"),
    "TRADING_VOLUME_SOARING": ("거래량 급등", "trading volume soaring"),
    "DEPOSIT_AMOUNT_SOARING": ("입금량 급등", "deposits soaring"),
    "GLOBAL_PRICE_DIFFERENCES": ("글로벌 시세 차이", "global price differences"),
    "CONCENTRATION_OF_SMALL_ACCOUNTS": ("소수 계정 거래 집중", "few accounts trade it"),
    "NOT_TRADING": ("거래 중지", "not trading"),
    "NOT_SPOT": ("현물 거래 불가", "no spot trading"),
    "STABLE": ("스테이블코인", "stable coin"),
}

LABELS: dict[str, Pair] = {
    "condition": ("조건", "Condition"),
    "threshold": ("기준", "Threshold"),
    "value": ("현재", "Now"),
    "reason": ("구분", "Rule"),
    "at": ("시각", "Time"),
    "filled": ("체결가", "Filled at"),
    "decided": ("판단가", "Decided at"),
    "memo": ("메모", "Memo"),
    "link": ("차트", "Chart"),
}

SYMBOLS = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠"}

CURRENCIES: dict[str, tuple[str, str, int]] = {
    "KRW": ("원", " KRW", 0),
    "USDT": (" USDT", " USDT", 2),
    "BTC": (" BTC", " BTC", 8),
}
"""Quote currency -> what follows an amount in Korean and in English, and how many decimals are shown."""


def said(pairs: dict[str, Pair], word: str, language: str) -> str:
    """The word in `language` ("ko", else English), or itself where the table does not have it."""
    pair = pairs.get(word)
    return word if pair is None else pair[0 if language == "ko" else 1]
