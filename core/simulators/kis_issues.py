"""What the simulated KRX lists: codes, prices and habits like those of KOSPI and KOSDAQ, some with warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib.resources import files

import msgspec


@dataclass(frozen=True)
class Issue:
    """One listed issue.

    price    KRW around which it moves
    value    KRW traded on an ordinary day
    rate     bursts of trades a second
    board    KOSPI or KOSDAQ; `kind` is stock, preferred, etf, etn or spac
    shares   listed
    restless chance that its book changes within a slot
    flags    what it carries from the start, by the names in `FLAGS`
    """

    symbol: str
    name: str
    price: float
    value: float
    rate: float
    board: str = "KOSPI"
    kind: str = "stock"
    shares: int = 100_000_000
    restless: float = 0.2
    spread: int = 1
    flags: frozenset[str] = frozenset()

    @property
    def fund(self) -> bool:
        """ETFs and ETNs have ticks, taxes and sessions of their own."""
        return self.kind in ("etf", "etn")


FLAGS = frozenset(
    {"administrative", "risk", "warning", "caution", "halted", "overheated", "liquidation", "careful", "illiquid"}
)
"""Everything that can be raised on an issue."""

# code, name, KRW, billions of KRW a day, board, kind, flags
KNOWN = """
005930|삼성전자|152100|5800|KOSPI|stock|
000660|SK하이닉스|767000|4900|KOSPI|stock|
005380|현대차|510000|1500|KOSPI|stock|
035420|NAVER|254500|420|KOSPI|stock|
035720|카카오|58900|310|KOSPI|stock|
005490|POSCO홀딩스|341500|260|KOSPI|stock|
051910|LG화학|329000|190|KOSPI|stock|
006400|삼성SDI|312500|280|KOSPI|stock|
068270|셀트리온|196800|230|KOSPI|stock|
105560|KB금융|131200|210|KOSPI|stock|
015760|한국전력|48250|160|KOSPI|stock|
034020|두산에너빌리티|84300|640|KOSPI|stock|
028260|삼성물산|264000|130|KOSPI|stock|
012330|현대모비스|402500|150|KOSPI|stock|
196170|알테오젠|387500|520|KOSDAQ|stock|
247540|에코프로비엠|174300|330|KOSDAQ|stock|
086520|에코프로|105900|410|KOSDAQ|stock|
028300|HLB|52300|140|KOSDAQ|stock|
277810|레인보우로보틱스|463500|210|KOSDAQ|stock|
293490|카카오게임즈|15840|18|KOSDAQ|stock|
"""
ODD = """
005935|삼성전자우|112400|290|KOSPI|preferred|
069500|KODEX 200|68750|340|KOSPI|etf|
0074K0|HOGA 시험 ETF|10235|21|KOSPI|etf|
Q530031|삼성 시험 ETN|8495|2|KOSPI|etn|
478440|시험스팩1호|2085|1|KOSDAQ|spac|
900001|시험관리|1234|3|KOSDAQ|stock|administrative
900002|시험위험|3955|5|KOSDAQ|stock|risk
900003|시험경고|8120|6|KOSDAQ|stock|warning
900004|시험주의|12450|4|KOSDAQ|stock|caution
900005|시험정지|5670|2|KOSDAQ|stock|halted
900006|시험과열|23450|9|KOSDAQ|stock|overheated
900007|시험정리매매|312|1|KOSDAQ|stock|liquidation
900008|시험숨은정지|987|1|KOSDAQ|stock|administrative,halted
900009|시험유의|4560|2|KOSDAQ|stock|careful
900010|시험얇은종목|18230|0.05|KOSDAQ|stock|
"""
"""Kinds and warnings that a filter must tell apart; 900008 is halted behind another status."""

THIN = 1.0
"""Billions of KRW a day under which an issue is thin."""


def listing(count: int = 250, codes: Sequence[tuple[str, str, str]] | None = None) -> tuple[Issue, ...]:
    """`count` ordinary stocks, and the odd ones behind them.

    codes   (code, name, board) of more stocks; None takes those that the venue ships as its universe
    """
    known = [_issue(row) for row in KNOWN.split("\n") if row]
    taken = {issue.symbol for issue in known}
    more = shipped() if codes is None else codes
    more = [row for row in more if row[0] not in taken]
    stocks = [*known, *(_made_up(*row) for row in more)][:count]
    stocks += [_invented(number) for number in range(count - len(stocks))]
    return (*stocks, *(_issue(row) for row in ODD.split("\n") if row))


def shipped() -> list[tuple[str, str, str]]:
    """Codes, names and boards of the universe file that the venue ships."""
    document = msgspec.json.decode(files("core.venues.kis").joinpath("universe.json").read_bytes())
    return [(code, name, board) for code, name, board in document["rows"]]


def _issue(row: str) -> Issue:
    code, name, price, billions, board, kind, flags = row.split("|")
    value = float(billions)
    thin = value < THIN
    return Issue(
        code, name, float(price), value * 1e9, 0.02 if thin else min(max(value / 300, 0.15), 4.0), board, kind,
        shares=10_000_000 + sum(code.encode()) * 977_000,
        restless=0.02 if thin else 0.2,
        spread=3 if thin else 1,
        flags=frozenset(flags.split(",")) if flags else frozenset(),
    )  # fmt: skip


def _made_up(code: str, name: str, board: str) -> Issue:
    """A listed stock whose price and turnover are invented from its code."""
    dice = int.from_bytes(blake2b(code.encode(), digest_size=4).digest(), "big")
    price = 1_000 + dice % 997 * 251
    return _issue(f"{code}|{name}|{price}|{4 + dice % 83}|{board}|stock|")


def _invented(number: int) -> Issue:
    return _made_up(f"8{number:05d}", f"시험{number}", "KOSDAQ" if number % 5 > 1 else "KOSPI")
