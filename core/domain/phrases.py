"""The words of alerts, Korean and English side by side, so that a new kind is one line here.

Each entry is (Korean, English). What is not listed is shown as it is: rule names are the owner's own.
"""

from enum import StrEnum

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
    Kind.UNRESOLVED: ("⚠️", "미확정 주문", "Order unresolved"),
    Kind.LIQUIDATION: ("🏁", "강제 청산 완료", "Liquidation complete"),
    Kind.UNSOLD: ("🚨", "강제 청산 미완료", "Liquidation incomplete"),
    Kind.STREAMER_SILENT: ("🚨", "스트리머 무응답", "Streamer silent"),
    Kind.DEAD_LETTERS: ("🚨", "처리 실패 메시지 발생", "Dead-letter queue not empty"),
    Kind.WIRE: ("⚠️", "해석할 수 없는 수신 데이터", "Frames that do not read"),
    Kind.TEST: ("✉️", "시험 알림", "Test alert"),
}

MEASURES: dict[str, tuple[Pair, Unit]] = {
    "disparity": (("이격도", "disparity"), Unit.PERCENT),
    "return": (("등락률", "return"), Unit.PERCENT),
    "change": (("등락률", "change"), Unit.PERCENT),
    "fall": (("하락률", "fall"), Unit.PERCENT),
    "spread": (("호가 차이", "spread"), Unit.PERCENT),
    "slippage": (("슬리피지", "slippage"), Unit.PERCENT),
    "surge": (("거래대금 배율", "traded-value surge"), Unit.TIMES),
    "value": (("거래대금", "traded value"), Unit.MONEY),
    "price": (("가격", "price"), Unit.MONEY),
    "high": (("고가", "high"), Unit.MONEY),
    "breakout": (("전고점 돌파", "breakout"), Unit.MONEY),
    "pnl": (("손익", "profit and loss"), Unit.MONEY),
    "rsi": (("RSI", "RSI"), Unit.PLAIN),
    "age": (("경과", "age"), Unit.SECONDS),
    "silence": (("무응답", "silence"), Unit.SECONDS),
    "reconnects": (("재연결", "reconnects"), Unit.PLAIN),
    "failures": (("연속 실패", "failures in a row"), Unit.PLAIN),
    "positions": (("보유 종목", "positions"), Unit.PLAIN),
    "messages": (("메시지", "messages"), Unit.PLAIN),
}
"""First word of an alert's condition -> what to call it and how to show its figures."""

EXITS: dict[str, Pair] = {
    Exit.STOP_LOSS: ("손절", "stop loss"),
    Exit.TAKE_PROFIT: ("익절", "take profit"),
    Exit.TREND: ("추세 이탈", "trend broken"),
    Exit.TIME: ("시간 청산", "time"),
    Exit.REMOVED: ("종목 제외", "removed from the list"),
    Exit.UNSAFE: ("유의 지정", "unsafe"),
    Exit.LIQUIDATION: ("강제 청산", "forced liquidation"),
    Exit.MANUAL: ("수동", "by hand"),
}

MARKETS: dict[str, Pair] = {"upbit": ("업비트", "Upbit")}

FILTERS: dict[str, Pair] = {
    "volume": ("거래량 부족", "volume too low"),
    "value": ("거래대금 부족", "traded value too low"),
    "spread": ("호가 차이 과다", "spread too wide"),
}

LABELS: dict[str, Pair] = {
    "condition": ("조건", "Condition"),
    "threshold": ("기준", "Threshold"),
    "value": ("현재", "Now"),
    "reason": ("구분", "Rule"),
    "at": ("시각", "Time"),
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
