"""`hoga scan` without a running system at a market that wants to know who asks."""

import asyncio
from stat import S_IMODE
from types import SimpleNamespace

import pytest

from core.adapters.memory.budget import MemoryBudget
from core.cli import place
from core.cli.once import _signer, asker
from core.domain.errors import Misconfigured
from core.domain.policies import KeyPolicy, MarketPolicy, RestPolicy, StreamPolicy
from core.domain.values import Market
from core.simulators.kis import KisSimulator
from core.simulators.kis_issues import listing
from core.simulators.kis_keys import KEYS
from core.simulators.kis_market import KrxMarket
from core.simulators.kis_time import ALWAYS, Timetable
from core.venues.flow import Request
from core.venues.spec import venue

POLICY = MarketPolicy(rest=RestPolicy(url="http://x"), stream=StreamPolicy(url="ws://x"), keys=(KeyPolicy(),))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_its_key_comes_from_the_shell_and_is_asked_for_by_name():
    signer = _signer(venue(Market.KRX, POLICY), POLICY, MemoryBudget())

    with pytest.raises(Misconfigured, match="HOGA_SECRET_KIS_APP_KEY"):
        signer(Request("GET", "/x"))


def test_a_market_that_anybody_may_ask_needs_none():
    assert _signer(venue(Market.UPBIT), POLICY, MemoryBudget()) is None


async def test_one_command_after_the_other_uses_one_token_that_nobody_else_may_read(home, monkeypatch):
    """E12: KIS gives one a minute, so a second look would have to wait for another."""
    monkeypatch.setenv("HOGA_SECRET_KIS_APP_KEY", KEYS[0].app_key)
    monkeypatch.setenv("HOGA_SECRET_KIS_APP_SECRET", KEYS[0].app_secret)
    around_the_clock = Timetable(ALWAYS, weekends=True)
    market = KrxMarket(seed=3, start=place.clock() - 1_000, issues=listing(3, []), timetable=around_the_clock)
    async with KisSimulator(market) as sim:
        policy = MarketPolicy(rest=RestPolicy(url=sim.rest_url), stream=StreamPolicy(url="ws://x"), keys=(KeyPolicy(),))
        settings = SimpleNamespace(markets={Market.KRX: policy})
        for _ in range(3):
            rows = await asyncio.to_thread(asker(settings, Market.KRX).tickers, ["005930"], "KRW")
            assert len(rows) == 1
        assert sim.log.calls["/oauth2/tokenP"] == 1
        assert sim.log.refusals == {}
    file = home / ".hoga" / "credentials.json"
    assert file == place.credentials()
    assert S_IMODE(file.stat().st_mode) == 0o600
