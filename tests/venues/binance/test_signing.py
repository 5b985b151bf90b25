"""Binance's signatures (E8): the vendor's vectors, Ed25519 checked with the public key, nothing secret in print."""

import sys
from base64 import b64decode
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from core.domain.errors import Misconfigured
from core.domain.values import Millis
from core.venues.binance.signing import sign, signature
from core.venues.flow import Request
from core.venues.ordering import Proof

PROOF = Proof(
    key="vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    secret="NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
    nonce="n",
    at=Millis(1499827319559),
)
ORDER = (
    ("symbol", "LTCBTC"), ("side", "BUY"), ("type", "LIMIT"), ("timeInForce", "GTC"), ("quantity", "1"), ("price", "0.1"),
)  # fmt: skip
TAIL = "&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
VECTORS = {
    f"symbol=LTCBTC{TAIL}": "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
    f"symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96{TAIL}": "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
}


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize("payload", VECTORS)
def test_the_vendors_signatures_come_out(payload):
    assert signature(payload, PROOF) == VECTORS[payload]


def test_a_signed_request_has_moment_window_and_the_signature_of_all_of_it_last():
    request = sign(Request("POST", "/api/v3/order", ORDER, headers=(("x", "y"),)), PROOF)
    assert request.query[:-1] == (*ORDER, ("recvWindow", "5000"), ("timestamp", "1499827319559"))
    assert request.query[-1] == ("signature", VECTORS[urlencode(request.query[:-1])])
    assert request.headers == (("x", "y"), ("x-mbx-apikey", PROOF.key))


def test_a_price_is_asked_for_by_nobody_in_particular():
    request = Request("GET", "/api/v3/ticker/price", (("symbol", "BNBUSDT"),))
    assert sign(request, PROOF) == request


@pytest.mark.parametrize("algorithm", ["", "ED25519"])
def test_a_private_key_signs_with_ed25519(algorithm):
    key = ed25519.Ed25519PrivateKey.generate()
    signed = signature("a=b", replace(PROOF, secret=f"\n{pem(key)}\n", algorithm=algorithm))
    key.public_key().verify(b64decode(signed), b"a=b")


@pytest.mark.parametrize("secret", ["-----BEGIN nothing", pem(ec.generate_private_key(ec.SECP256R1())), "plain"])
def test_a_secret_that_is_no_such_key_is_told_without_being_shown(secret):
    with pytest.raises(Misconfigured, match="Ed25519") as caught:
        signature("a=b", replace(PROOF, secret=secret, algorithm="ED25519"))
    assert secret not in str(caught.value)


def test_where_ed25519_is_not_installed_the_other_kind_of_key_is_named(monkeypatch):
    """The functions are built without it; the streamer and a person's machine have it."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)
    with pytest.raises(Misconfigured, match="HMAC key"):
        signature("a=b", replace(PROOF, algorithm="ED25519"))


def test_an_algorithm_that_binance_does_not_have_is_named_with_those_it_has():
    with pytest.raises(Misconfigured, match="HMAC, ED25519"):
        signature("a=b", replace(PROOF, algorithm="HS512"))
