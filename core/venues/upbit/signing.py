"""Who asks, at Upbit: a token of three parts that holds for one request only. Source: reference/upbit.md 5.1."""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256, sha512

import msgspec

from core.domain.errors import Misconfigured
from core.venues.flow import Request
from core.venues.ordering import Proof

ALGORITHMS = {"HS512": sha512, "HS256": sha256}
"""Korean pages name HS512, older and global ones HS256. That both are accepted is UNCONFIRMED: it is a setting."""


def sign(request: Request, proof: Proof) -> Request:
    """The request with its token. Raises Misconfigured for an algorithm that Upbit does not have."""
    header = ("authorization", f"Bearer {token(proof, hashed(request))}")
    return msgspec.structs.replace(request, headers=(*request.headers, header))


def token(proof: Proof, query_hash: str) -> str:
    """A JSON Web Token; the secret's text is the key as it is.

    >>> from core.domain.values import Millis
    >>> nonce = "00000000-0000-4000-8000-000000000001"
    >>> token(Proof(key="test-access", secret="test-secret", nonce=nonce, at=Millis(0), algorithm="HS256"), "")[-43:]
    'fCJ9EOcCfO_7zyAVqYj8GS0WlRgpHjsSllyt4mzw5s0'
    """
    name = proof.algorithm or next(iter(ALGORITHMS))
    if name not in ALGORITHMS:
        raise Misconfigured("Upbit has no such algorithm", algorithm=name, allowed=", ".join(ALGORITHMS))
    claims = {"access_key": proof.key, "nonce": proof.nonce}
    if query_hash:
        claims |= {"query_hash": query_hash, "query_hash_alg": "SHA512"}
    signed = f"{_part(msgspec.json.encode({'alg': name, 'typ': 'JWT'}))}.{_part(msgspec.json.encode(claims))}"
    return f"{signed}.{_part(hmac.digest(proof.secret.encode(), signed.encode(), ALGORITHMS[name]))}"


def hashed(request: Request) -> str:
    """SHA-512 over all parameters as `k=v&k=v` in the order sent, not percent-encoded; "" where there are none."""
    pairs = list(request.query)
    if request.body:
        pairs += msgspec.json.decode(request.body, type=dict[str, str]).items()
    text = "&".join(f"{name}={value}" for name, value in pairs)
    return sha512(text.encode()).hexdigest() if text else ""


def _part(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
