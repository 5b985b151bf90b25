"""Upbit's tokens (E8): the reference's vectors, and that nobody prints a secret."""

import msgspec
import pytest

from core.domain.errors import Misconfigured
from core.domain.values import Millis
from core.venues.flow import Request
from core.venues.ordering import Proof
from core.venues.upbit.signing import hashed, sign, token

NONCE = "00000000-0000-4000-8000-000000000001"
PROOF = Proof(key="test-access", secret="test-secret", nonce=NONCE, at=Millis(0))
CLAIMS = "eyJhY2Nlc3Nfa2V5IjoidGVzdC1hY2Nlc3MiLCJub25jZSI6IjAwMDAwMDAwLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMSJ9"
HS256 = f"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{CLAIMS}.fCJ9EOcCfO_7zyAVqYj8GS0WlRgpHjsSllyt4mzw5s0"
HS512 = (
    f"eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.{CLAIMS}."
    "eNCuezCNpAbvagFCAotz7td0HcGYA55Cy3aP8DspVJ3jy2LQz_NYpvSchXuaQR-QUO9GJ-6sm5aCvzUinlL-7Q"
)
ORDER = [
    ("market", "KRW-BTC"),
    ("side", "bid"),
    ("volume", "0.01"),
    ("price", "100000000"),
    ("ord_type", "limit"),
    ("identifier", "bot-0001"),
]
ORDER_HASH = (
    "8ba42239cbb8a059914ed55d646ef6e9aeefd8abb653b49be328b1ed022e5ae1"
    "1e2f9b3ea8426c5864613dea8563a19e1265699ba387dd62c5ee568ff25623d1"
)
UUIDS = (("uuids[]", "9ca023a5-851b-4fec-9f0a-48cd83c2eaae"), ("uuids[]", "cdd92199-2897-4e14-9448-f923320408ad"))
UUIDS_HASH = (
    "eb5595726e892c7e0287707a0f47f62652fe36de40ed1146b7457f295218de46"
    "bf0d19c4a10f8f59be343172a1c9a6dca430fa3b24d687478208136aedb74dfd"
)


def test_the_references_tokens_come_out_and_hs512_is_the_usual_one():
    assert token(PROOF, "") == HS512
    assert token(msgspec.structs.replace(PROOF, algorithm="HS256"), "") == HS256


def test_the_references_hashes_come_out_for_a_body_a_query_and_nothing():
    assert hashed(Request("POST", "/v1/orders", body=msgspec.json.encode(dict(ORDER)))) == ORDER_HASH
    assert hashed(Request("GET", "/v1/orders/uuids", UUIDS)) == UUIDS_HASH
    assert hashed(Request("GET", "/v1/accounts")) == ""


def test_a_signed_request_carries_its_hash_and_keeps_its_own_headers():
    request = sign(Request("POST", "/v1/orders", body=msgspec.json.encode(dict(ORDER)), headers=(("x", "y"),)), PROOF)
    headers = dict(request.headers)
    assert headers["x"] == "y"
    assert headers["authorization"] == f"Bearer {token(PROOF, ORDER_HASH)}"


def test_an_algorithm_that_upbit_does_not_have_is_named_with_those_it_has():
    with pytest.raises(Misconfigured, match="HS512, HS256"):
        token(msgspec.structs.replace(PROOF, algorithm="none"), "")


def test_what_prints_a_proof_shows_no_secret():
    assert "test-secret" not in repr(PROOF)
    assert "test-access" not in f"{PROOF}"
