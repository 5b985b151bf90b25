"""An alert as text for people (F2): code and name, condition with threshold and current value, time in KST, link, memo.

Pure: the same alert gives the same text. A channel's length limit shortens the memo first, so that the facts and the
link stay whole.
"""

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal

from core.domain.messages import Alert, Kind
from core.domain.phrases import CURRENCIES, EXITS, KINDS, LABELS, MARKETS, MEASURES, SYMBOLS, Unit, said
from core.domain.values import KST, Millis

TERM = re.compile(r"(?P<name>[\w .%()]+?) *(?P<sign><=|>=|==|!=|<|>|=) *(?P<figure>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")
LONG = Context(prec=60, rounding=ROUND_HALF_UP)


def render(alert: Alert, language: str, limit: int | None = None) -> str:
    """The alert's text in `language` ("ko", else English), at most `limit` UTF-16 units where one is given."""
    text = _text(alert, language, alert.memo)
    if limit is None or units(text) <= limit:
        return text
    room = units(alert.memo) - (units(text) - limit)
    return cut(_text(alert, language, cut(alert.memo, room)) if room > 0 else _text(alert, language, ""), limit)


def title(alert: Alert, language: str) -> str:
    """First line: what happened, and to what."""
    icon, korean, english = KINDS[alert.kind]
    about = "" if alert.instrument is None else " ".join(filter(None, (alert.name, alert.instrument.symbol)))
    where = said(MARKETS, alert.market.value, language) if alert.market else ""
    day = alert.rule if alert.kind is Kind.SUMMARY else ""
    head = f"{icon} [{korean if language == 'ko' else english}]"
    return " ".join(filter(None, (head, " · ".join(filter(None, (about, where, day))))))


def condition(text: str, language: str) -> str:
    """The condition with its measure named and its threshold in the measure's unit.

    >>> condition("disparity <= -0.08", "ko"), condition("rsi < 30 and surge >= 3", "en")
    ('이격도 ≤ -8.00%', 'RSI < 30 and traded-value surge ≥ 3x')
    """
    terms = [_term(term, language) for term in text.split(" and ")]
    return (" 그리고 " if language == "ko" else " and ").join(terms)


def figure(value: float, unit: Unit, language: str) -> str:
    """One figure in its unit.

    >>> [figure(x, u, "en") for x, u in ((-0.0831, Unit.PERCENT), (143250000.0, Unit.MONEY), (0.0123, Unit.MONEY))]
    ['-8.31%', '143,250,000', '0.0123']
    """
    match unit:
        case Unit.PERCENT:
            return f"{value * 100:.2f}%"
        case Unit.TIMES:
            return f"{plain(value)}{'배' if language == 'ko' else 'x'}"
        case Unit.SECONDS:
            return f"{plain(value)}{'초' if language == 'ko' else ' s'}"
        case _:
            return plain(value)


def plain(value: float) -> str:
    """Thousands separated; up to 2 decimals from 100 on, else 6 significant digits, no trailing zeros, no exponent.

    >>> plain(1234567.5), plain(12.34567891), plain(0.00001234), plain(5.0)
    ('1,234,567.5', '12.3457', '0.00001234', '5')
    """
    text = f"{value:,.2f}" if abs(value) >= 100 else f"{Decimal(f'{value:.6g}'):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(amount: Decimal, quote: str, language: str, *, signed: bool = False) -> str:
    """An amount in its currency, rounded as people write it; `signed` puts a plus on gains.

    >>> money(Decimal("-1234567.5"), "KRW", "ko"), money(Decimal("12.345"), "USDT", "en", signed=True)
    ('-1,234,568원', '+12.35 USDT')
    """
    korean, english, places = CURRENCIES.get(quote, (f" {quote}", f" {quote}", 2))
    rounded = LONG.quantize(amount, Decimal(1).scaleb(-places))
    sign = "-" if rounded < 0 else "+" if signed and rounded > 0 else ""
    return f"{sign}{abs(rounded):,f}{korean if language == 'ko' else english}"


def clock(at: Millis) -> str:
    """A moment in Korea, to the second.

    >>> clock(Millis(0))
    '1970-01-01 09:00:00 KST'
    """
    return datetime.fromtimestamp((at + KST) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S KST")


def units(text: str) -> int:
    """Length as the chat services count it: UTF-16 code units, so that most emoji are two."""
    return len(text) + sum(1 for letter in text if ord(letter) > 0xFFFF)


def cut(text: str, limit: int) -> str:
    """The text, or as much of it as fits with an ellipsis at its end; "" for a limit below 1."""
    if units(text) <= limit:
        return text
    while text and units(text) > limit - 1:
        text = text[: len(text) - max(1, (units(text) - limit) // 2)]
    return f"{text.rstrip()}…" if limit > 0 else ""


def _text(alert: Alert, language: str, memo: str) -> str:
    rows = [("reason", _reason(alert, language)), *_figures(alert, language), ("at", clock(alert.at))]
    shown = [f"{said(LABELS, name, language)}: {text}" for name, text in rows if text]
    if memo:
        shown.append(memo if "\n" in memo else f"{said(LABELS, 'memo', language)}: {memo}")
    if alert.link:
        shown.append(f"{said(LABELS, 'link', language)}: {alert.link}")
    return "\n".join([title(alert, language), *shown])


def _reason(alert: Alert, language: str) -> str:
    return "" if alert.kind is Kind.SUMMARY else said(EXITS, alert.rule, language)


def _figures(alert: Alert, language: str) -> list[tuple[str, str]]:
    unit = _unit(alert.condition)
    rows = [("condition", condition(alert.condition, language))]
    if alert.threshold is not None and not TERM.fullmatch(alert.condition.partition(" and ")[0]):
        rows.append(("threshold", figure(alert.threshold, unit, language)))
    if alert.value is not None:
        rows.append(("value", figure(alert.value, unit, language)))
    return rows


def _unit(text: str) -> Unit:
    measure = MEASURES.get(_measure(text))
    return measure[1] if measure else Unit.PLAIN


def _measure(text: str) -> str:
    """First word of a condition, in small letters; "" for an empty one."""
    found = re.match(r"[A-Za-z]+", text)
    return found[0].lower() if found else ""


def _term(text: str, language: str) -> str:
    found = TERM.fullmatch(text)
    if found is None:
        return text
    name, sign, threshold = found["name"].strip(), found["sign"], float(found["figure"])
    word = _measure(name)
    called = said({key: pair for key, (pair, _) in MEASURES.items()}, word, language)
    rest = name[len(word) :]
    return f"{called if word else ''}{rest} {SYMBOLS.get(sign, sign)} {figure(threshold, _unit(name), language)}"
