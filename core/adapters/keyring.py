"""The app keys of a market: each signs the calls of its account, and opens its streams (E12).

Tokens and approval keys come from the vault that all functions and the streamer share; a process keeps the one it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

from core.adapters.paced import Circuit, Paced
from core.adapters.secrets import Secrets
from core.app.ports import Budget, Clock
from core.app.tokens import EARLY, Counter, Vault, credential
from core.domain.errors import Misconfigured
from core.domain.policies import AccountPolicy, Environment, KeyPolicy, MarketPolicy, RestPolicy
from core.domain.values import Market
from core.venues.flow import Flow, Request, run
from core.venues.spec import Issued, KeySpec, RestSpec, purse

NAME_LENGTH = 16


class AppKey:
    """One app key at one environment. A `Signer`: it adds to a request what proves who asks.

    paced  carries out the calls that buy credentials: never signed, never tried twice
    """

    def __init__(
        self,
        market: Market,
        spec: KeySpec,
        policy: KeyPolicy,
        secrets: Secrets,
        vault: Vault,
        paced: Paced,
        clock: Clock,
        sleep: Callable[[float], None],
        owner: Callable[[], str],
    ) -> None:
        self._market, self._spec, self._policy = market, spec, policy
        self._secrets, self._vault, self._paced = secrets, vault, paced
        self._clock, self._sleep, self._owner = clock, sleep, owner
        self._token: Issued | None = None

    def __call__(self, request: Request) -> Request:
        key, secret = self._pair()
        return self._spec.sign(request, key, secret, self._current().text)

    def renew(self) -> None:
        """Another token than the one that was used last."""
        self._token = self._bought("token", self._token.text if self._token else "")

    def approval(self, refused: str = "") -> str:
        return self._bought("approval", refused).text

    @property
    def circuits(self) -> dict[str, Circuit]:
        """The breakers of the calls that buy credentials (D17)."""
        return self._paced.circuits

    def _current(self) -> Issued:
        if self._token is None or self._token.ends - self._clock() <= EARLY:
            self._token = self._bought("token", "")
        return self._token

    def _bought(self, kind: str, refused: str) -> Issued:
        key, secret = self._pair()
        ask, gap_ms = {
            "token": (self._spec.token, self._spec.token_gap_ms),
            "approval": (self._spec.approval, self._spec.approval_gap_ms),
        }[kind]
        counter = Counter(
            name=row_of(self._market, self._policy.environment, key, kind),
            ask=lambda: self._run(ask(key, secret, self._clock())),
            gap_ms=gap_ms,
            vault=self._vault,
            clock=self._clock,
            sleep=self._sleep,
            owner=self._owner,
        )
        return credential(counter, refused)

    def _run(self, flow: Flow[Issued]) -> Issued:
        return run(flow, self._paced.send)

    def _pair(self) -> tuple[str, str]:
        return self._secrets.get(self._policy.app_key).reveal(), self._secrets.get(self._policy.app_secret).reveal()


def row_of(market: Market, environment: Environment, key: str, kind: str) -> str:
    """Where a vault keeps one kind of credential of an app key."""
    return f"{market.value}#{environment.value}#{fingerprint(key)}#{kind}"


def fingerprint(key: str) -> str:
    """Names an app key without telling it: another key has its own credentials, the same one its own everywhere."""
    return sha256(key.encode()).hexdigest()[:NAME_LENGTH]


class KeyRing:
    """Every app key of a market by the name that its settings give it. Implements `ports.Credentials`."""

    def __init__(self, keys: Mapping[str, AppKey]) -> None:
        self._keys = dict(keys)

    def __getitem__(self, name: str) -> AppKey:
        """Raises Misconfigured where the market has no such key."""
        if name not in self._keys:
            raise Misconfigured("this market has no app key of this name", key=name, keys=", ".join(self._keys))
        return self._keys[name]

    def approval(self, key: str, refused: str = "") -> str:
        return self[key].approval(refused)


def ring(
    spec: RestSpec,
    policy: MarketPolicy,
    secrets: Secrets,
    vault: Vault,
    budget: Budget,
    clock: Clock,
    sleep: Callable[[float], None],
    dice: Callable[[], float],
    owner: Callable[[], str],
) -> KeyRing:
    """The keys for quotes and streams at the market's address, the account's at its own."""

    def made(key: KeyPolicy, rest: RestPolicy) -> AppKey:
        if spec.keys is None:
            raise Misconfigured("this market takes no app keys", market=spec.market.value)
        there = spec.at(key.environment)
        paced = Paced(there, rest, budget, clock, sleep, dice, tries=1, purse=purse(key.environment))
        return AppKey(spec.market, spec.keys, key, secrets, vault, paced, clock, sleep, owner)

    return KeyRing({key.app_key: made(key, rest) for key, rest in _places(policy)})


def _places(policy: MarketPolicy) -> Iterable[tuple[KeyPolicy, RestPolicy]]:
    if policy.account is not None:
        yield policy.account.key, account_rest(policy.rest, policy.account)
    for key in policy.keys:
        yield key, policy.rest


def account_rest(rest: RestPolicy, account: AccountPolicy) -> RestPolicy:
    """How the account's address is called: as the market's own, elsewhere."""
    return RestPolicy(
        url=account.url,
        limits=rest.limits if account.key.environment is Environment.REAL else {},
        headroom=rest.headroom,
        connect_s=rest.connect_s,
        read_s=rest.read_s,
        backoff_s=rest.backoff_s,
    )
