"""Who may ask simulated Binance about an account: keys, moments, signatures. Source: reference/binance.md 4."""

from __future__ import annotations

import hmac
from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import parse_qsl, unquote

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from core.simulators.binance_query import Declined

AHEAD_MS, USUAL_WINDOW_MS, WIDEST_WINDOW_MS = 1000, 5000, 60_000


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key. `public` is a PEM text where it is an Ed25519 key; `addresses` empty: any may use it."""

    key: str = "simulatedBinanceApiKey000000000000000000000000000000000000000001"
    secret: str = "simulatedBinanceApiSecret0000000000000000000000000000000000000001"
    public: str = ""
    addresses: frozenset[str] = frozenset()


class Doorkeeper:
    def __init__(self, keys: tuple[ApiKey, ...]) -> None:
        self._keys = {key.key: key for key in keys}

    def admit(self, headers: Mapping[str, str], raw: str, address: str, at: int) -> dict[str, str]:
        """The parameters of a signed call, without what proves it; `raw` is query and body as they came.

        Raises:
            Declined: for whoever may not ask this.
        """
        name = headers.get("x-mbx-apikey", "")
        if not name:
            raise Declined(-2014, "API-key format invalid.", 401)
        key = self._keys.get(name)
        if key is None or (key.addresses and address not in key.addresses):
            raise Declined(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        payload, _, signature = raw.rpartition("&signature=")
        query = dict(parse_qsl(raw, keep_blank_values=True))
        for needed in ("timestamp", "signature"):
            if not query.get(needed):
                raise Declined(-1102, f"Mandatory parameter '{needed}' was not sent, was empty/null, or malformed.")
        self._timely(query, at)
        if not _signed(key, payload, unquote(signature)):
            raise Declined(-1022, "Signature for this request is not valid.")
        return {name: text for name, text in query.items() if name not in ("timestamp", "recvWindow", "signature")}

    def _timely(self, query: Mapping[str, str], at: int) -> None:
        try:
            moment, window = int(query["timestamp"]), float(query.get("recvWindow", USUAL_WINDOW_MS))
        except ValueError:
            raise Declined(-1100, "Illegal characters found in parameter 'timestamp'.") from None
        moment = moment // 1000 if moment >= 10**15 else moment
        if window > WIDEST_WINDOW_MS:
            raise Declined(-1131, "recvWindow must be less than 60000.")
        if moment >= at + AHEAD_MS:
            raise Declined(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if at - moment > window:
            raise Declined(-1021, "Timestamp for this request is outside of the recvWindow.")


def _signed(key: ApiKey, payload: str, signature: str) -> bool:
    """HMAC in hex of any case, or Ed25519 in base64."""
    if not key.public:
        right = hmac.digest(key.secret.encode(), payload.encode(), sha256).hex()
        return hmac.compare_digest(right, signature.lower())
    public = load_pem_public_key(key.public.encode())
    if not isinstance(public, Ed25519PublicKey):
        return False
    try:
        public.verify(b64decode(signature), payload.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
