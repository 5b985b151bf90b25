"""Which symbols are looked at, on which board, and of what kind (A5).

The default list is shipped in universe.json: codes and names of the 100 largest KOSPI and 150 largest KOSDAQ shares,
which the owner replaces with a file (`UniversePolicy.file`). A symbol's board decides its tax, and its steps of old.
"""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import NamedTuple

from core.domain.policies import UniversePolicy


class Row(NamedTuple):
    """One symbol. `board` is KOSPI, KOSDAQ, KONEX, ETF or ETN, "" where nobody said."""

    code: str
    name: str
    board: str


SHIPPED = {
    code: Row(code, name, board)
    for code, name, board in json.loads(files(__package__).joinpath("universe.json").read_bytes())["rows"]
}

CODE = re.compile(r"Q?[0-9A-Z]{6}")
PREFERRED, SPAC, ETF, ETN = "PREFERRED", "SPAC", "ETF", "ETN"
KINDS = (PREFERRED, SPAC, ETF, ETN)
"""Flags of our own, beside the exchange's: `safety.exclude` names those that are not wanted."""

FUND_NAMES = (
    *("KODEX", "TIGER", "RISE", "KBSTAR", "ACE", "KINDEX", "PLUS", "ARIRANG", "SOL", "HANARO", "KIWOOM", "KOSEF"),
    *("TIMEFOLIO", "TIME", "1Q", "WON", "FOCUS", "HK", "KoAct", "TREX", "UNICORN", "BNK", "ITF", "VITA", "TRUSTON"),
    *("KCGI", "DAISHIN343", "마이티", "파워", "히어로즈", "에셋플러스", "마이다스", "더제이", "아이엠에셋"),
)
"""Managers' brands: a fund's name begins with one of them and a space; no company's does."""


def rows(universe: UniversePolicy) -> dict[str, Row]:
    """Every symbol to look at, by code: `codes` where given, else the owner's list, else the shipped one."""
    listed = {code: Row(code, name, board) for code, name, board in universe.listed}
    wanted = (*(universe.codes or listed or SHIPPED), *universe.always)
    return {code: listed.get(code) or SHIPPED.get(code) or Row(code, "", "") for code in wanted}


def kinds(code: str, name: str, board: str = "") -> frozenset[str]:
    """What kind of paper this is, by board, code and name; the empty set for an ordinary share.

    >>> sorted(kinds("005935", "삼성전자우")), sorted(kinds("Q530031", "", "")), sorted(kinds("069500", "KODEX 200"))
    (['PREFERRED'], ['ETN'], ['ETF'])
    """
    if board == ETN or code.startswith("Q"):
        return frozenset({ETN})
    if board == ETF or name.startswith(tuple(f"{brand} " for brand in FUND_NAMES)):
        return frozenset({ETF})
    if "스팩" in name or "기업인수목적" in name:
        return frozenset({SPAC})
    return frozenset({PREFERRED}) if not code.endswith("0") else frozenset()


def fund(code: str, name: str, board: str = "") -> bool:
    """Does it trade like a fund: steps of 5, no sell tax?"""
    return bool(kinds(code, name, board) & {ETF, ETN})
