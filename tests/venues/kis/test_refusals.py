"""What KIS's answers mean (reference/kis.md 3.2, 3.3): the body decides, whatever the HTTP status."""

import msgspec
import pytest

from core.domain.errors import (
    KeyExpired,
    RateLimited,
    Refused,
    Transient,
    WireSurprise,
    WrongEnvironment,
)
from core.venues.flow import Response
from core.venues.kis.answers import Price
from core.venues.kis.refusals import KeyRefused, read, refusal


def said(status, code, message="", **headers):
    body = {"rt_cd": "1", "msg_cd": code, "msg1": message.ljust(80)}
    return Response(status, msgspec.json.encode(body), headers)


def gate(status, code, message=""):
    return Response(status, msgspec.json.encode({"error_code": code, "error_description": message}))


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (said(500, "EGW00201", "초당 거래건수를 초과하였습니다."), RateLimited),
        (said(200, "EGW00201"), RateLimited),
        (said(429, "EGW00201"), RateLimited),
        (said(500, "EGW00215", "원장에서 허용 가능한 초당 거래건수를 초과하였습니다."), Transient),
        (said(500, "EGW00123", "기간이 만료된 token 입니다."), KeyExpired),
        (said(500, "EGW00121"), KeyExpired),
        (said(500, "EGW00122"), KeyExpired),
        (gate(403, "EGW00133", "접근토큰 발급 잠시 후 다시 시도하세요(1분당 1회)"), RateLimited),
        (said(403, "EGW00133"), RateLimited),
        (said(500, "EGW02004"), WrongEnvironment),
        (said(500, "EGW02006", "모의투자 TR 이 아닙니다."), WrongEnvironment),
        (said(500, "EGW02007"), WrongEnvironment),
        (said(500, "EGW00213"), WrongEnvironment),
        (said(500, "MCA00124", "해당 서비스를 찾을수 없습니다."), WrongEnvironment),
        (said(200, "90000000", "모의투자에서는 해당업무가 제공되지 않습니다."), WrongEnvironment),
        (said(500, "IGW00009"), Refused),
        (said(500, "EGW00103"), KeyRefused),
        (gate(403, "EGW00105"), KeyRefused),
        (said(500, "EGW00001"), Transient),
        (said(500, "EGW00301"), Transient),
        (said(500, "OPSQ0008"), Transient),
        (said(500, "OPSQ2001"), Refused),
        (said(500, "EGW00206"), Refused),
        (said(500, "EGW00003"), Refused),
        (said(200, "APBK0656"), Refused),
        (said(500, "XYZ00001"), Transient),
        (said(500, ""), Transient),
        (said(200, ""), Transient),
        (said(403, ""), Refused),
        (Response(429, b"slow down"), RateLimited),
        (Response(502, b"<html>"), Transient),
        (Response(408, b""), Transient),
        (Response(404, b"<html>"), Refused),
        (Response(500, b"{}"), Transient),
    ],
)
def test_each_code_has_its_consequence(reply, kind):
    assert type(refusal(reply)) is kind


@pytest.mark.parametrize(
    "reply",
    [
        Response(200, b'{"rt_cd":"0","msg_cd":"MCA00000","msg1":"x"}'),
        Response(500, b'{"rt_cd":"0","msg_cd":"MCA00000"}'),
        Response(200, b'{"rt_cd":0}'),
        Response(200, b'{"access_token":"x"}'),
        Response(200, b"not json"),
    ],
)
def test_an_answer_is_no_refusal(reply):
    assert refusal(reply) is None


def test_a_padded_message_is_shown_without_its_padding():
    assert str(refusal(said(200, "APBK0656", "해당종목정보가 없습니다"))).startswith(
        "KIS refused the question (status=200, code=APBK0656, message=해당종목정보가 없습니다)."
    )


def test_a_token_asked_for_too_soon_is_not_asked_for_again_within_a_minute():
    assert refusal(gate(403, "EGW00133")).after_ms == 60_000
    assert refusal(said(500, "EGW00201", **{"retry-after": "2"})).after_ms == 2000


@pytest.mark.parametrize("code", ["EGW02004", "EGW02006", "EGW02007"])
def test_a_key_of_the_other_environment_names_the_settings_to_mend(code):
    text = str(refusal(said(500, code)))

    assert "keys[].environment" in text
    assert "rest.url" in text


def test_what_does_not_read_is_a_surprise_and_shows_its_beginning():
    with pytest.raises(WireSurprise, match="output"):
        read(Response(200, b'{"rt_cd":"0","output":7}'), Price)
    with pytest.raises(WireSurprise):
        read(Response(200, b"<html>"), Price)
    with pytest.raises(Refused):
        read(said(200, "APBK0656"), Price)


def test_nothing_of_an_answer_with_a_key_in_it_is_shown():
    with pytest.raises(WireSurprise) as fault:
        read(Response(200, b'{"rt_cd":"0","output":"canary"}'), Price, secret=True)

    assert "canary" not in str(fault.value)
    assert fault.value.__cause__ is None
