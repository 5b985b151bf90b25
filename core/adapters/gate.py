"""The gate that every order passes last: nothing leaves for an address that two opt-ins have not opened.

An order reaches a live account only where settings say `broker: live` and the environment names that very account, by
market: `HOGA_LIVE_ACCOUNT="krx=12345678-01,upbit=ACCESS_KEY,binance=API_KEY"`. A number alone is the KRX account's.
The gate stands inside the transport, behind everything that could still change an address (a base address, a redirect,
a proxy), so what it does not know does not leave the machine.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import Retry
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from core.adapters.secrets import Secret
from core.domain.errors import Misconfigured
from core.domain.policies import AccountPolicy, Environment
from core.domain.values import Market
from core.settings import BrokerKind
from core.venues.ordering import PORTS, Orders

OPT_IN = "HOGA_LIVE_ACCOUNT"
"""The second opt-in: the live accounts by market, in the environment of the process that sends orders."""

HERE = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""This machine, where simulators are."""

HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "hoga"}


class Gate:
    """One origin, and this machine. Made by `opened` only, which asks for both opt-ins where it has to."""

    def __init__(self, origin: tuple[str, str, int]) -> None:
        self._origin = origin

    def check(self, url: str) -> None:
        """Raises Misconfigured for an address that orders may not go to."""
        try:
            parsed = parse_url(url)
        except LocationParseError:
            raise Misconfigured("an order was held back: its address is none") from None
        scheme, host = parsed.scheme or "", parsed.host or ""
        port = parsed.port or PORTS.get(scheme, 0)
        if parsed.auth or (host not in HERE and (scheme, host, port) != self._origin):
            raise Misconfigured(
                "an order was held back: its address is not open to it", address=f"{scheme}://{host}:{port}"
            )


def opened(kind: BrokerKind, policy: AccountPolicy, spec: Orders, number: Secret, opt_in: str) -> Gate:
    """The gate for this kind of broker, checked against the address that settings name.

    Raises:
        Misconfigured: paper sends nothing, the key is the other environment's, an opt-in is missing, or the address is
            not this environment's. No text has the account's number in it.
    """
    environment = ENVIRONMENTS.get(kind)
    if environment is None:
        raise Misconfigured("a paper broker sends no orders", broker=kind.value)
    if environment not in spec.origins:
        raise Misconfigured(
            "this market has no test environment: its orders go to paper, or to the real account",
            market=spec.market.value,
            broker=kind.value,
            allowed="paper or live",
        )
    if policy.key.environment is not environment:
        raise Misconfigured(
            "the account's key belongs to another environment", broker=kind.value, key=policy.key.environment.value
        )
    if environment is Environment.REAL and not _named(opt_in, spec.market, number):
        raise Misconfigured(
            "live orders need a second opt-in: the account in the environment",
            environment=OPT_IN,
            form=f"{spec.market.value}=ACCOUNT, with a comma before the next market's",
        )
    gate = Gate(spec.origins[environment])
    gate.check(policy.url)
    return gate


ENVIRONMENTS = {BrokerKind.MOCK: Environment.MOCK, BrokerKind.LIVE: Environment.REAL}


def _named(opt_in: str, market: Market, number: Secret) -> bool:
    """The same account, however it is written; an empty one names nothing, and one named twice is none."""
    named = [_plain(account) for name, account in _accounts(opt_in) if name == market.value]
    known = _plain(number.reveal())
    return bool(known) and len(named) == 1 and compare_digest(named[0].encode(), known.encode())


def _accounts(opt_in: str) -> list[tuple[str, str]]:
    """(market, account) pairs; a text without a market is the KRX account's number, as it was before there were more.

    >>> _accounts("krx=1234, upbit=abc"), _accounts("12345678-01")
    ([('krx', '1234'), ('upbit', 'abc')], [('krx', '12345678-01')])
    """
    pairs = [part.partition("=") for part in opt_in.split(",")]
    if len(pairs) == 1 and not pairs[0][1]:
        return [(Market.KRX.value, opt_in)]
    return [(name.strip().lower(), account) for name, _, account in pairs]


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())


class Gated(BaseAdapter):
    """The transport's last step: asks the gate about the very address that the socket would be opened for."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate
        self._wire = HTTPAdapter(max_retries=Retry(0, read=False))

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self._gate.check(request.url or "")
        return self._wire.send(request, *args, **kwargs)

    def close(self) -> None:
        self._wire.close()


def session(gate: Gate) -> requests.Session:
    """Connections behind the gate: no retries but ours, no redirects, no proxy and no netrc of the machine's."""
    made = requests.Session()
    made.trust_env = False
    made.headers.clear()
    made.headers.update(HEADERS)
    made.adapters.clear()
    for scheme in ("http://", "https://"):
        made.mount(scheme, Gated(gate))
    return made
