"""A day's report as the lines that people read (G2, G3)."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from core.domain.levels import DayReport
from core.domain.phrases import EXITS, FILTERS, MARKETS, Pair, said
from core.domain.reports import DayTotals, Fate, Record, Total
from core.domain.wording import money

MOST = 5
"""Names shown in one split: the best and the worst of a longer one."""

WORDS: dict[str, Pair] = {
    "none": ("거래 없음", "No trades"),
    "pnl": ("손익", "Profit and loss"),
    "win rate": ("승률", "Win rate"),
    "wins": ("승", "won"),
    "losses": ("패", "lost"),
    "average": ("평균 손익", "Average"),
    "worst": ("최대 손실", "Largest loss"),
    "drawdown": ("최대 낙폭", "Largest drawdown"),
    "fees": ("수수료", "Fees"),
    "taxes": ("세금", "Taxes"),
    "slippage": ("슬리피지", "Slippage"),
    "liquidation": ("강제 청산 손실", "Lost in forced liquidation"),
    "by rule": ("전략별", "By rule"),
    "hit rate": ("전략 적중", "Hits by rule"),
    "by exit": ("매도 사유별", "By exit"),
    "by symbol": ("종목별", "By symbol"),
    "by hour": ("시간대별", "By hour"),
    "removed": ("필터 제외", "Removed by filters"),
    "fates": ("제외 후 등락", "How they went on"),
    "kept": ("통과", "kept"),
    "converted": ("환산", "Converted:"),
}


def bulletin(report: DayReport, quote: str, language: str) -> str:
    """The report as several lines; what is empty or zero and of no interest is left out."""
    lines = [*_results(report, quote, language), *_costs(report, quote, language)]
    by_exit = {said(EXITS, exit, language): pnl for exit, pnl in report.by_exit.items()}
    by_hour = {f"{hour}{'시' if language == 'ko' else 'h'}": pnl for hour, pnl in report.by_hour.items()}
    splits = {"by rule": report.by_rule, "by exit": by_exit, "by symbol": report.by_symbol, "by hour": by_hour}
    lines += [_split(name, sums, quote, language) for name, sums in splits.items() if sums]
    if rules := report.records.get("rule"):
        lines.append(f"{_word('hit rate', language)}: {', '.join(_hits(*one) for one in list(rules.items())[:MOST])}")
    if any(report.removed.values()):
        lines.append(f"{_word('removed', language)}: {_counts(report.removed, language)}")
    if gone := _fates(report.fates, language):
        lines.append(f"{_word('fates', language)}: {gone}")
    return "\n".join(lines)


def together(summed: DayTotals, language: str) -> str:
    """All markets' day: one block for each currency, and one for everything where there is a rate for it."""
    blocks = [_block(total, language) for total in summed.totals]
    if summed.converted:
        blocks.append(f"{_word('converted', language)} {_block(summed.converted, language)}")
    return "\n".join(blocks)


def _block(total: Total, language: str) -> str:
    names = ", ".join(said(MARKETS, market.value, language) for market in total.markets)
    head = f"{total.currency} ({names})"
    if not total.trades:
        return f"{head}: {_word('none', language)}"
    quote, lost = total.currency, total.trades - total.wins
    shown = {"average": total.average, "worst": total.worst, "drawdown": total.drawdown, "fees": total.fees}
    figures = [
        f"{_word(name, language)} {money(amount, quote, language, signed=name == 'average')}"
        for name, amount in shown.items()
    ]
    won = f"{total.wins / total.trades:.1%} ({_tally(total.wins, lost, language)})"
    return (
        f"{head}: {money(total.pnl, quote, language, signed=True)}, {_word('win rate', language)} {won}\n"
        + " · ".join(figures)
    )


def _fates(fates: Mapping[str, Fate], language: str) -> str:
    """How those that a filter removed went on, beside those that none did."""
    shown = [
        f"{said(FILTERS, name, language) if name else _word('kept', language)} {fate.change:+.1%} ({fate.symbols:,})"
        for name, fate in sorted(fates.items(), key=lambda item: (item[0] == "", item[0]))
    ]
    return ", ".join(shown) if set(fates) - {""} else ""


def _results(report: DayReport, quote: str, language: str) -> list[str]:
    if not report.trades:
        return [_word("none", language)]
    lost = report.trades - report.wins
    return [
        f"{_word('pnl', language)}: {money(report.pnl, quote, language, signed=True)}",
        f"{_word('win rate', language)}: {report.wins / report.trades:.1%} ({_tally(report.wins, lost, language)})",
        f"{_word('average', language)}: {money(report.average, quote, language, signed=True)}",
        f"{_word('worst', language)}: {money(report.worst, quote, language)}",
        f"{_word('drawdown', language)}: {money(report.drawdown, quote, language)}",
    ]


def _tally(won: int, lost: int, language: str) -> str:
    wins, losses = _word("wins", language), _word("losses", language)
    return f"{won}{wins} {lost}{losses}" if language == "ko" else f"{won} {wins}, {lost} {losses}"


def _costs(report: DayReport, quote: str, language: str) -> Iterable[str]:
    costs = {
        "fees": report.fees,
        "taxes": report.taxes,
        "slippage": report.slippage,
        "liquidation": report.liquidation_cost,
    }
    shown = [f"{_word(name, language)} {money(cost, quote, language)}" for name, cost in costs.items() if cost]
    return [" · ".join(shown)] if shown else []


def _split(name: str, sums: Mapping[str, Decimal], quote: str, language: str) -> str:
    best_first = list(sums.items())
    if len(best_first) > MOST:
        best_first = best_first[: MOST - 2] + best_first[-2:]
    shown = [f"{key} {money(pnl, quote, language, signed=True)}" for key, pnl in best_first]
    more = f" (+{len(sums) - len(best_first)})" if len(sums) > len(best_first) else ""
    return f"{_word(name, language)}: {', '.join(shown)}{more}"


def _hits(name: str, record: Record) -> str:
    return f"{name} {record.wins}/{record.trades}"


def _counts(removed: Mapping[str, int], language: str) -> str:
    most_first = sorted(removed.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{said(FILTERS, name, language)} {count:,}" for name, count in most_first if count)


def _word(name: str, language: str) -> str:
    return said(WORDS, name, language)
