"""One token for the commands and the runs of a machine (E12): a venue gives one a minute, and tells its owner's phone."""

import pytest

from core.adapters.keyring import row_of
from core.adapters.memory.tokens import MemoryVault
from core.adapters.token_file import FileVault
from core.app.tokens import Deposit
from core.domain.errors import Transient
from core.domain.policies import Environment
from core.domain.values import Market, Millis
from core.local.credentials import shared
from core.local.running import pointed
from core.local.system import Feed, Plan
from core.local.template import ROOT
from core.settings import load
from core.venues.spec import Issued

AT = Millis(1_790_000_000_000)
HOURS = 3_600_000
ROW = row_of(Market.KRX, Environment.REAL, "key", "token")


def bought(vault, text, ends, at=AT):
    assert vault.claim(ROW, "o", vault.read(ROW), at, Millis(at + 80_000))
    assert vault.finish(ROW, "o", Issued(text, Millis(ends)), Millis(at + 60_000))


@pytest.fixture
def run(tmp_path):
    def made(at=AT, file=tmp_path / "credentials.json"):
        plan = Plan(
            settings=load(ROOT / "settings.yaml", {}), feed=Feed.KRX, base=tmp_path, pid=1, clock=lambda: Millis(at),
            host={"HOGA_SECRET_KIS_APP_KEY": "key"}, seed=1, pace=1.0, credentials=file,
        )  # fmt: skip
        own = MemoryVault()
        return FileVault(tmp_path / "credentials.json"), own, shared(plan, pointed(plan, None), own)

    return made


def test_a_run_begins_with_the_token_that_a_command_bought_and_asks_no_sooner_than_it_may(run):
    kept, own, around = run()
    bought(kept, "told by phone", AT + 20 * HOURS)
    with around:
        assert (own.read(ROW).text, own.read(ROW).due) == ("told by phone", AT + 60_000)


@pytest.mark.parametrize("ends", [AT - 1, AT + 30_000])
def test_a_token_that_has_ended_is_not_begun_with(run, ends):
    kept, own, around = run()
    bought(kept, "old", ends, AT - 24 * HOURS)
    with around:
        assert own.read(ROW) == Deposit()


def test_what_a_run_bought_is_there_for_the_next_command(run):
    kept, own, around = run()
    with around:
        bought(own, "new", AT + 24 * HOURS)
    assert kept.read(ROW).text == "new"


def test_a_newer_token_of_a_command_is_not_written_over_by_the_run_that_ends(run):
    kept, own, around = run()
    with around:
        bought(own, "first", AT + 23 * HOURS)
        bought(kept, "second", AT + 24 * HOURS)
    assert kept.read(ROW).text == "second"


def test_without_a_file_nothing_is_shared(run):
    kept, own, around = run(file=None)
    bought(kept, "told by phone", AT + 20 * HOURS)
    with around:
        assert own.read(ROW) == Deposit()


def test_a_file_that_is_lost_meanwhile_costs_a_token_and_not_the_end_of_the_run(run, tmp_path):
    _, own, around = run()
    with around:
        bought(own, "new", AT + 24 * HOURS)
        (tmp_path / "credentials.json").mkdir()


def test_a_file_that_does_not_open_is_said_before_anything_is_bought(run, tmp_path):
    (tmp_path / "credentials.json").mkdir()
    with pytest.raises(Transient, match=r"credentials\.json"), run()[2]:
        pass
