"""Who may ask the simulated Upbit about an account: access keys, tokens, nonces. Source: reference/upbit.md 5."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from hashlib import sha256, sha512

import msgspec

from core.simulators.upbit_rest import Declined

HASHES = {"HS512": sha512, "HS256": sha256}


class AccessKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key of the account. `addresses` empty: any may use it; `scopes` what it may do."""

    access: str = "simulated-upbit-access-key-0000000000001"
    secret: str = "simulated-upbit-secret-key-0000000000001"
    addresses: frozenset[str] = frozenset()
    expired: bool = False
    scopes: frozenset[str] = frozenset({"accounts", "orders", "order"})


class Named(Declined):
    """A refusal of a private call: `name` is what clients branch on."""

    def __init__(self, status: int, name: str, message: str = "") -> None:
        super().__init__(status, message or WORDS.get(name, "요청을 처리할 수 없습니다."))
        self.name = name


class Claims(msgspec.Struct):
    access_key: str = ""
    nonce: str = ""
    query_hash: str = ""
    query_hash_alg: str = ""


class Header(msgspec.Struct):
    alg: str = ""


class Doorkeeper:
    """`algorithms` are those that are accepted: which of them Upbit still takes is UNCONFIRMED, so it is a setting."""

    def __init__(self, keys: tuple[AccessKey, ...], algorithms: frozenset[str] = frozenset(HASHES)) -> None:
        self._keys = {key.access: key for key in keys}
        self._algorithms = algorithms
        self._nonces: set[str] = set()

    def admit(self, headers: Mapping[str, str], pairs: list[tuple[str, str]], scope: str, address: str) -> None:
        """Raises Named for whoever may not ask this."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise Named(401, "no_authorization_token")
        key, claims = self._proven(token)
        if claims.nonce in self._nonces or not claims.nonce:
            raise Named(401, "nonce_used")
        self._nonces.add(claims.nonce)
        self._fits(claims, pairs)
        if key.expired:
            raise Named(401, "expired_access_key")
        if key.addresses and address not in key.addresses:
            raise Named(401, "no_authorization_ip")
        if scope not in key.scopes:
            raise Named(403, "out_of_scope")

    def _proven(self, token: str) -> tuple[AccessKey, Claims]:
        parts = token.split(".")
        try:
            header = msgspec.json.decode(_raw(parts[0]), type=Header)
            claims, signature = msgspec.json.decode(_raw(parts[1]), type=Claims), _raw(parts[2])
        except (ValueError, IndexError, msgspec.MsgspecError):
            raise Named(401, "jwt_verification") from None
        key = self._keys.get(claims.access_key)
        if key is None:
            raise Named(401, "invalid_access_key")
        signed = f"{parts[0]}.{parts[1]}".encode()
        known = header.alg in self._algorithms
        if not known or not hmac.compare_digest(
            hmac.digest(key.secret.encode(), signed, HASHES[header.alg]), signature
        ):
            raise Named(401, "jwt_verification")
        return key, claims

    def _fits(self, claims: Claims, pairs: list[tuple[str, str]]) -> None:
        text = "&".join(f"{name}={value}" for name, value in pairs)
        if not text:
            return
        right = sha512(text.encode()).hexdigest()
        if claims.query_hash_alg != "SHA512" or claims.query_hash != right:
            raise Named(401, "invalid_query_payload")


def _raw(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


WORDS = {
    "no_authorization_token": "토큰이 존재하지 않습니다.",
    "jwt_verification": "JWT 헤더의 페이로드를 올바르게 검증하지 못했습니다.",
    "invalid_access_key": "잘못된 엑세스 키입니다.",
    "nonce_used": "이미 요청한 nonce값이 다시 사용되었습니다.",
    "invalid_query_payload": "JWT 헤더의 페이로드가 올바르지 않습니다.",
    "expired_access_key": "API 키가 만료되었습니다.",
    "no_authorization_ip": "허용되지 않은 IP 주소입니다.",
    "out_of_scope": "허용되지 않은 기능입니다.",
    "order_not_found": "주문을 찾지 못했습니다.",
    "too_many_requests": "Too many API requests.",
    "duplicated_identifier": "이미 사용된 identifier 입니다.",
    "insufficient_funds_bid": "주문가능한 금액(KRW)이 부족합니다.",
    "insufficient_funds_ask": "주문가능한 수량이 부족합니다.",
    "under_min_total_bid": "최소 주문금액 이상으로 주문해주세요.",
    "under_min_total_ask": "최소 주문금액 이상으로 주문해주세요.",
    "invalid_price_bid": "주문가격 단위를 잘못 입력하셨습니다.",
    "invalid_price_ask": "주문가격 단위를 잘못 입력하셨습니다.",
    "validation_error": "잘못된 API 요청입니다.",
    "create_bid_error": "주문 요청 정보가 올바르지 않습니다.",
    "create_ask_error": "주문 요청 정보가 올바르지 않습니다.",
}
