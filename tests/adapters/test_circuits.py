"""D17: each endpoint has a breaker of its own, the token call too, and is asked again within 3 s of its recovery."""

from random import Random

import msgspec
import pytest

from core.adapters.http import HttpQuotes
from core.adapters.keyring import ring
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.tokens import MemoryVault
from core.adapters.secrets import EnvSecrets
from core.domain.errors import CircuitOpen, Transient, Unreached
from core.domain.policies import KeyPolicy, MarketPolicy, RestPolicy, StreamPolicy
from core.domain.values import DAY, Millis
from core.feed.breaker import FAILURES
from core.venues.flow import Response
from core.venues.kis.figures import day, stamp
from core.venues.kis.rest import REST as KIS
from core.venues.upbit.rest import REST as UPBIT

START = stamp("20261120", "100000")
TICK_MS, LIMIT_MS = 100, 3_000
ENV = {"HOGA_SECRET_KIS_APP_KEY": "key", "HOGA_SECRET_KIS_APP_SECRET": "secret"}
POLICY = MarketPolicy(
    rest=RestPolicy(url="http://venue.test", backoff_s=(0.01,)), stream=StreamPolicy(url="ws://x"), keys=(KeyPolicy(),)
)
TICKER = {
    "market": "KRW-BTC", "trade_price": 100.0, "signed_change_rate": 0.0, "acc_trade_volume": 1.0, "acc_trade_price": 1.0,
    "acc_trade_volume_24h": 1.0, "acc_trade_price_24h": 1.0, "high_price": 1.0, "low_price": 1.0, "timestamp": START,
    "prev_closing_price": 100.0, "trade_timestamp": START, "opening_price": 100.0,
}  # fmt: skip


class Line:
    """A venue on a clock of its own: paths that begin with `ill` fail with `fault` until `mended`."""

    def __init__(self, ill, fault, mended):
        self.at, self.ill, self.fault, self.mended, self.calls = START, ill, fault, mended, []

    def clock(self):
        return Millis(self.at)

    def sleep(self, seconds):
        self.at += max(1, round(seconds * 1000))

    def __call__(self, request):
        self.calls.append((self.at, request.path))
        if request.path.startswith(self.ill) and self.at < self.mended:
            if isinstance(self.fault, Exception):
                raise self.fault
            return self.fault
        if request.path == "/oauth2/tokenP":
            ends = f"{day(Millis(self.at + DAY))} 09:00:00"
            return Response(200, msgspec.json.encode({"access_token": "t", "access_token_token_expired": ends}))
        return Response(200, msgspec.json.encode([TICKER]))

    def close(self):
        """Nothing to close."""


def upbit(line, **more):
    quotes = HttpQuotes(UPBIT, POLICY.rest, MemoryBudget(), line.clock, line.sleep, lambda: 0.5, tries=2, **more)
    quotes._paced._wire = line
    return quotes


def first_answer(line, ask):
    """Ask every 100 ms, as a busy market does; when the first answer came (by the line's clock)."""
    while True:
        try:
            ask()
        except Transient:
            line.at += TICK_MS
        else:
            return line.at
        assert line.at < line.mended + 60_000, "it never came back"


FAULTS = [Response(503, b"{}"), Transient("no whole answer"), Unreached("no connection")]


@pytest.mark.parametrize("fault", FAULTS, ids=["503", "broken", "unreached"])
@pytest.mark.parametrize("seed", range(10))
def test_an_endpoint_is_back_within_3_s_of_the_end_of_its_trouble_however_long_that_was(fault, seed):
    line = Line("/v1/ticker", fault, START + Random(seed).randrange(200, 120_000))
    quotes = upbit(line)
    back = first_answer(line, lambda: quotes.tickers(["KRW-BTC"], "KRW"))
    assert 0 <= back - line.mended <= LIMIT_MS
    assert quotes.circuits["/v1/ticker"].closed
    asked = len([path for at, path in line.calls if at < line.mended])
    assert asked <= FAILURES + 2 + (line.mended - START) / 1_900, "an open circuit asks once in 2 s"


def test_one_endpoint_s_trouble_is_not_another_s():
    line = Line("/v1/ticker", Response(500, b"{}"), START + 10**9)
    quotes = upbit(line)
    for _ in range(FAILURES):
        with pytest.raises(Transient):
            quotes.tickers(["KRW-BTC"], "KRW")
    with pytest.raises(CircuitOpen):
        quotes.tickers(["KRW-BTC"], "KRW")
    with pytest.raises(Exception) as other:
        quotes.books(["KRW-BTC"], 1)
    assert not isinstance(other.value, CircuitOpen)
    assert line.calls[-1][1] == "/v1/orderbook"
    assert [circuit.closed for circuit in quotes.circuits.values()] == [False, True]
    assert quotes.circuits["/v1/ticker"].opened == 1


@pytest.mark.parametrize("seed", range(5))
def test_the_token_call_has_a_breaker_too_and_is_back_within_3_s_of_an_outage(seed):
    """A token desk that was never reached counted no attempt, so the venue's minute between two does not apply."""
    line = Line("/oauth2/", Unreached("no connection"), START + Random(seed).randrange(10_000, 60_000))
    keys = ring(
        KIS, POLICY, EnvSecrets(ENV), MemoryVault(), MemoryBudget(), line.clock, line.sleep, lambda: 0.5, iter(map(str, range(10**6))).__next__
    )  # fmt: skip
    signer = keys["kis_app_key"]
    signer._paced._wire = line
    back = first_answer(line, lambda: signer._current())
    assert 0 <= back - line.mended <= LIMIT_MS
    assert signer.circuits["/oauth2/tokenP"].opened >= 1
    assert signer.circuits["/oauth2/tokenP"].closed
