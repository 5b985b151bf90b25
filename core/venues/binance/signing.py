"""Who asks, at Binance: a key in a header and a signature over everything else. Source: reference/binance.md 4."""

from __future__ import annotations

import hmac
from base64 import b64encode
from hashlib import sha256
from urllib.parse import urlencode

import msgspec

from core.domain.errors import Misconfigured
from core.venues.flow import Request
from core.venues.ordering import Proof

ALGORITHMS = ("HMAC", "ED25519")
PEM = "-----BEGIN"
PUBLIC = "/api/v3/ticker/"
"""Nobody need say who asks for a price, and parameters that a call does not have are refused (-1104)."""
WINDOW_MS = 5000
"""A request that arrives later than this is refused: an order cannot turn up when nobody waits for it any more."""


def sign(request: Request, proof: Proof) -> Request:
    """The request with the moment, how long it holds, and the signature last; all of it in the query.

    Raises:
        Misconfigured: an algorithm that Binance does not have, or a private key that does not read.
    """
    if request.path.startswith(PUBLIC):
        return request
    query = (*request.query, ("recvWindow", str(WINDOW_MS)), ("timestamp", str(proof.at)))
    signed = (*query, ("signature", signature(urlencode(query), proof)))
    return msgspec.structs.replace(request, query=signed, headers=(*request.headers, ("x-mbx-apikey", proof.key)))


def signature(payload: str, proof: Proof) -> str:
    """HMAC-SHA256 as hex, or Ed25519 as base64 where the secret is a private key in PEM form."""
    algorithm = proof.algorithm or ("ED25519" if proof.secret.lstrip().startswith(PEM) else "HMAC")
    match algorithm:
        case "HMAC":
            return hmac.digest(proof.secret.encode(), payload.encode(), sha256).hex()
        case "ED25519":
            return _ed25519(payload, proof.secret)
        case _:
            raise Misconfigured("Binance has no such algorithm", algorithm=algorithm, allowed=", ".join(ALGORITHMS))


def _ed25519(payload: str, secret: str) -> str:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:  # functions do not carry it: 12 MB for one kind of key
        raise Misconfigured(
            "Ed25519 keys cannot sign here: make an HMAC key at Binance", missing="cryptography"
        ) from None
    try:
        key = load_pem_private_key(secret.strip().encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured("the account's secret is not an Ed25519 private key in PEM form without a password")
    return b64encode(key.sign(payload.encode())).decode()
