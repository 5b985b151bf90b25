"""E1, E8: the protocol searched breadth-first, the product's own code taking every step; reference/aws.md 1.5 and 1.6.

Every run prints what it looked at (`pytest -s`). A variant that leaves one part out must be found out, by the invariant
that the part is there for; the way there is the shortest one.
"""

import pytest
from msgspec.structs import replace

from tests.model import stages, system, variants
from tests.model.search import Search

ONE = {"crashes": 1, "losses": 1}
QUIET = {"crashes": 0, "losses": 0}


@pytest.fixture(autouse=True)
def forgotten():
    """What tasks do is remembered from search to search; a variant does something else."""
    system.ROOTS.clear()
    yield
    system.ROOTS.clear()


PROTOCOL = [
    pytest.param(stages.duplicates, ONE, id="one buy delivered three times"),
    pytest.param(stages.mistaken, ONE, id="two sales of another position"),
    pytest.param(stages.redelivered, QUIET | {"losses": 1}, id="a buy after its own sale"),
    pytest.param(stages.in_two_legs, QUIET, id="a sale in two legs"),
    pytest.param(stages.rivals, QUIET | {"crashes": 1}, id="two buys of one symbol"),
    pytest.param(stages.sales, QUIET | {"losses": 1}, id="two sales of one position"),
]
"""`make model` searches all of them with more faults at once."""


@pytest.mark.parametrize(("stage", "faults"), PROTOCOL)
def test_no_interleaving_breaks_an_invariant(stage, faults):
    found = Search(stage(**faults)).run()
    print(f"\n{stage(**faults).name}: {found}")
    assert not found.broken, str(found)
    assert found.states > 5_000
    assert found.endings > 5


def test_a_buy_that_is_refused_has_never_had_the_lock():
    """Its limits are in the write that would have taken it (E7, E10)."""
    found = Search(stages.halted(**ONE)).run()
    print(f"\n{found}")
    assert not found.broken, str(found)
    assert found.endings == 1


@pytest.mark.parametrize("ms", [4_000])
def test_clocks_far_apart_break_nothing_but_beliefs(ms):
    """1.6, invariant 9: with any skew all others hold."""
    found = Search(stages.duplicates(ms, believed=False, crashes=1, losses=0)).run()
    print(f"\n{found}")
    assert not found.broken, str(found)
    assert Search(stages.duplicates(ms, **QUIET)).run().broken[0] == 8


FOUND_OUT = [
    # invariant, what is left out, the set-up, the faults, invariants not looked for
    (2, variants.no_fence_check, stages.duplicates, QUIET, {4}),
    (4, variants.no_fence_check, stages.duplicates, QUIET, {}),
    (4, variants.unconditional_release, stages.mistaken, QUIET, {}),
    (11, variants.deleted_on_release, stages.duplicates, QUIET, {}),
    (1, variants.deleted_on_release, stages.rivals, QUIET, {11}),
    (3, variants.order_id_from_the_fence, stages.duplicates, ONE, {10}),
    (5, variants.no_nonce, stages.sales, ONE, {}),
    (6, variants.intent_overwritten, stages.rivals, QUIET, {}),
    (7, variants.no_memory_of_the_done, stages.redelivered, QUIET, {}),
    (8, variants.no_margin, stages.duplicates, QUIET, {}),
    (8, variants.unconditional_acquire, stages.duplicates, QUIET, {}),
    (12, variants.no_deadline, stages.duplicates, QUIET, {8}),
    (8, variants.no_deadline, stages.duplicates, QUIET, {12}),
]

TOKEN_FORGOTTEN = [(5, variants.no_nonce, stages.duplicates, ONE, {})]
"""A buy asks in a transaction, whose token the service knows again for ten minutes: the model's tables never do."""


@pytest.mark.parametrize(
    ("number", "variant", "stage", "faults", "ignored"),
    FOUND_OUT + TOKEN_FORGOTTEN,
    ids=[f"{variant.__name__}-{number}-{stage.__name__}" for number, variant, stage, *_ in FOUND_OUT + TOKEN_FORGOTTEN],
)
def test_an_unsafe_variant_is_found_out(number, variant, stage, faults, ignored, monkeypatch):
    variant(monkeypatch)
    found = Search(stage(ignored=frozenset(ignored), **faults), limit=200_000).run()
    print(f"\n{variant.__name__}: {variant.__doc__}\n{found}")
    assert found.broken is not None
    assert found.broken[0] == number, str(found)
    assert found.way


def test_an_item_that_a_clean_up_removes_gives_its_fence_twice():
    """1.6, invariant 11; template.yaml gives the locks table no time to live."""
    found = Search(stages.rivals(reaped=True, **QUIET)).run()
    assert found.broken[0] == 1, str(found)
    assert "the free item is removed" in found.way


def test_merging_equal_futures_loses_no_ending():
    stage = replace(stages.duplicates(crashes=1, losses=0), ticks=stages.TICKS[:3])
    merged, whole = Search(stage), Search(stage, merged=False)
    assert merged.run().states < whole.run().states
    assert set(merged.endings.values()) == set(whole.endings.values())


def test_a_way_is_told_in_words_that_can_be_followed(monkeypatch):
    variants.no_nonce(monkeypatch)
    told = str(Search(stages.duplicates(**ONE)).run())
    assert told.splitlines()[1:] == [
        "  1. A1 (KRW-AAA:b1) begins",
        "  2. A1 (KRW-AAA:b1) asks for the lock: done, and the reply is lost",
        "  3. A1 (KRW-AAA:b1) asks for the lock: refused; ends: busy",
    ]
