"""Tokens, approval keys and signatures (reference/kis.md 2)."""

import msgspec
import pytest

from core.domain.errors import RateLimited, WireSurprise
from core.domain.values import DAY, HOUR, Millis
from core.venues.flow import Request, Response, run
from core.venues.kis.figures import stamp
from core.venues.kis.keys import KEYS

SEEN = stamp("20261120", "100000")
TOKEN = {
    "access_token": "jwt-canary", "token_type": "Bearer", "expires_in": 86400,
    "access_token_token_expired": "2026-11-21 09:30:00",
}  # fmt: skip


def answered(flow, reply, status=200):
    asked = []

    def send(request):
        asked.append(request)
        return Response(status, msgspec.json.encode(reply))

    return run(flow, send), asked


def test_a_token_is_bought_with_key_and_secret_and_ends_in_korean_time():
    issued, [request] = answered(KEYS.token("k", "s", SEEN), TOKEN)

    assert issued.text == "jwt-canary"
    assert issued.ends == stamp("20261121", "093000")  # not nine hours later, as a host on UTC would read it
    assert (request.method, request.path) == ("POST", "/oauth2/tokenP")
    assert msgspec.json.decode(request.body) == {"grant_type": "client_credentials", "appkey": "k", "appsecret": "s"}


def test_the_earlier_of_the_two_ends_counts():
    issued, _ = answered(KEYS.token("k", "s", SEEN), {**TOKEN, "expires_in": 3600})

    assert issued.ends == SEEN + HOUR


def test_a_token_without_an_end_lives_for_a_day():
    issued, _ = answered(KEYS.token("k", "s", SEEN), {"access_token": "t"})

    assert issued.ends == SEEN + DAY


def test_an_approval_key_is_bought_with_the_secret_under_its_other_name():
    issued, [request] = answered(KEYS.approval("k", "s", SEEN), {"approval_key": "a-b-c"})

    assert (issued.text, issued.ends) == ("a-b-c", SEEN + DAY)
    assert request.path == "/oauth2/Approval"
    assert msgspec.json.decode(request.body)["secretkey"] == "s"


@pytest.mark.parametrize("flow", [KEYS.token, KEYS.approval])
def test_an_answer_without_a_key_is_a_surprise(flow):
    with pytest.raises(WireSurprise, match="gave no"):
        answered(flow("k", "s", SEEN), {})


def test_a_token_asked_for_too_soon_is_limited_in_both_shapes():
    for body in ({"error_code": "EGW00133", "error_description": "x"}, {"rt_cd": "1", "msg_cd": "EGW00133"}):
        with pytest.raises(RateLimited):
            answered(KEYS.token("k", "s", SEEN), body, 403)


def test_a_signed_request_proves_who_asks_and_keeps_what_it_asks():
    signed = KEYS.sign(Request("GET", "/x", headers=(("tr_id", "FHKST01010100"),)), "k", "s", "t")

    assert dict(signed.headers) == {
        "tr_id": "FHKST01010100", "content-type": "application/json; charset=utf-8", "authorization": "Bearer t",
        "appkey": "k", "appsecret": "s", "custtype": "P",
    }  # fmt: skip


def test_nothing_that_is_printed_holds_a_key():
    issued, [request] = answered(KEYS.token("key-canary", "secret-canary", SEEN), TOKEN)
    signed = KEYS.sign(Request("GET", "/x"), "key-canary", "secret-canary", issued.text)

    assert "canary" not in f"{issued!r} {request!r} {signed!r} {issued} {signed}"
    assert Millis(KEYS.token_gap_ms) > 60_000
