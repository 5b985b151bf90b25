"""The part of a limit that is kept free for trades (B2, E1): one process has it, and nobody goes over the limit."""

import random
from collections import Counter

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from msgspec.structs import replace

from core.adapters.dynamo.budget import DynamoSpare
from core.adapters.memory.budget import MemoryBudget, MemorySpare
from core.adapters.spare import LATE_MS, RENEWED_MS, SpareBudget
from core.app.ports import Claim
from core.domain.errors import Transient
from core.domain.turns import Fare, Stretch
from core.domain.values import MINUTE, SECOND, Market, Millis
from core.feed.pace import HELD_MS, SKEW_MS, stretches
from core.simulators.binance_limits import BinanceLimits, WeightGate
from core.simulators.limits import Gate, Limits, Recent
from tests.cloud import create

UPBIT, KRX = Market.UPBIT, Market.KRX


class Shared:
    def __init__(self):
        self.asked = []

    def take(self, market, group, limit, at):
        self.asked.append((group, limit))
        return 125


class Claims(MemorySpare):
    def __init__(self):
        super().__init__()
        self.made = 0

    def claim(self, market, owner, at):
        self.made += 1
        return super().claim(market, owner, at)


def budget(headroom=0.8, counted=None, shared=None, spare=None, owner="a"):
    return SpareBudget(shared or Shared(), spare or MemorySpare(), owner, headroom, counted or {})


def test_the_first_call_of_a_second_is_not_asked_of_anybody_and_the_next_is():
    shared, claims = Shared(), Claims()
    mine = budget(shared=shared, spare=claims)
    assert [mine.take(UPBIT, "ticker", 8.0, Millis(at)) for at in (0, 10)] == [0, 125]
    assert mine.take(UPBIT, "orderbook", 8.0, Millis(20)) == 0
    assert shared.asked == [("ticker", 8.0)]
    assert mine.take(UPBIT, "ticker", 8.0, Millis(999 + LATE_MS)) == 125
    assert mine.take(UPBIT, "ticker", 8.0, Millis(1000 + LATE_MS)) == 0
    assert claims.made == 1


def test_who_has_it_not_shares_every_call_and_does_not_ask_again_until_it_may_be_free():
    claims = Claims()
    assert budget(spare=claims).take(UPBIT, "ticker", 8.0, Millis(0)) == 0
    other = budget(spare=claims, owner="b")
    assert [other.take(UPBIT, "ticker", 8.0, Millis(at)) for at in (1, 2_000, HELD_MS + SKEW_MS)] == [125] * 3
    assert claims.made == 2
    assert other.take(UPBIT, "ticker", 8.0, Millis(HELD_MS + SKEW_MS + 1)) == 0


def test_whoever_has_it_claims_it_anew_before_it_ends_and_shares_once_it_is_lost():
    claims = Claims()
    mine = budget(spare=claims)
    times = (0, HELD_MS - RENEWED_MS - 1, HELD_MS - RENEWED_MS + 2 * SECOND, HELD_MS + SECOND)
    assert [mine.take(UPBIT, "ticker", 8.0, Millis(at)) for at in times] == [0] * 4
    assert claims.made == 2
    late = Millis(4 * HELD_MS)
    assert claims.claim(UPBIT, "b", late).mine
    assert mine.take(UPBIT, "ticker", 8.0, late) == 125


def test_a_call_that_weighs_more_takes_more_of_the_second():
    mine = budget()
    assert mine.take(UPBIT, "w", 80.0 / 8, Millis(0)) == 0  # 8 of the 15
    assert mine.take(UPBIT, "w", 80.0 / 6, Millis(0)) == 0
    assert mine.take(UPBIT, "w", 80.0 / 2, Millis(0)) == 125
    assert mine.take(UPBIT, "w", 80.0, Millis(0)) == 0


def test_a_group_that_is_counted_by_the_minute_gives_its_part_of_a_minute_at_once_and_another_does_not():
    mine = budget(counted={"weight": MINUTE})
    assert [
        mine.take(UPBIT, "weight", 80.0 / 420, Millis(at)) for at in (0, 1, 2, 59_999 + LATE_MS, 60_000 + LATE_MS)
    ] == [
        0,
        0,
        125,
        125,
        0,
    ]
    assert [mine.take(UPBIT, "orders", 4.0, Millis(at)) for at in (0, 1)] == [0, 125]


@pytest.mark.parametrize(("limit", "headroom"), [(0.8, 0.8), (18.0, 1.0)])
def test_where_nothing_whole_is_kept_free_everything_is_shared(limit, headroom):
    shared, claims = Shared(), Claims()
    assert budget(headroom, shared=shared, spare=claims).take(UPBIT, "rest", limit, Millis(0)) == 125
    assert (len(shared.asked), claims.made) == (1, 0)


def test_a_clock_that_was_set_back_forgets_what_went_and_claims_anew():
    claims = Claims()
    mine = budget(spare=claims)
    assert [mine.take(UPBIT, "ticker", 8.0, Millis(at)) for at in (5000, 100)] == [0, 0]
    assert claims.made == 2


def test_calls_go_in_a_stretch_of_ours_and_ask_nobody_until_it_ends():
    shared, claims = Shared(), Claims()
    mine = budget(shared=shared, spare=claims)
    mine.rent([Stretch(UPBIT, "ticker", Millis(1000), Millis(2250))])
    assert [mine.take(UPBIT, "ticker", 8.0, Millis(at)) for at in (1000, 1010, 1125, 2125)] == [0, 115, 0, 0]
    assert (shared.asked, claims.made) == ([], 0)
    assert mine.take(UPBIT, "ticker", 8.0, Millis(2250)) == 0
    assert mine.take(UPBIT, "ticker", 8.0, Millis(2300)) == 125
    assert (shared.asked, claims.made) == ([("ticker", 8.0)], 1)


def test_a_stretch_that_begins_where_ours_ends_makes_it_longer_and_calls_keep_their_distance():
    shared = Shared()
    mine = budget(shared=shared)
    first = Stretch(UPBIT, "ticker", Millis(1000), Millis(1925))
    mine.rent([first])
    assert mine.take(UPBIT, "ticker", 8.0, Millis(1600)) == 0
    assert mine.carries(UPBIT, [Fare("ticker", 8.0)], Millis(1610))
    wanted = Stretch(UPBIT, "ticker", Millis(1700), Millis(2625))
    longer = mine.behind(wanted)
    assert (longer.since, longer.until) == (1925, 2625)
    mine.rent([longer])
    assert [mine.take(UPBIT, "ticker", 8.0, Millis(at)) for at in (1700, 1725, 2500)] == [25, 0, 0]
    assert (shared.asked, mine.behind(wanted).since) == ([], 1700)
    mine.rent([replace(wanted, since=Millis(3000), until=Millis(4000))])
    assert mine.take(UPBIT, "ticker", 8.0, Millis(2900)) == 100


def test_a_stretch_that_is_over_is_no_reason_to_begin_in_the_past():
    mine = budget()
    mine.rent([Stretch(UPBIT, "ticker", Millis(1000), Millis(1925))])
    wanted = Stretch(UPBIT, "ticker", Millis(1926), Millis(2851))
    assert mine.behind(wanted) == wanted


def test_several_calls_fit_into_a_stretch_only_one_after_the_other_and_cost_no_claim():
    """A claim is a round trip: whoever has room in his stretch, or asks for nothing, makes none."""
    claims = Claims()
    mine, each = budget(spare=claims, headroom=0.6), Fare("rest", 10.0)
    mine.rent([Stretch(UPBIT, "rest", Millis(1000), Millis(1300))])
    assert mine.carries(UPBIT, [each] * 3, Millis(1000))
    assert mine.carries(UPBIT, [], Millis(1000))
    assert claims.made == 0
    claims.claim(UPBIT, "b", Millis(1000))
    assert not mine.carries(UPBIT, [each] * 4, Millis(1000))
    assert not mine.carries(UPBIT, [each] * 3, Millis(1001))


def test_it_is_told_before_whether_several_calls_fit_into_what_is_kept_free():
    claims = Claims()
    mine = budget(spare=claims, headroom=0.6)
    each = Fare("rest", 18.0 * 0.6)
    assert mine.carries(UPBIT, [each] * 5, Millis(0))
    assert not mine.carries(UPBIT, [each] * 6, Millis(0))
    assert mine.carries(UPBIT, [], Millis(0))
    mine.take(UPBIT, "rest", each.limit, Millis(0))
    assert mine.carries(UPBIT, [each] * 4, Millis(10))
    assert not mine.carries(UPBIT, [each] * 5, Millis(10))
    assert mine.carries(UPBIT, [*[each] * 4, Fare("other", 8.0)], Millis(10))
    assert not budget(spare=claims, owner="b", headroom=0.6).carries(UPBIT, [each], Millis(10))


@given(st.floats(1.0, 50.0), st.lists(st.integers(0, 400), min_size=1, max_size=100))
def test_no_second_holds_more_than_what_is_kept_free(limit, gaps):
    mine, at, went = budget(), 0, []
    for gap in gaps:
        at += gap
        if not mine.take(UPBIT, "ticker", limit * 0.8, Millis(at)):
            went.append(at)
    assert all(sum(start <= each < start + 1000 for each in went) <= limit * 0.2 + 1e-6 for start in went)


def rush(limit, counted, call, each=False, headroom=0.8):
    """A minute and a half in which eleven processes call as often as they may, beside a scan that never rests.

    One of them buys now and then, and takes a stretch for its calls. A call is counted up to 60 ms after it left. What
    the venue said, how often; `each`: everyone has the share.
    """
    dice, everybody, claims = random.Random(7), MemoryBudget(), MemorySpare()
    spares = [MemorySpare() if each else claims for _ in range(11)]
    traders = [SpareBudget(everybody, spare, str(number), headroom, counted) for number, spare in enumerate(spares)]
    went, at = [], 1_790_134_742_000
    for _ in range(9_000):
        at += 10
        if dice.random() < 0.01:
            dice.choice(traders).rent(rented(everybody, [Fare("calls", limit * headroom)] * dice.randint(1, 4), at))
        for one in [everybody, *dice.sample(traders, len(traders))]:
            if not one.take(UPBIT, "calls", limit * headroom, Millis(at)):
                went.append(at + dice.randrange(60))
    return Counter(call(arrives) for arrives in sorted(went))


def rented(everybody, fares, at):
    """As whoever keeps the locks takes them."""
    return everybody.rented(stretches(UPBIT, fares, Millis(at)), Millis(at))


def upbit():
    """Ten calls in a second of the venue's own clock."""
    gate = Gate(Limits(per_s=10))
    return 10.0, {}, lambda at: gate.call("ticker", at).status


def kis():
    """Eighteen calls in any second, for one is refused that comes after as many."""
    window = Recent(18, 1000)
    return 18.0, {}, lambda at: 429 * bool(window.take(at)[1])


def binance():
    """Weight of a minute of the venue's clock; each call weighs 20."""
    gate = WeightGate(BinanceLimits())
    return 100 / 20, {"calls": MINUTE}, lambda at: gate.call(20, at).status


@pytest.mark.parametrize("venue", [upbit, kis, binance])
def test_however_many_processes_trade_at_once_the_strict_venue_refuses_none_of_their_calls(venue):
    """As the simulators count, who ban whoever goes on (B2)."""
    limit, counted, call = venue()
    said = rush(limit, counted, call)
    assert set(said) == {0}
    assert said[0] > 90 * 0.6 * limit


def test_the_same_with_what_the_settings_keep_free_of_kis():
    limit, counted, call = kis()
    assert set(rush(limit, counted, call, headroom=0.6)) == {0}


@pytest.mark.parametrize("venue", [upbit, kis, binance])
def test_if_each_process_had_the_share_they_would_be_refused_again_and_again(venue):
    said = rush(*venue(), each=True)
    assert said[429] + said[418] > 10


@pytest.fixture(params=["memory", "dynamo"])
def spare(request):
    if request.param == "memory":
        yield MemorySpare()
        return
    with mock_aws():
        tables = create()
        yield DynamoSpare(tables.state, tables.client())


def test_it_is_one_process_s_at_a_time(spare):
    at = Millis(1_790_134_742_000)
    until = Millis(at + HELD_MS)
    assert spare.claim(UPBIT, "a", at) == Claim(mine=True, until=until)
    assert spare.claim(UPBIT, "b", at) == Claim(mine=False, until=until)
    assert spare.claim(KRX, "b", at).mine
    assert spare.claim(UPBIT, "a", Millis(at + 5)) == Claim(mine=True, until=Millis(until + 5))
    assert not spare.claim(UPBIT, "b", Millis(until + 5 + SKEW_MS)).mine
    assert spare.claim(UPBIT, "b", Millis(until + 6 + SKEW_MS)).mine
    assert not spare.claim(UPBIT, "a", Millis(until + 6 + SKEW_MS)).mine


def test_a_claim_that_a_wrong_clock_made_keeps_nobody_out(spare):
    spare.claim(UPBIT, "a", Millis(9_000_000_000))
    assert spare.claim(UPBIT, "b", Millis(1_000_000)).mine


def test_a_table_that_refuses_or_is_away_is_a_passing_error():
    class Away:
        def update_item(self, **_):
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    with pytest.raises(Transient, match="budget"):
        DynamoSpare("state", Away()).claim(UPBIT, "a", Millis(0))
    with mock_aws():
        elsewhere = DynamoSpare("no-such-table", boto3.client("dynamodb", region_name="ap-northeast-2"))
        with pytest.raises(Transient, match="budget"):
            elsewhere.claim(UPBIT, "a", Millis(0))
