"""Small pictures for the chat channels, drawn without a display or any global state of matplotlib.

No text but ASCII goes in: a Lambda image has no Korean font (matplotlib brings DejaVu along, which has no Hangul
either), and boxes instead of letters help nobody. So a stock is its code, and a market its own name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from typing import Any

from core.domain.messages import Alert, Kind
from core.domain.wording import plain

RISE, FALL, LINE, PAPER, GRID = "#c84a31", "#1261c4", "#30343b", "#ffffff", "#e4e7eb"
"""Korean screens paint a rise red and a fall blue."""

INCHES, DOTS = (6.4, 3.2), 100


@lru_cache(maxsize=8)
def picture(alert: Alert) -> bytes | None:
    """The alert's chart as PNG; None where there is no sale to draw, or fewer than two prices.

    Kept for a while: the same alert goes to several channels, and drawing takes 60 ms.
    """
    if alert.kind is Kind.SUMMARY:
        market = alert.market.value if alert.market else "all markets"
        return equity_curve(alert.chart, f"{market}  {alert.rule}") if alert.chart else None
    symbol = alert.instrument.symbol if alert.instrument else ""
    return price_chart(alert.chart, symbol) if len(alert.chart) > 1 else None


def price_chart(closes: Sequence[float], title: str = "") -> bytes:
    """Closes, oldest first, at least two; the last one marked and written beside the line."""
    return _draw(closes, title, start=closes[0], fill_to=min(closes))


def equity_curve(totals: Sequence[float], title: str = "") -> bytes:
    """Profit and loss so far after each sale, at least one; the zero line is drawn, gains above and losses below it."""
    return _draw([0.0, *totals], title, start=0.0, fill_to=0.0)


def plain_title(text: str) -> str:
    """What of a title can be drawn everywhere.

    >>> plain_title("KRW-BTC 비트코인"), plain_title("삼성전자")
    ('KRW-BTC', '')
    """
    return "".join(letter for letter in text if " " <= letter <= "~").strip()


def _draw(values: Sequence[float], title: str, *, start: float, fill_to: float) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # here: the import costs most of a cold start
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    colour = RISE if values[-1] >= start else FALL
    figure = Figure(figsize=INCHES, dpi=DOTS, facecolor=PAPER, layout="constrained")
    axes = figure.add_subplot()
    steps = range(len(values))
    axes.axhline(start, color=LINE, linewidth=0.8, linestyle=(0, (4, 4)))
    axes.fill_between(steps, values, fill_to, color=colour, alpha=0.12, linewidth=0)
    axes.plot(steps, values, color=colour, linewidth=1.8)
    axes.plot([steps[-1]], [values[-1]], "o", color=colour, markersize=5)
    axes.annotate(
        plain(values[-1]), (steps[-1], values[-1]), (6, 0), textcoords="offset points", color=colour, va="center"
    )
    axes.set_title(plain_title(title), loc="left", fontsize=10, color=LINE, parse_math=False)
    axes.margins(x=0.02, y=0.15)
    axes.set_xlim(right=steps[-1] * 1.18)
    axes.set_xticks([])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    sink = BytesIO()
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(sink)
    return sink.getvalue()
