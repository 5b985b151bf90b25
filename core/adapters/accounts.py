"""The broker of one market as settings want it, from its parts; both opt-ins of live trading are asked for here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.adapters.gate import opened
from core.adapters.order_line import OrderLine, Shared
from core.adapters.order_wire import OrderWire
from core.adapters.paced import Signer
from core.adapters.secrets import Secrets
from core.adapters.venue_broker import VenueBroker
from core.app.ports import Budget, Clock, NoticeBoard, Sendings
from core.domain.errors import Misconfigured
from core.domain.phases import Phase
from core.domain.policies import AccountPolicy, MarketPolicy
from core.domain.sessions import Calendar
from core.domain.values import Instrument, Millis
from core.settings import BrokerKind
from core.venues.ordering import Depot, Orders
from core.venues.spec import Venue


def account_of(policy: MarketPolicy, venue: Venue) -> tuple[AccountPolicy, Orders]:
    """Raises Misconfigured where the market has no account, or its venue takes no orders."""
    if policy.account is None or venue.orders is None:
        raise Misconfigured("this market has no account that orders could go to", market=venue.market.value)
    return policy.account, venue.orders


def broker(
    kind: BrokerKind,
    policy: MarketPolicy,
    venue: Venue,
    *,
    sign: Signer,
    secrets: Secrets,
    opt_in: str,
    budget: Budget,
    purse: str,
    sendings: Sendings,
    board: NoticeBoard,
    days: Callable[[], Calendar],
    clock: Clock,
    sleep: Callable[[float], None],
    dice: Callable[[], float],
    phase: Callable[[Instrument, Millis], Phase] | None = None,
) -> VenueBroker:
    """`opt_in` is what the environment says is the live account; `purse` who pays for the calls.

    Raises:
        Misconfigured: the account, its key and its address do not belong together, or an opt-in is missing.
    """
    account, spec = account_of(policy, venue)
    number = secrets.get(account.number)
    environment = account.key.environment
    gate = opened(kind, account, spec, number, opt_in)
    line = OrderLine(
        OrderWire(account.url, gate, connect_s=policy.rest.connect_s, read_s=policy.rest.read_s),
        sign,
        spec.judge,
        Shared(budget, venue.market, _limits(policy, account, spec), policy.rest.headroom, purse),
        clock,
        sleep,
        dice,
    )
    return VenueBroker(
        spec,
        line,
        lambda: Depot(
            number=number.reveal(), environment=environment, quote=policy.universe.quote, exchange=account.exchange
        ),
        sendings,
        board,
        venue.rules,
        days,
        phase or (lambda instrument, at: days().phase(at)),
        clock,
    )


def _limits(policy: MarketPolicy, account: AccountPolicy, spec: Orders) -> Mapping[str, float]:
    """The venue's own for the account's environment; the owner's where the account is of the quotes' environment."""
    environment = account.key.environment
    same = any(key.environment is environment for key in policy.keys)
    return {**spec.limits[environment], **(policy.rest.limits if same else {})}
