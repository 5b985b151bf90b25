"""What is held, and what a finished round trip earned (G1)."""

from decimal import Decimal

import msgspec

from core.domain.values import ZERO, Instrument, Millis


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one instrument owned by one worker, from buy to flat. Money in quote currency.

    cost    price * quantity of the buy fills still held; `fees` what buying them cost on top
    price   average entry price
    signal  id of the buy signal; `rule` the rule that raised it
    realised  what parts of it that were sold have earned: decides with the last part whether it was lost
    """

    instrument: Instrument
    worker: str
    quantity: Decimal
    cost: Decimal
    fees: Decimal
    price: Decimal
    opened: Millis
    signal: str
    rule: str
    reference: Decimal
    realised: Decimal = ZERO


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True):
    """One sale against one position, whole or part: the row the results are made of.

    pnl  proceeds - cost - buy fees - sell fees - taxes, exact
    slippage  what the fills lost against the prices the decisions were taken at (positive = lost)
    """

    id: str
    instrument: Instrument
    worker: str
    quantity: Decimal
    bought: Decimal
    sold: Decimal
    cost: Decimal
    proceeds: Decimal
    fees: Decimal
    taxes: Decimal
    pnl: Decimal
    slippage: Decimal
    rule: str
    exit: str
    opened: Millis
    closed: Millis
