"""An owner's list of symbols (A5): a line for each, `symbol,name,board`; name and board may be left out.

Empty lines and what follows a `#` count for nothing, so a list can be written and commented by hand.
"""

from __future__ import annotations

import re

Rows = tuple[tuple[str, str, str], ...]

SYMBOL = re.compile(r"[0-9A-Za-z._-]{1,32}")


def read(text: str) -> Rows:
    """(symbol, name, board) of each line; the last line of a symbol named twice holds.

    Raises:
        ValueError: a line that is none, by its number, or a list with no symbol in it.

    >>> read("005930,삼성전자,KOSPI  # the largest\\n\\n0009K0")
    (('005930', '삼성전자', 'KOSPI'), ('0009K0', '', ''))
    """
    rows: dict[str, tuple[str, str, str]] = {}
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        parts = [part.strip() for part in line.partition("#")[0].split(",")]
        if parts == [""]:
            continue
        symbol, name, board, *more = (*parts, "", "")
        if any(more) or not SYMBOL.fullmatch(symbol):
            raise ValueError(f"line {number} is not symbol,name,board: {line.strip()[:40]!r}")
        rows[symbol] = (symbol, name, board)
    if not rows:
        raise ValueError("there is no symbol in it")
    return tuple(rows.values())
