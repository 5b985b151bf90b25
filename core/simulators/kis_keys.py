"""App keys, access tokens and approval keys as KIS gives them out. Pure: time is given. Source: reference/kis.md 2."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from core.domain.policies import Environment
from core.simulators.kis_answers import Declined
from core.simulators.kis_limits import KisLimits
from core.simulators.kis_time import date_of, time_of
from core.simulators.limits import Recent
from core.simulators.served import Served


class AppKey(NamedTuple):
    """One app key and the account it opens; `environment` is where its business calls are accepted."""

    environment: Environment
    app_key: str
    app_secret: str
    account: str
    hts_id: str = "HOGASIM"


def made(environment: Environment, number: int, account: str) -> AppKey:
    """A key of the right lengths (36 and 180) that is nobody's."""
    word = f"{environment.value}-{number}"
    digest = "".join(blake2b(f"{word}:{part}".encode(), digest_size=32).hexdigest() for part in range(4))
    return AppKey(environment, f"PSIM{digest}"[:36], f"SIMSECRET{digest}"[:180], account)


KEYS = (
    made(Environment.REAL, 1, "7000000101"),
    made(Environment.REAL, 2, "7000000101"),
    made(Environment.MOCK, 1, "5000000101"),
)
"""What the simulators know unless told otherwise: two real keys of one account, and one mock."""


class Token(NamedTuple):
    text: str
    key: AppKey
    made_at: int
    ends: int


class Keyring:
    """What one host knows of keys and has given out."""

    def __init__(self, keys: Sequence[AppKey], limits: KisLimits, served: Served) -> None:
        self._keys = {key.app_key: key for key in keys}
        self._limits, self._served = limits, served
        self._asked: dict[str, int] = {}
        self._newest: dict[str, Token] = {}
        self._tokens: dict[str, Token] = {}
        self._approvals: dict[str, tuple[AppKey, int]] = {}
        self._approving: dict[str, Recent] = {}
        self._given = 0

    def known(self, app_key: str, app_secret: str) -> AppKey:
        """The key of these words. Raises Declined."""
        if not app_key:
            raise Declined("EGW00102", "AppKey는 필수입니다.")
        if (found := self._keys.get(app_key)) is None:
            raise Declined("EGW00103", "유효하지 않은 AppKey입니다.")
        if not app_secret:
            raise Declined("EGW00104", "AppSecret은 필수입니다.")
        if app_secret != found.app_secret:
            raise Declined("EGW00105", "유효하지 않은 AppSecret입니다.")
        return found

    def issue(self, key: AppKey, at: int) -> Token:
        """A token: the last one again where it is young. Raises Declined for a second call within a minute."""
        self._served.counted("token calls")
        asked = self._asked.get(key.app_key)
        if asked is not None and at - asked < self._limits.token_every_s * 1000:
            raise Declined("EGW00133", "접근토큰 발급 잠시 후 다시 시도하세요(1분당 1회)", 403)
        self._asked[key.app_key] = at
        last = self._newest.get(key.app_key)
        if (
            last
            and last.text in self._tokens
            and at - last.made_at < self._limits.same_token_s * 1000
            and at < last.ends
        ):
            return last
        return self._new(key, at)

    def _new(self, key: AppKey, at: int) -> Token:
        self._given += 1
        self._served.counted("tokens")
        ends = at + round(self._limits.token_life_s * 1000)
        token = Token(jwt(key, at, ends, self._given), key, at, ends)
        self._tokens[token.text] = self._newest[key.app_key] = token
        return token

    def revoke(self, text: str) -> None:
        if self._tokens.pop(text, None) is None:
            raise Declined("EGW00121", "유효하지 않은 token 입니다.")

    def bearer(self, text: str, key: AppKey, at: int) -> None:
        """Accept a business call's token. Raises Declined."""
        token = self._tokens.get(text)
        if token is None or token.key != key:
            raise Declined("EGW00121", "유효하지 않은 token 입니다.")
        if at >= token.ends:
            raise Declined("EGW00123", "기간이 만료된 token 입니다.")

    def expire(self) -> None:
        """Let every token that was given out be expired, as after a maintenance."""
        self._tokens = {text: token._replace(ends=0) for text, token in self._tokens.items()}
        self._newest.clear()

    def approve(self, key: AppKey, at: int) -> str:
        """A new approval key. Raises Declined for a second call within the second."""
        self._served.counted("approval calls")
        window = self._approving.setdefault(key.app_key, Recent(self._limits.approval_per_s, 1000))
        if window.take(at)[1]:
            raise Declined("EGW00201", "초당 거래건수를 초과하였습니다.")
        self._given += 1
        self._served.counted("approvals")
        word = blake2b(f"{key.app_key}:{self._given}".encode(), digest_size=16).hexdigest()
        text = "-".join((word[:8], word[8:12], word[12:16], word[16:20], word[20:]))
        self._approvals[text] = (key, at + round(self._limits.approval_life_s * 1000))
        return text

    def approved(self, text: str, at: int) -> AppKey | None:
        """The app key that an approval key stands for, None where it does not (any more)."""
        key, ends = self._approvals.get(text, (None, 0))
        return key if at < ends else None

    def disapprove(self) -> None:
        """Forget every approval key."""
        self._approvals.clear()


def jwt(key: AppKey, at: int, ends: int, number: int) -> str:
    """Three base64 parts with dots, at most 350 characters."""
    head = _part({"typ": "JWT", "alg": "HS512"})
    claims = {"sub": "token", "iss": "unogw", "exp": ends // 1000, "iat": at // 1000, "jti": key.app_key, "n": number}
    tail = blake2b(f"{key.app_secret}{at}{number}".encode(), digest_size=64).digest()
    return f"{head}.{_part(claims)}.{urlsafe_b64encode(tail).decode().rstrip('=')}"


def _part(value: object) -> str:
    return urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


def told(token: Token, at: int) -> dict[str, object]:
    """tokenP's body; the moment of expiry is Korean time without a zone."""
    day, clock = date_of(token.ends), time_of(token.ends)
    stamp = f"{day[:4]}-{day[4:6]}-{day[6:]} {clock[:2]}:{clock[2:4]}:{clock[4:]}"
    return {
        "access_token": token.text,
        "access_token_token_expired": stamp,
        "token_type": "Bearer",
        "expires_in": (token.ends - at) // 1000,
    }
