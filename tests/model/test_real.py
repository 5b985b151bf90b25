"""reference/aws.md 1.5 and 1.6 on DynamoDB itself, as the embedded AWS speaks it: the adapter that runs for an owner.

The walks are drawn by hypothesis over the very steps that `test_model.py` searches: workers that are paused, die and
lose replies at any request. The ways of the unsafe variants are those that the search found, gone once more.
"""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.cloud import create
from tests.model import stages, system
from tests.model.real import Real, Renamed, play
from tests.model.search import Search
from tests.model.settle import settled
from tests.model.test_model import FOUND_OUT

pytestmark = pytest.mark.cloud

FAULTS = {"crashes": 2, "losses": 2}
NEAR = [
    stages.duplicates,
    stages.rivals,
    stages.sales,
    stages.in_two_legs,
    stages.halted,
    stages.mistaken,
    stages.redelivered,
]
LONGEST = 60


@pytest.fixture(scope="module")
def client(dynamo):
    return Renamed(create(dynamo))


@pytest.fixture(autouse=True)
def forgotten():
    system.ROOTS.clear()
    yield
    system.ROOTS.clear()


def walk(stage, client, data):
    """Any way through the stage: at each step anything that can happen happens."""
    machine = Real(stage, client)
    state = machine.begin()
    for _ in range(LONGEST):
        if not (possible := list(machine.choices(state))):
            break
        step = machine.take(state, data.draw(st.sampled_from(possible), label="next"))
        state = step.after
        assert not step.broken, step.words
    assert not list(settled(state, machine))


GENERATED = settings(
    max_examples=30, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@GENERATED
@given(data=st.data(), stage=st.sampled_from(NEAR))
def test_every_walk_on_the_real_tables_keeps_every_invariant(client, data, stage):
    walk(stage(**FAULTS), client, data)


@GENERATED
@given(data=st.data(), ms=st.integers(2_000, 9_000))
def test_with_clocks_as_far_apart_as_you_like_only_beliefs_break(client, data, ms):
    """Invariant 9."""
    walk(stages.rivals(ms, believed=False, **FAULTS), client, data)


@pytest.mark.parametrize(
    ("number", "variant", "stage", "faults", "ignored"),
    FOUND_OUT,
    ids=[f"{variant.__name__}-{number}" for number, variant, *_ in FOUND_OUT],
)
def test_the_way_that_was_found_breaks_the_variant_and_nothing_else(
    number, variant, stage, faults, ignored, client, monkeypatch
):
    with monkeypatch.context() as patch:
        variant(patch)
        wanted = stage(ignored=frozenset(ignored), **faults)
        found = Search(wanted, limit=200_000).run()
        broken = [each for _, wrong in play(Real(wanted, client), iter(found.choices)) for each in wrong]
    assert number in {each for each, _ in broken}, str(found)
    system.ROOTS.clear()
    whole = Real(stage(**faults), client)
    assert [each for _, wrong in play(whole, iter(found.choices)) for each in wrong] == []
