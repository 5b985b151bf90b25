"""E1: the protocol's answers as a function of the item, and the invariants (reference/aws.md 1.6) over random lives."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.adapters.memory.books import MemoryBooks
from core.domain.leases import (
    MARGIN,
    REMEMBERED,
    Ask,
    Busy,
    Cooling,
    Flat,
    Granted,
    Held,
    Intent,
    Lock,
    Repeated,
    booked,
    refusal,
    remembered,
)
from core.domain.positions import Position
from core.domain.values import ZERO, Instrument, Market, Millis, Side

AAA = Instrument(Market.UPBIT, "KRW-AAA")
AT = Millis(1_000_000)
LEASE = 10_000

POSITION = Position(
    instrument=AAA, worker="w-01", quantity=Decimal(1), cost=Decimal(1), fees=ZERO, price=Decimal(1), opened=AT,
    signal="b0", rule="fall", reference=Decimal(1),
)  # fmt: skip


def ask(side=Side.BUY, signal="b1", owner="a", nonce="n", at=AT):
    intent = Intent(
        order=f"o-{signal}", side=side, signal=signal, leg=0, worker="", quantity=Decimal(1), reference=Decimal(1),
        reason="fall", at=at,
    )  # fmt: skip
    return Ask(instrument=AAA, owner=owner, nonce=nonce, intent=intent, at=at, ends=Millis(at + LEASE))


def lock(**changes):
    return Lock(**{"instrument": AAA, "fence": 4, **changes})


@pytest.mark.parametrize(
    ("item", "side", "expected"),
    [
        (lock(), Side.BUY, None),
        (lock(), Side.SELL, Flat(fence=4)),
        (lock(position=POSITION), Side.BUY, Held(worker="w-01", fence=4)),
        (lock(position=POSITION), Side.SELL, None),
        (lock(done=("b1",)), Side.BUY, Repeated(signal="b1", fence=4)),
        (lock(owner="x", ends=AT), Side.BUY, Busy(holder="x", fence=4, ends=AT)),
        (lock(owner="x", ends=AT, done=("b1",)), Side.BUY, Repeated(signal="b1", fence=4)),
        (lock(owner="x", ends=AT, position=POSITION), Side.BUY, Busy(holder="x", fence=4, ends=AT)),
        (lock(owner="x", ends=Millis(AT - MARGIN)), Side.BUY, Busy(holder="x", fence=4, ends=Millis(AT - MARGIN))),
        (lock(owner="x", ends=Millis(AT - MARGIN - 1)), Side.BUY, None),
    ],
)
def test_what_stands_in_the_way_of_a_grant(item, side, expected):
    assert refusal(item, ask(side), AT) == expected


@pytest.mark.parametrize(
    ("lost", "side", "expected"),
    [
        (AT - 1, Side.BUY, None),
        (AT, Side.BUY, Cooling(lost=AT, fence=4)),
        (AT + 1, Side.BUY, Cooling(lost=Millis(AT + 1), fence=4)),
        (AT, Side.SELL, None),
    ],
)
def test_a_symbol_lost_since_then_is_not_bought_and_always_sold(lost, side, expected):  # E7
    held = POSITION if side is Side.SELL else None
    item = lock(lost=Millis(lost), position=held)
    assert refusal(item, replace(ask(side), cooled=AT), AT) == expected
    assert refusal(item, ask(side), AT) is None


def test_a_booked_intent_is_reserved_with_its_worker_and_cost():
    intent = booked(ask().intent, "w-02", Decimal(3), Decimal(7))
    assert (intent.reserved, intent.worker, intent.quantity, intent.cost) == (True, "w-02", 3, 7)


def test_a_signal_is_remembered_once_and_the_oldest_is_forgotten():
    done = ()
    for number in [*range(REMEMBERED + 5), 7]:
        done = remembered(done, f"b{number}")
    assert len(done) == REMEMBERED
    assert done[-1] == "b7"
    assert done.count("b7") == 1


moves = st.lists(
    st.tuples(
        st.sampled_from(["grant", "retry", "release", "renew", "evict"]),
        st.integers(0, 2),  # worker
        st.integers(0, 4),  # signal
        st.integers(0, 8_000),  # how long until the next move, true time, ms
    ),
    max_size=40,
)


@settings(max_examples=500)
@given(moves=moves, offsets=st.tuples(*[st.integers(-MARGIN // 2, MARGIN // 2)] * 3))
def test_in_any_life_of_a_lock_the_invariants_hold(moves, offsets):
    leases, now, fences, settled, asked, beliefs = MemoryBooks().leases, AT, [], [], {}, {}
    for step, (what, worker, number, later) in enumerate(moves):
        now = Millis(now + later)
        at = Millis(now + offsets[worker])
        match what:
            case "grant" | "retry":
                again = what == "retry" and worker in asked
                wish = asked[worker] if again else ask(signal=f"b{number}", owner=f"w{worker}", nonce=f"{step}", at=at)
                asked[worker] = wish
                asked[worker, "since"] = asked[worker, "since"] if again else now
                before = leases.lock(AAA)
                answer = leases.grant(wish, at)
                if isinstance(answer, Granted) and answer.fence not in fences:
                    others = [ends for owner, ends in beliefs.items() if owner != worker]
                    assert all(ends <= now for ends in others)  # 8: nobody believes beside the new owner
                    assert not before or before.intent is None or answer.intent == before.intent  # 6
                    fences.append(answer.fence)
                    beliefs[worker] = asked[worker, "since"] + LEASE  # by his own clock, from before the first attempt
                    asked[worker, "held"] = answer
                if isinstance(answer, Busy):
                    assert answer.holder
                    assert answer.ends + MARGIN >= at  # 13, 10: busy only while the lease and its margin run
                if wish.intent.signal in settled[-REMEMBERED:] and not again:
                    assert isinstance(answer, Repeated)  # 7
            case "release" if (worker, "held") in asked:
                held = asked[worker, "held"]
                before = leases.lock(AAA)
                if leases.release(held, at):
                    assert held.fence == fences[-1]  # 2: only under the newest fence
                    settled.append(held.intent.signal)
                    beliefs.pop(worker, None)
                else:
                    assert leases.lock(AAA) == before  # 4
            case "renew" if (worker, "held") in asked:
                held, before = asked[worker, "held"], leases.lock(AAA)
                if not leases.renew(held, before.ends):
                    assert leases.lock(AAA) == before  # 4
            case "evict" if leases.lock(AAA):
                leases.evict(leases.lock(AAA))
                beliefs.clear()  # a person ended it: whoever believes so may still, and his writes are refused
    assert fences == sorted(set(fences))  # 1
    assert len(leases.locks()) == bool(leases.lock(AAA))  # 11
