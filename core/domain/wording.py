"""An alert as text for people (F2): code and name, condition with threshold and current value, time in KST, link, memo.

Pure: the same alert gives the same text. A channel's length limit shortens the memo first, so that the facts and the
link stay whole.
"""

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal

from core.domain.messages import Alert, Kind
from core.domain.phrases import (
    CONDITIONS,
    CURRENCIES,
    EXITS,
    FLAGS,
    KINDS,
    LABELS,
    MARKETS,
    MEMOS,
    SYMBOLS,
    Phrase,
    Unit,
    said,
)
from core.domain.values import KST, Millis

FILLS = frozenset({Kind.BOUGHT, Kind.SOLD})
DIGITS, FINEST = 3, 8
"""Digits of a small amount that are shown, and the most decimals that any of these currencies is counted in."""
LONG = Context(prec=60, rounding=ROUND_HALF_UP)


def render(alert: Alert, language: str, limit: int | None = None) -> str:
    """The alert's text in `language` ("ko", else English), at most `limit` UTF-16 units where one is given."""
    note = memo(alert.memo, language)
    text = _text(alert, language, note)
    if limit is None or units(text) <= limit:
        return text
    room = units(note) - (units(text) - limit)
    return cut(_text(alert, language, cut(note, room) if room > 0 else ""), limit)


def title(alert: Alert, language: str) -> str:
    """First line: what happened, and to what."""
    icon, korean, english = KINDS[alert.kind]
    about = "" if alert.instrument is None else " ".join(filter(None, (alert.name, alert.instrument.symbol)))
    where = said(MARKETS, alert.market.value, language) if alert.market else ""
    day = alert.rule if alert.kind is Kind.SUMMARY else ""
    head = f"{icon} [{korean if language == 'ko' else english}]"
    return " ".join(filter(None, (head, " · ".join(filter(None, (about, where, day))))))


def condition(text: str, language: str) -> str:
    """The condition in words, its figures in their units; one that this system does not write stays as it is.

    >>> condition("disparity <= -0.08", "ko"), condition("5 min return <= -0.03 and price >= 9500", "en")
    ('이격도 ≤ -8.00%', '5 min return ≤ -3.00% and price ≥ 9,500')
    """
    terms = [_term(term, language) for term in text.split(" and ")]
    return (" 그리고 " if language == "ko" else " and ").join(terms)


def memo(text: str, language: str) -> str:
    """The memo in Korean as far as its parts are known; in English it is as it was written."""
    return " · ".join(_part(part) for part in text.split(" · ")) if language == "ko" else text


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

    A fraction of a currency that has cents keeps 3 digits of what it is, so that it is not shown as nothing.

    >>> money(Decimal("-1234567.5"), "KRW", "ko"), money(Decimal("12.345"), "USDT", "en", signed=True)
    ('-1,234,568원', '+12.35 USDT')
    >>> money(Decimal("0.00001234"), "USDT", "en"), money(Decimal("0.5"), "USDT", "en")
    ('0.0000123 USDT', '0.50 USDT')
    """
    korean, english, places = CURRENCIES.get(quote, (f" {quote}", f" {quote}", 2))
    if places and amount and abs(amount) < Decimal("0.1"):
        places = min(max(places, DIGITS - 1 - amount.adjusted()), FINEST)
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


def _text(alert: Alert, language: str, note: str) -> str:
    rows = [("reason", _reason(alert, language)), *_figures(alert, language), ("at", clock(alert.at))]
    shown = [f"{said(LABELS, name, language)}: {text}" for name, text in rows if text]
    if note:
        shown.append(note if "\n" in note else f"{said(LABELS, 'memo', language)}: {note}")
    if alert.link:
        shown.append(f"{said(LABELS, 'link', language)}: {alert.link}")
    return "\n".join([title(alert, language), *shown])


def _reason(alert: Alert, language: str) -> str:
    """The rule's name, or the reason of a sale in words with whatever stage follows it."""
    word, space, rest = alert.rule.partition(" ")
    return "" if alert.kind is Kind.SUMMARY else f"{said(EXITS, word, language)}{space}{rest}"


def _figures(alert: Alert, language: str) -> list[tuple[str, str]]:
    """Condition, threshold and value, each where the alert has it; a fill has prices and no condition."""
    if alert.kind in FILLS:
        prices = (("filled", alert.value), ("decided", alert.threshold))
        return [(name, plain(price)) for name, price in prices if price is not None]
    phrase = _phrase(alert.condition.partition(" and ")[0])
    unit = phrase.unit if phrase else Unit.PLAIN
    rows = [("condition", condition(alert.condition, language))]
    if alert.threshold is not None and not (phrase and phrase.told):
        rows.append(("threshold", figure(alert.threshold, unit, language)))
    if alert.value is not None:
        rows.append(("value", figure(alert.value, unit, language)))
    return rows


def _phrase(text: str) -> Phrase | None:
    return next((phrase for phrase in CONDITIONS if phrase.pattern.fullmatch(text)), None)


def _term(text: str, language: str) -> str:
    phrase = _phrase(text)
    if phrase is None:
        return ", ".join(said(FLAGS, part, language) for part in text.split(", "))
    found = phrase.pattern.fullmatch(text)
    groups = found.groupdict() if found else {}
    words = {name: _shown(name, group, language) for name, group in groups.items()}
    return (phrase.korean if language == "ko" else phrase.english).format(**words)


def _shown(name: str, text: str, language: str) -> str:
    if name == "sign":
        return SYMBOLS.get(text, text)
    return figure(float(text), Unit(name), language) if name in set(Unit) else text


def _part(text: str) -> str:
    for pattern, korean in MEMOS:
        if found := re.fullmatch(pattern, text):
            return found.expand(korean)
    return text
