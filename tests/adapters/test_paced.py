"""Calls that are signed, behind a breaker, and told apart by whether anything was sent (E12, D17)."""

import pytest

from core.adapters.memory.budget import MemoryBudget
from core.adapters.paced import Paced
from core.domain.errors import CircuitOpen, KeyExpired, RateLimited, Transient, Unreached
from core.domain.policies import RestPolicy
from core.domain.values import Market, Millis
from core.feed.breaker import FAILURES, REST_MS
from core.venues.flow import Request, Response
from core.venues.kis.rest import REST

ASK = Request("GET", "/uapi/x", group="rest")
GOOD = Response(200, b'{"rt_cd":"0"}')


def said(code, status=500):
    return Response(status, b'{"rt_cd":"1","msg_cd":"%s","msg1":""}' % code.encode())


class Time:
    def __init__(self):
        self.at, self.slept = 1_000_000, []

    def __call__(self):
        return Millis(self.at)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += round(seconds * 1000)


class Wire:
    """Answers from a script; an exception in it is raised."""

    def __init__(self, *script):
        self.script, self.sent = list(script), []

    def __call__(self, request):
        self.sent.append(request)
        answer = self.script.pop(0) if self.script else GOOD
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self):
        self.sent.append("closed")


class Pen:
    """Signs with a number; `trouble` is raised instead, once."""

    def __init__(self):
        self.number, self.trouble = 1, []

    def __call__(self, request):
        if self.trouble:
            raise self.trouble.pop(0)
        return Request(request.method, request.path, group=request.group, headers=(("token", str(self.number)),))

    def renew(self):
        if self.trouble:
            raise self.trouble.pop(0)
        self.number += 1


def paced(*script, sign=None, budget=None, tries=5, **policy):
    time = Time()
    made = Paced(
        REST, RestPolicy(url="http://nowhere.test", **policy), budget or MemoryBudget(), time, time.sleep, lambda: 0.5,
        tries=tries, sign=sign,
    )  # fmt: skip
    made._wire = Wire(*script)
    return made, time


def tokens(made):
    return [dict(request.headers)["token"] for request in made._wire.sent]


def test_an_expired_token_is_renewed_once_and_the_same_asked_again():
    made, time = paced(said("EGW00123"), sign=Pen())

    assert made.send(ASK) == GOOD
    assert (tokens(made), made.calls) == (["1", "2"], 2)
    assert max(time.slept) < 0.1  # the budget's own spacing, no pause


@pytest.mark.parametrize("code", ["EGW00121", "EGW00122", "EGW00123"])
def test_a_token_that_is_refused_again_is_not_renewed_twice(code):
    made, _ = paced(said(code), said(code), sign=Pen())

    with pytest.raises(KeyExpired):
        made.send(ASK)
    assert tokens(made) == ["1", "2"]


def test_without_a_signer_nobody_can_renew():
    made, _ = paced(said("EGW00123"))

    with pytest.raises(KeyExpired):
        made.send(ASK)
    assert made.calls == 1


def test_a_renewal_that_must_wait_a_minute_is_told_at_once():
    pen = Pen()
    made, time = paced(said("EGW00123"), sign=pen)
    made._wire.script.append(GOOD)

    def refuses():
        raise RateLimited("too soon", after_ms=60_000)

    pen.renew = refuses
    with pytest.raises(RateLimited):
        made.send(ASK)
    assert time.slept == []


def test_what_fails_before_a_call_was_never_sent():
    for trouble in (
        Transient("the vault is silent"),
        Unreached("no route"),
        RateLimited("later", after_ms=1),
        CircuitOpen("x"),
    ):
        pen = Pen()
        pen.trouble = [trouble]
        made, _ = paced(sign=pen)
        with pytest.raises((Unreached, RateLimited, CircuitOpen)):
            made.once(ASK)
        assert made.calls == 0


def test_calls_over_the_limit_are_refused_with_status_500_and_tried_again():
    made, time = paced(said("EGW00201"), said("EGW00201"), said("EGW00215"))

    assert made.send(ASK) == GOOD
    assert [pause for pause in time.slept if pause >= 0.4] == [0.5, 1.0, 2.0]


def test_a_venue_that_keeps_failing_is_left_alone_and_then_probed():
    made, time = paced(*[Transient("silent")] * FAILURES)
    with pytest.raises(Transient, match="silent"):
        made.send(ASK)

    with pytest.raises(CircuitOpen) as told:
        made.send(ASK)
    assert (made.calls, told.value.facts["probe_in_ms"]) == (FAILURES, REST_MS)

    time.at += REST_MS
    assert made.send(ASK) == GOOD
    assert made.send(ASK) == GOOD


def test_an_open_circuit_is_that_of_its_path_only():
    made, _ = paced(*[said("EGW00001")] * FAILURES)
    with pytest.raises(Transient):
        made.send(ASK)

    assert made.send(Request("GET", "/uapi/y", group="rest")) == GOOD


def test_too_many_calls_and_expired_tokens_are_signs_of_life():
    made, _ = paced(*[said("EGW00201")] * 4 * FAILURES, tries=1)
    for _ in range(4 * FAILURES):
        with pytest.raises(RateLimited):
            made.send(ASK)

    assert made.send(ASK) == GOOD


def test_real_and_mock_accounts_have_budgets_of_their_own():
    asked = []

    class Purse:
        def take(self, market, group, limit, at):
            asked.append((market, group, limit))
            return 0

    for spec, purse in ((REST, ""), (REST.mock, ".mock")):
        time = Time()
        made = Paced(
            spec, RestPolicy(url="http://x", headroom=1.0), Purse(), time, time.sleep, lambda: 0.5, purse=purse
        )
        made._wire = Wire()
        made.send(ASK)
    assert asked == [(Market.KRX, "rest", 18.0), (Market.KRX, "rest.mock", 1.0)]


def test_a_connection_that_never_came_about_is_told_from_one_that_broke():
    time = Time()
    made = Paced(REST, RestPolicy(url="http://127.0.0.1:9"), MemoryBudget(), time, time.sleep, lambda: 0.5, tries=1)

    with pytest.raises(Unreached, match="cannot be reached"):
        made.send(ASK)
    made.close()


def test_nothing_of_a_signature_is_in_an_error():
    class Canary(Pen):
        def __call__(self, request):
            return Request("GET", "/uapi/x", headers=(("authorization", "Bearer canary"),), query=(("CANO", "canary"),))

    time = Time()
    made = Paced(
        REST, RestPolicy(url="http://127.0.0.1:9"), MemoryBudget(), time, time.sleep, lambda: 0.5, tries=1, sign=Canary()
    )  # fmt: skip
    with pytest.raises(Unreached) as told:
        made.send(ASK)

    assert told.value.__cause__ is None
    assert "canary" not in repr(told.value) + str(told.value)


def test_a_call_that_weighs_more_keeps_the_next_one_waiting_as_long_as_it_weighs():
    """B2. 40 a second with half kept free: a call of weight 10 takes half a second of it."""
    made, time = paced(limits={"rest": 40.0}, headroom=0.5)

    made.send(Request("GET", "/uapi/x", group="rest", weight=10))
    made.send(ASK)
    made.send(ASK)

    assert [round(pause, 3) for pause in time.slept] == [0.5, 0.05]
