"""`hoga scan` without a running system at a market that wants to know who asks."""

import pytest

from core.adapters.memory.budget import MemoryBudget
from core.cli.once import _signer
from core.domain.errors import Misconfigured
from core.domain.policies import KeyPolicy, MarketPolicy, RestPolicy, StreamPolicy
from core.domain.values import Market
from core.venues.flow import Request
from core.venues.spec import venue

POLICY = MarketPolicy(rest=RestPolicy(url="http://x"), stream=StreamPolicy(url="ws://x"), keys=(KeyPolicy(),))


def test_its_key_comes_from_the_shell_and_is_asked_for_by_name():
    signer = _signer(venue(Market.KRX, POLICY), POLICY, MemoryBudget())

    with pytest.raises(Misconfigured, match="HOGA_SECRET_KIS_APP_KEY"):
        signer(Request("GET", "/x"))


def test_a_market_that_anybody_may_ask_needs_none():
    assert _signer(venue(Market.UPBIT), POLICY, MemoryBudget()) is None
