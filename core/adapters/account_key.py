"""Signs each request of an account whose venue gives out no tokens (Upbit, Binance): a nonce, a moment, a signature."""

from __future__ import annotations

from collections.abc import Callable

from core.adapters.secrets import Secrets
from core.app.ports import Clock
from core.domain.errors import Misconfigured
from core.domain.policies import KeyPolicy
from core.venues.flow import Request
from core.venues.ordering import Orders, Proof


class AccountKey:
    """A `Signer` of one key. `nonce` gives a UUID that was never given before."""

    def __init__(
        self, spec: Orders, policy: KeyPolicy, secrets: Secrets, clock: Clock, nonce: Callable[[], str]
    ) -> None:
        if spec.sign is None:
            raise Misconfigured("this market's app keys sign for its account", market=spec.market.value)
        self._sign, self._policy, self._secrets = spec.sign, policy, secrets
        self._clock, self._nonce = clock, nonce

    def __call__(self, request: Request) -> Request:
        proof = Proof(
            key=self._secrets.get(self._policy.app_key).reveal(),
            secret=self._secrets.get(self._policy.app_secret).reveal(),
            nonce=self._nonce(),
            at=self._clock(),
            algorithm=self._policy.algorithm,
        )
        return self._sign(request, proof)

    def renew(self) -> None:
        """Nothing is kept that could be renewed: the next request is signed anew."""
