"""The broker half of the composition root: who carries a market's orders out, and with which stores and keys."""

from __future__ import annotations

import random
import time
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from core.domain.values import DAY, Market, Millis
from core.venues.spec import purse, venue

if TYPE_CHECKING:
    from core.adapters.paced import Signer
    from core.adapters.spare import SpareBudget
    from core.adapters.wiring import Wiring
    from core.app import ports
    from core.domain.phases import Phase
    from core.domain.policies import AccountPolicy
    from core.domain.values import Instrument


def account(wiring: Wiring, market: Market) -> AccountPolicy | None:
    """Where this market's orders go; None where they stay on paper."""
    from core.settings import BrokerKind

    return None if wiring.settings.broker is BrokerKind.PAPER else wiring.policy(market).account


def paper(wiring: Wiring, market: Market) -> ports.Broker:
    from core.adapters.dynamo.paper_store import DynamoPaperStore
    from core.adapters.paper import PaperBroker

    store = DynamoPaperStore(wiring.named("HOGA_PAPER_TABLE"), wiring.client("dynamodb"))
    return PaperBroker(
        wiring.quick_quotes(market),
        wiring.rules(market),
        store,
        wiring.clock,
        partial(_phase, wiring, market),
        partial(_close, wiring, market),
        wiring.ledger.halted,
    )


def _close(wiring: Wiring, market: Market, symbol: str, at: Millis) -> Decimal | None:
    """The close of the day before, as the day's references have it; None where they are of another day."""
    from core.domain.levels import References

    known = wiring.recent.read(References, market)
    row = known.rows.get(symbol) if known and known.day <= at < known.day + DAY else None
    return Decimal(str(row.close)) if row and row.close > 0 else None


def at_venue(wiring: Wiring, market: Market, account: AccountPolicy) -> ports.Broker:
    """Raises Misconfigured where the account, its key, its address and the opt-ins do not belong together."""
    from core.adapters import accounts
    from core.adapters.dynamo.notices import DynamoNotices
    from core.adapters.dynamo.sendings import DynamoSendings
    from core.adapters.gate import OPT_IN

    policy = wiring.policy(market)
    return accounts.broker(
        wiring.settings.broker,
        policy,
        venue(market, policy),
        sign=signer(wiring, market, account),
        secrets=wiring.secrets,
        opt_in=wiring.env.get(OPT_IN, ""),
        budget=wiring.spare(market) or wiring.budget,
        purse=purse(account.key.environment),
        sendings=DynamoSendings(wiring.named("HOGA_LEDGER_TABLE"), wiring.lock_client),
        board=DynamoNotices(wiring.named("HOGA_STATE_TABLE"), wiring.client("dynamodb")),
        days=lambda: wiring.days(market),
        clock=wiring.clock,
        sleep=time.sleep,
        dice=random.random,
        phase=partial(_phase, wiring, market),
    )


def turns(wiring: Wiring, market: Market, budget: SpareBudget) -> ports.Turns:
    """Who pays for the calls of a buy in this process, which carries signals out."""
    from core.adapters.paper import DEPTH
    from core.adapters.turns import BuyTurns, PaperFares, Tolled

    broker, quote = wiring.broker(market), wiring.policy(market).universe.quote
    paper = PaperFares(lambda symbol: wiring.quick_quotes(market).book(symbol, DEPTH))
    return BuyTurns(
        market,
        budget,
        lambda symbol: wiring.quick_quotes(market).looks(symbol, quote),
        broker.fares if isinstance(broker, Tolled) else paper,
    )


def signer(wiring: Wiring, market: Market, account: AccountPolicy) -> Signer:
    """Who signs the account's calls: its app key with a token, or its access key each request by itself."""
    from core.adapters.account_key import AccountKey

    orders = venue(market).orders
    if orders is None or orders.sign is None:
        return wiring.credentials(market)[account.key.app_key]
    return AccountKey(orders, account.key, wiring.secrets, wiring.clock, lambda: str(uuid4()))


def notices(wiring: Wiring, market: Market) -> ports.Notices | None:
    """Where notices of our own orders go; None where none reach the venue, or where it is asked by our own ids."""
    from core.adapters.dynamo.notices import DynamoNotices

    orders = venue(market).orders
    if orders is None or orders.named is not None or account(wiring, market) is None:
        return None
    return DynamoNotices(wiring.named("HOGA_STATE_TABLE"), wiring.client("dynamodb"))


def _phase(wiring: Wiring, market: Market, instrument: Instrument, at: Millis) -> Phase:
    """What kind of trading goes on in one symbol, as the streamer hears of it."""
    from core.app.standstill import phase

    return phase(instrument, wiring.days(market), wiring.recent, wiring.policy(market), at)
