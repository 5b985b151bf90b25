"""reference/aws.md 1.5: each unsafe variant of the protocol is caught by the invariant (1.6) that it breaks.

Every scenario here is true of the protocol as it is, and false as soon as one of its parts is left out.
"""

from contextlib import suppress

import pytest
from msgspec.structs import replace

from core.adapters.memory import leases as memory
from core.adapters.memory import reservations
from core.adapters.memory.leases import MemoryLeases
from core.adapters.memory.state import Item
from core.app import engaging, trade, wishes
from core.app.desk import Ending
from core.app.trade import handle, resume
from core.domain import leases as protocol
from core.domain.leases import MARGIN, Granted
from core.domain.orders import order_id
from tests.app.world import World, take
from tests.fakes import AAA, Died, Steps, buy, sell

# ---- the scenarios: each is one invariant --------------------------------------------------------------------------


def fences_grow(world):
    """1: a fence is never given twice."""
    fences = []
    for number in range(3):
        held = take(world.desk(), buy(id=f"b{number}", at=world.hands.at))
        fences.append(held.fence)
        world.books.leases.release(held, world.hands.at)
    return fences == sorted(set(fences))


def an_old_owner_cannot_commit(world):
    """2, 4: whoever lost the lock writes nothing."""
    late = take(world.desk(), buy(id="late", expires_s=600))
    world.hands.later(23)
    resume(world.lock, world.desk())
    before = world.lock
    return not world.books.leases.release(late, world.hands.at) and world.lock == before


def one_order_for_one_signal(world):
    """3: whoever finishes what a dead owner began finds the same order at the venue."""
    signal = buy(expires_s=600)
    with suppress(Died):
        handle(signal, world.mortal(Steps(STEPS.index("after place") + 1)))
    world.hands.later(23)
    handle(signal, world.desk())
    return len(world.broker.known) == 1


def a_lost_reply_is_a_grant(world):
    """5: the retry of a request whose reply was lost is told that it was granted."""
    desk = world.desk()
    desk = replace(desk, nonce=lambda: "one attempt")
    return isinstance(take(desk), Granted) and isinstance(take(desk), Granted)


def nobody_believes_beside_the_owner(world):
    """8: with clocks within half the margin, no lease is granted while its owner may still act."""
    take(world.desk(), buy(id="first", expires_s=600))
    world.hands.later(20 + MARGIN / 2 / 1000)  # his lease ends now by a clock that is that much behind
    return not isinstance(take(world.desk(), buy(id="second", at=world.hands.at)), Granted)


def nothing_is_sent_after_the_deadline(world):
    """12: an owner that was paused past its lease does not call the venue any more."""

    class Paused:
        def __getattr__(self, name):
            return getattr(world.books.leases, name)

        def engage(self, *args):
            answer = world.books.leases.engage(*args)
            world.hands.later(25)
            return answer

    handle(buy(expires_s=600), replace(world.desk(), leases=Paused()))
    return world.broker.sent == []


def a_redelivery_is_no_second_decision(world):
    """7: a signal that was settled buys nothing more, even once the symbol is flat again."""
    signal = buy(expires_s=600)
    handle(signal, world.desk())
    world.hands.later(1)
    handle(sell(at=world.hands.at), world.desk())
    world.hands.later(1)
    return handle(signal, world.desk()).outcome is Ending.REPEATED and len(world.broker.sent) == 2


def a_pending_intent_comes_first(world):
    """6: nothing new is begun before what was left behind is finished."""
    take(world.desk(), buy(id="dead", expires_s=600))
    world.hands.later(23)
    handle(buy(id="new", at=world.hands.at), world.desk())
    return world.lock.position.signal.endswith("dead")


def the_lock_is_taken_by_one(world):
    """A running lease keeps everyone else out."""
    take(world.desk(), buy(id="one"))
    return not isinstance(take(world.desk(), buy(id="two")), Granted)


# ---- the variants: each leaves one part out ------------------------------------------------------------------------


def delete_on_release(patch):
    kept = MemoryLeases.release

    def release(self, held, at):
        answer = kept(self, held, at)
        self._books.items.pop(held.instrument, None)
        return answer

    patch.setattr(MemoryLeases, "release", release)


def no_fence_check(patch):
    patch.setattr(MemoryLeases, "_mine", lambda self, held: self._books.item(held.instrument).lock)


def order_id_from_the_fence(patch):
    kept = wishes.order_of

    def order_of(held, desk, at):
        order = kept(held, desk, at)
        return replace(order, id=order_id(AAA, f"{order.signal}@{held.fence}", order.side, order.leg))

    for module in (trade, engaging):
        patch.setattr(module, "order_of", order_of)
    patch.setattr(MemoryLeases, "_intended", lambda self, held, order: held.intent if self._mine(held) else None)


def no_nonce(patch):
    kept = MemoryLeases.grant

    def grant(self, ask, at):
        item = self._books.item(ask.instrument)
        self._books.items[ask.instrument] = Item(item.lock, "")
        return kept(self, ask, at)

    patch.setattr(MemoryLeases, "grant", grant)


def no_margin(patch):
    patch.setattr(protocol, "MARGIN", 0)


def no_deadline(patch):
    patch.setattr(trade, "GUARD_S", -1e9)


def no_memory_of_the_done(patch):
    patch.setattr(memory, "remembered", lambda done, signal: ())
    patch.setattr(memory, "barrier", only_engaged)


def only_engaged(books, order, worker, limits):
    return reservations.engaged(books, order.instrument.market, worker)


def intent_overwritten(patch):
    kept = MemoryLeases.grant

    def grant(self, ask, at):
        item = self._books.item(ask.instrument)
        self._books.items[ask.instrument] = Item(replace(item.lock, intent=None), item.nonce)
        return kept(self, ask, at)

    patch.setattr(MemoryLeases, "grant", grant)


def unconditional_acquire(patch):
    patch.setattr(memory, "refusal", lambda lock, ask, at: None)


VARIANTS = [
    (fences_grow, delete_on_release),
    (an_old_owner_cannot_commit, no_fence_check),
    (one_order_for_one_signal, order_id_from_the_fence),
    (a_lost_reply_is_a_grant, no_nonce),
    (nobody_believes_beside_the_owner, no_margin),
    (nothing_is_sent_after_the_deadline, no_deadline),
    (a_redelivery_is_no_second_decision, no_memory_of_the_done),
    (a_pending_intent_comes_first, intent_overwritten),
    (the_lock_is_taken_by_one, unconditional_acquire),
]


def steps_of_a_buy():
    world, steps = World(), Steps()
    handle(buy(expires_s=600), world.mortal(steps))
    return steps.taken


STEPS = steps_of_a_buy()


@pytest.mark.parametrize(("invariant", "variant"), VARIANTS, ids=lambda each: each.__name__)
def test_the_protocol_keeps_the_invariant_and_the_unsafe_variant_breaks_it(invariant, variant, monkeypatch):
    assert invariant(World())
    variant(monkeypatch)
    assert not invariant(World())
