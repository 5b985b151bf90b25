"""What may be bought at all (A1, A2), decided from the market's own listing."""

from collections.abc import Sequence

from core.domain.errors import WireSurprise
from core.domain.events import Listing
from core.domain.levels import Exclusion, SafeSet
from core.domain.policies import SafetyPolicy, UniversePolicy
from core.domain.values import Millis

NEVER, QUOTE, CODES = "never", "quote", "codes"
"""Reasons of our own; every other reason is a venue's flag by its own name."""


def split(listings: Sequence[Listing], universe: UniversePolicy, safety: SafetyPolicy, at: Millis) -> SafeSet:
    """Divide a market's listing into what may be bought and what may not, each exclusion with all its reasons.

    `always` lets a listed symbol in whatever its flags, quote or the codes say; `never` beats `always`. A symbol that
    is not in the listing is in neither part: it does not trade. Both parts are in the order of their symbols.

    Raises:
        WireSurprise: the listing is empty. A market that lists nothing is a reply that did not arrive.
    """
    if not listings:
        raise WireSurprise("the venue lists nothing at all")
    rows = {listing.instrument.symbol: listing for listing in listings}
    reasons = {symbol: _reasons(row, universe, safety) for symbol, row in sorted(rows.items())}
    return SafeSet(
        market=listings[0].instrument.market,
        at=at,
        safe=tuple(symbol for symbol, why in reasons.items() if not why),
        excluded=tuple(Exclusion(symbol, why) for symbol, why in reasons.items() if why),
        names={symbol: rows[symbol].name for symbol in reasons},
    )


def fresh(found: SafeSet | None, at: Millis, policy: SafetyPolicy) -> bool:
    """May buys still lean on this safe set (A3)? False where there is none, or it is older than `max_age_s`."""
    return found is not None and at - found.at <= policy.max_age_s * 1000


def _reasons(row: Listing, universe: UniversePolicy, safety: SafetyPolicy) -> tuple[str, ...]:
    symbol = row.instrument.symbol
    if symbol in universe.never:
        return (NEVER,)
    if symbol in universe.always:
        return ()
    flags = tuple(sorted(row.flags.intersection(safety.exclude)))
    quote = () if _quoted(symbol, universe.quote) else (QUOTE,)
    codes = (CODES,) if universe.codes and symbol not in universe.codes else ()
    return flags + quote + codes


def _quoted(symbol: str, quote: str) -> bool:
    """Where a venue writes the quote currency it does so before a dash; where it does not, its listing has decided."""
    written, dash, _ = symbol.partition("-")
    return not dash or written == quote
