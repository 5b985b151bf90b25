"""E12: one refresher, never sooner than the venue allows, whatever dies; everybody else reads."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.adapters.memory.tokens import MemoryVault
from core.app.tokens import CALL, EARLY, LATE, PATIENCE, STUBBORN, Counter, Deposit, credential, wrong_after
from core.domain.errors import CircuitOpen, RateLimited, Refused, Transient, Unreached
from core.domain.values import DAY, HOUR, MINUTE, SECOND, Millis
from core.venues.spec import Issued

GAP = 61_000
START = Millis(1_795_132_800_000)


class Died(BaseException):
    """The process is gone: nothing catches it."""


class Bank:
    """A venue's token desk with its own clock. Within six hours it gives out the same token; too soon, it refuses."""

    def __init__(self, clock):
        self.clock, self.asked, self.trouble = clock, [], []
        self.issued = None

    def __call__(self):
        at = self.clock()
        self.asked.append(at)
        if self.trouble and (trouble := self.trouble.pop(0)):
            raise trouble
        if self.issued is None or at - self.issued[0] >= 6 * HOUR:
            self.issued = (at, Issued(f"token-{len(self.asked)}", Millis(at + DAY)))
        return self.issued[1]


class World:
    """One vault, one bank, one clock that sleeping moves, as many callers as a test likes."""

    def __init__(self):
        self.at, self.vault, self.slept = START, MemoryVault(), []
        self.bank, self.owners = Bank(lambda: self.at), count(1)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.at = Millis(self.at + round(seconds * 1000))

    def counter(self, **changes):
        base = Counter(
            name="krx#token", ask=self.bank, gap_ms=GAP, vault=self.vault, clock=lambda: self.at, sleep=self.sleep,
            owner=lambda: f"caller-{next(self.owners)}",
        )  # fmt: skip
        return replace(base, **changes)

    def later(self, ms):
        self.at = Millis(self.at + ms)

    @property
    def deposit(self):
        return self.vault.read("krx#token")


def test_the_first_asks_and_all_others_read():
    world = World()

    texts = {credential(world.counter()).text for _ in range(10)}

    assert texts == {"token-1"}
    assert len(world.bank.asked) == 1


def test_the_attempt_is_written_down_before_it_is_made():
    world = World()

    def dies():
        assert world.deposit.due == world.at + GAP + CALL
        assert world.deposit.owner == "caller-1"
        raise Died

    with pytest.raises(Died):
        credential(world.counter(ask=dies))

    world.later(GAP)  # the minute is over by our clock, but the dead one's call may have arrived late
    with pytest.raises(RateLimited):
        credential(world.counter())
    assert world.bank.asked == []

    world.later(CALL)
    assert credential(world.counter()).text == "token-1"


def test_it_is_renewed_in_good_time_and_the_old_one_used_while_that_fails():
    world = World()
    credential(world.counter())
    world.later(DAY - EARLY)
    world.bank.trouble = [Transient("ill")]

    with pytest.raises(Transient, match="ill"):
        credential(world.counter())
    assert credential(world.counter()).text == "token-1"  # no attempt is allowed yet, and it lives for ten minutes
    assert len(world.bank.asked) == 2

    world.later(GAP)
    assert credential(world.counter()).text == "token-3"


def test_one_that_ends_too_soon_is_not_used_any_more():
    world = World()
    credential(world.counter())
    world.later(DAY - LATE)
    world.bank.trouble = [Transient("ill")]
    with pytest.raises(Transient, match="ill"):
        credential(world.counter())

    with pytest.raises(RateLimited, match="asked for a moment ago") as told:
        credential(world.counter())

    assert told.value.after_ms == GAP
    assert world.slept == []


def test_whoever_is_not_the_refresher_waits_for_its_end():
    world = World()
    world.vault.claim("krx#token", "other", Deposit(), world.at, Millis(world.at + GAP + CALL))

    def sleep(seconds):
        world.sleep(seconds)
        if len(world.slept) == 3:
            world.vault.finish("krx#token", "other", Issued("theirs", Millis(world.at + DAY)), Millis(world.at + GAP))

    assert credential(world.counter(sleep=sleep)).text == "theirs"
    assert (len(world.slept), world.bank.asked) == (3, [])


def test_patience_has_an_end():
    world = World()
    world.vault.claim("krx#token", "other", Deposit(), world.at, Millis(world.at + GAP + CALL))

    with pytest.raises(RateLimited, match="another fetches") as told:
        credential(world.counter())

    assert sum(world.slept) * 1000 == PATIENCE
    assert told.value.after_ms == GAP + CALL - PATIENCE


def test_of_two_that_read_the_same_one_is_let_through():
    world = World()

    class Slow(MemoryVault):
        def __init__(self, vault):
            self.vault = vault

        def read(self, name):
            return self.vault.read(name)

        def claim(self, name, owner, found, at, until):
            if not world.bank.asked:
                credential(world.counter())  # the other is faster
            return self.vault.claim(name, owner, found, at, until)

    assert credential(world.counter(vault=Slow(world.vault))).text == "token-1"
    assert len(world.bank.asked) == 1


def test_a_refused_token_is_renewed_once_by_the_first_who_notices():
    world = World()
    credential(world.counter())
    world.later(7 * HOUR)

    assert {credential(world.counter(), "token-1").text for _ in range(3)} == {"token-2"}
    assert len(world.bank.asked) == 2


def test_one_that_is_given_out_again_though_refused_is_not_asked_for_every_minute():
    """Re-issue within six hours gives the same token."""
    world = World()
    credential(world.counter())
    world.later(GAP)

    assert credential(world.counter(), "token-1").text == "token-1"
    assert world.deposit.due == world.at + STUBBORN
    for _ in range(9):
        world.later(MINUTE)
        with pytest.raises(RateLimited):
            credential(world.counter(), "token-1")
    assert len(world.bank.asked) == 2


@pytest.mark.parametrize(
    ("trouble", "pause"),
    [
        (Transient("time-out"), GAP),
        (Refused("no such key"), GAP),
        (RateLimited("too soon", after_ms=60_000), GAP),
        (RateLimited("too soon", after_ms=120_000), 120_000),
        (RateLimited("too soon", after_ms=10**9), STUBBORN),
        (RateLimited("too soon"), GAP),
        (Unreached("no route"), SECOND),
        (CircuitOpen("rests"), SECOND),
    ],
)
def test_what_went_wrong_says_when_the_next_attempt_is(trouble, pause):
    """A venue that was never reached has counted nothing, and is back within three seconds of being there."""
    world = World()
    world.bank.trouble = [trouble]

    with pytest.raises(type(trouble)):
        credential(world.counter())

    assert (world.deposit.due, world.deposit.owner) == (world.at + pause, "")


def test_a_short_pause_after_a_failure_is_waited_out():
    world = World()
    world.bank.trouble = [Unreached("no route")]
    with pytest.raises(Unreached):
        credential(world.counter())

    assert credential(world.counter()).text == "token-2"
    assert sum(world.slept) == 1.0


def test_a_vault_that_falls_silent_after_the_issue_costs_nothing_but_the_next_attempt():
    world = World()

    class Silent(MemoryVault):
        def finish(self, name, owner, issued, due):
            raise Transient("no answer")

    world.vault = Silent()

    assert credential(world.counter()).text == "token-1"
    assert world.deposit.due == world.at + GAP + CALL


def test_a_time_written_by_a_wrong_clock_does_not_lock_everybody_out():
    world = World()
    world.vault.claim("krx#token", "crazy", Deposit(), world.at, Millis(world.at + DAY))

    assert credential(world.counter()).text == "token-1"
    assert wrong_after(GAP, START) < START + DAY


def test_no_text_of_a_credential_is_printed():
    assert "canary" not in f"{Deposit(text='canary')!r} {Issued('canary', Millis(1))}"


@given(st.lists(st.tuples(st.integers(0, 200_000), st.sampled_from(["ask", "die", "fail", "refuse"])), max_size=40))
def test_whatever_dies_or_fails_no_two_attempts_are_closer_than_the_venue_allows(steps):
    world = World()
    for pause, what in steps:
        world.later(pause)
        world.bank.trouble = {"die": [Died()], "fail": [Transient("ill")]}.get(what, [])
        try:
            held = credential(world.counter(), world.deposit.text if what == "refuse" else "")
            assert held.ends - world.at > LATE
        except (Died, Transient):
            continue

    gaps = [later - earlier for earlier, later in zip(world.bank.asked, world.bank.asked[1:], strict=False)]
    assert all(gap >= GAP for gap in gaps)
