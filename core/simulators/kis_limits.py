"""What the simulated KIS enforces, by environment. Figures that the pages leave open, or that KIS moves, are settings.

Source: reference/kis.md 3.1, 7.1, 7.3, 8.4, 8.5.
"""

from __future__ import annotations

import msgspec

from core.domain.policies import Environment


class KisLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Every number of one environment.

    rest_per_s        business calls of one app key within any second
    token_every_s     least time between two tokenP calls of one app key
    same_token_s      how long a tokenP call gives the last token again
    approval_per_s    Approval calls of one app key within any second
    ledger_share      chance that an account call is refused with EGW00215, no fault of the caller's
    registrations     of one app key's session, own-order notices among them
    slot_kept_s       how long the server holds the session of a connection that dropped
    in_use_hangs_up   whether a refused second session is closed by the server
    ping_every_s, pong_within_s    PINGPONG's beat, and the silence after which the line is cut
    idle_s            a connection that never registers is cut after this
    trade_cells, book_cells, notice_cells    how wide records are
    records           most records of one frame
    order_reply_s     from an order's acceptance (and its notice) to the HTTP reply
    ccld_lag_s        before an order or a change of it is seen in the daily list
    ccld_empty        the daily list has totals and no rows
    halted_zero       the multi-quote shows a halted issue with price and volume 0
    fill_most         most shares that one execution of ours takes, 0 = what the book holds
    enrolled          the mock account may order
    balance_rows, ccld_rows        of one page
    """

    rest_per_s: int = 18
    token_every_s: float = 60.0
    same_token_s: float = 6 * 3600.0
    token_life_s: float = 86_400.0
    approval_per_s: int = 1
    approval_life_s: float = 86_400.0
    ledger_share: float = 0.0
    registrations: int = 41
    slot_kept_s: float = 5.0
    in_use_hangs_up: bool = True
    ping_every_s: float = 10.0
    pong_within_s: float = 100.0
    idle_s: float = 60.0
    trade_cells: int = 47
    book_cells: int = 63
    notice_cells: int = 26
    records: int = 20
    order_reply_s: float = 0.03
    ccld_lag_s: float = 1.0
    ccld_empty: bool = False
    halted_zero: bool = True
    fill_most: int = 0
    enrolled: bool = True
    balance_rows: int = 50
    ccld_rows: int = 100


REAL = KisLimits()
MOCK = KisLimits(rest_per_s=1, notice_cells=23, ccld_empty=True, balance_rows=20, ccld_rows=15)


def usual(flavour: Environment) -> KisLimits:
    """What an environment enforces unless told otherwise."""
    return MOCK if flavour is Environment.MOCK else REAL
