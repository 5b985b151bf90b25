"""What an answer that is none means: waited out, tried again, or final (B3)."""

import pytest

from core.domain.errors import RateLimited, Refused, Transient, WireSurprise
from core.venues.binance.answers import ExchangeInfo, left, read, refusal, unknown_symbol
from core.venues.flow import Response

CROWDED = b'{"code":-1003,"msg":"Too much request weight used; current limit is 6000 request weight per 1 MINUTE."}'


@pytest.mark.parametrize(
    ("reply", "kind", "after_ms"),
    [
        (Response(429, CROWDED, {"retry-after": "21"}), RateLimited, 21_000),
        (Response(429, CROWDED), RateLimited, 60_000),
        (Response(400, CROWDED), RateLimited, 60_000),
        (Response(418, b'{"code":-1003,"msg":"IP banned until 1"}', {"retry-after": "300"}), RateLimited, 300_000),
        (Response(418, b""), RateLimited, 120_000),
        (Response(403, b"<html>firewall</html>"), RateLimited, 120_000),
        (Response(503, b"", {"retry-after": "5"}), RateLimited, 5_000),
    ],
)
def test_what_asks_to_be_left_alone_is_left_alone_for_as_long_as_it_says(reply, kind, after_ms):
    fault = refusal(reply)

    assert isinstance(fault, kind)
    assert fault.after_ms == after_ms


@pytest.mark.parametrize("status", [500, 502, 504, 408])
def test_what_passes_by_itself_is_tried_again(status):
    fault = refusal(Response(status, b'{"code":-1000,"msg":"unknown"}'))

    assert type(fault) is Transient


@pytest.mark.parametrize("status", [301, 400, 401, 404, 405])
def test_everything_else_is_final_and_says_what_binance_said(status):
    fault = refusal(Response(status, b'{"code":-1102,"msg":"Mandatory parameter"}'))

    assert type(fault) is Refused
    assert "-1102" in str(fault)
    assert "Mandatory parameter" in str(fault)


def test_an_answer_is_no_refusal():
    assert refusal(Response(200, b"[]")) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"symbols":[{"symbol":"A"}]}', b'{"symbols":"x"}', b"\xff"])
def test_an_answer_that_does_not_read_is_a_surprise(body):
    with pytest.raises(WireSurprise):
        read(Response(200, body), ExchangeInfo)


def test_a_refusal_is_raised_where_an_answer_was_expected():
    with pytest.raises(Refused):
        read(Response(404, b"<html>"), ExchangeInfo)


def test_only_the_code_of_an_unknown_symbol_means_one():
    assert unknown_symbol(Response(400, b'{"code":-1121,"msg":"Invalid symbol."}'))
    assert not unknown_symbol(Response(400, b'{"code":-1120,"msg":"Invalid interval."}'))
    assert not unknown_symbol(Response(200, b'{"code":-1121}'))


@pytest.mark.parametrize(
    ("used", "kept"), [("0", 5800), ("5000", 800), ("5800", 0), ("99999", 0), ("", None), ("-5", None), ("²", None)]
)
def test_the_weight_that_is_left_keeps_some_for_others_of_the_same_address(used, kept):
    told = left(Response(200, b"", {"x-mbx-used-weight-1m": used}))

    assert told == (None if kept is None else ("weight", kept))


def test_an_answer_without_the_header_tells_nothing():
    assert left(Response(200, b"")) is None
