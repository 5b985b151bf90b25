"""Secrets: read when first needed, kept for five minutes, and never shown by anything that prints, dumps or logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from core.domain.errors import Misconfigured, Transient

MASK = "********"
KEPT_S = 300.0
MENDED_BY_A_PERSON = frozenset({"ParameterNotFound", "AccessDeniedException", "UnrecognizedClientException"})


class Secret:
    """A text that only `reveal` gives out: repr, str, format, pickle and JSON see the mask or are refused."""

    __slots__ = ("reveal",)

    reveal: Callable[[], str]

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "reveal", lambda: text)

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret does not change")

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (MASK,)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self


class Secrets(Protocol):
    def get(self, name: str) -> Secret:
        """Raises Misconfigured where there is no such secret, Transient where the store does not answer."""


class SsmSecrets:
    """SSM SecureStrings under `prefix` (`/hoga/STAGE`); `monotonic_s` is this process's own clock."""

    def __init__(self, prefix: str, client: Any, monotonic_s: Callable[[], float]) -> None:
        self._prefix = prefix.rstrip("/")
        self._client = client
        self._monotonic_s = monotonic_s
        self._kept: dict[str, tuple[float, Secret]] = {}

    def get(self, name: str) -> Secret:
        read, secret = self._kept.get(name, (0.0, None))
        if secret is None or self._monotonic_s() - read >= KEPT_S:
            secret = self._read(name)
            self._kept[name] = (self._monotonic_s(), secret)
        return secret

    def _read(self, name: str) -> Secret:
        try:
            reply = self._client.get_parameter(Name=f"{self._prefix}/{name}", WithDecryption=True)
        except ClientError as fault:
            raise _told(fault.response["Error"]["Code"], f"{self._prefix}/{name}") from None
        except BotoCoreError as fault:
            raise Transient("the secret store does not answer", fault=type(fault).__name__) from None
        return Secret(reply["Parameter"]["Value"])


class EnvSecrets:
    """Secrets of a local run: `HOGA_SECRET_NAME` in the environment that the composition root hands over."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def get(self, name: str) -> Secret:
        key = f"HOGA_SECRET_{name.upper()}"
        if not self._env.get(key):
            raise Misconfigured("a secret is missing", environment=key)
        return Secret(self._env[key])


def _told(code: str, name: str) -> Misconfigured | Transient:
    if code in MENDED_BY_A_PERSON:
        return Misconfigured("a secret cannot be read", parameter=name, code=code)
    return Transient("the secret store does not answer", parameter=name, code=code)
