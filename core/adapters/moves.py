"""Every move of a worker as one log line, written where the move was (E2, E11)."""

from __future__ import annotations

import logging

from core.domain.values import Market

LOG = logging.getLogger("hoga.workers")


def moved(market: Market, worker: str, to: str, *, was: str = "", symbol: str = "", why: str = "") -> None:
    """One line; `was` is the status that the write was conditioned on, "" for a worker that begins."""
    facts = {"market": market.value, "worker": worker, "was": was, "to": to, "symbol": symbol, "why": why}
    LOG.info("worker moved", extra={name: fact for name, fact in facts.items() if fact})
