"""E12 for commands that run by themselves: one token for all of them, in a file that only its owner can read."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from stat import S_IMODE
from time import sleep, time_ns

import pytest

from core.adapters.token_file import FileVault
from core.app.tokens import Counter, Deposit, credential
from core.domain.errors import Transient
from core.domain.values import DAY, Millis
from core.local.template import ROOT
from core.venues.spec import Issued

AT = Millis(1_795_132_800_000)
GAP = 61_000
NAME = "krx#real#0#token"
ISSUED = Issued("a-secret-text", Millis(AT + DAY))


@pytest.fixture
def file(tmp_path):
    return tmp_path / ".hoga" / "credentials.json"


def bought(vault, at=AT, issued=ISSUED):
    assert vault.claim(NAME, "me", vault.read(NAME), at, Millis(at + GAP))
    assert vault.finish(NAME, "me", issued, Millis(at + GAP))


def test_what_one_process_bought_another_reads_and_nobody_else(file):
    assert FileVault(file).read(NAME) == Deposit()
    bought(FileVault(file))
    assert FileVault(file).read(NAME) == Deposit(text=ISSUED.text, ends=ISSUED.ends, due=Millis(AT + GAP), version=1)
    assert S_IMODE(file.stat().st_mode) == 0o600
    assert S_IMODE(file.parent.stat().st_mode) == 0o700
    assert sorted(path.name for path in file.parent.iterdir()) == ["credentials.json", "credentials.lock"]


def test_a_claim_stands_until_its_end_and_only_its_owner_ends_it(file):
    vault = FileVault(file)
    assert vault.claim(NAME, "a", Deposit(), AT, Millis(AT + GAP))
    assert not vault.claim(NAME, "b", Deposit(), AT, Millis(AT + GAP))
    claimed = vault.read(NAME)
    assert not vault.claim(NAME, "b", claimed, Millis(AT + 1), Millis(AT + GAP + 1))
    assert not vault.finish(NAME, "b", ISSUED, Millis(AT))
    assert vault.claim(NAME, "b", claimed, Millis(AT + GAP), Millis(AT + 2 * GAP))
    assert vault.finish(NAME, "b", None, Millis(AT))
    assert vault.read(NAME).text == ""


def test_each_credential_has_its_own_row(file):
    vault = FileVault(file)
    bought(vault)
    assert vault.claim("other", "me", Deposit(), AT, Millis(AT + GAP))
    assert vault.read(NAME).text == ISSUED.text


@pytest.mark.parametrize("found", [b"", b"{", b"[]", b"\xff", b'{"x": 1}'])
def test_a_file_that_does_not_read_is_taken_for_empty_and_made_anew(file, found):
    file.parent.mkdir()
    file.write_bytes(found)
    bought(FileVault(file))
    assert FileVault(file).read(NAME).text == ISSUED.text
    assert S_IMODE(file.stat().st_mode) == 0o600


def test_a_place_that_cannot_be_used_is_named_and_the_credential_is_not(file):
    bought(FileVault(file))
    blocked = FileVault(file / "under a file")
    for trouble in (lambda: blocked.read(NAME), lambda: bought(blocked)):
        with pytest.raises(Transient, match="cannot be used") as caught:
            trouble()
        assert ISSUED.text not in str(caught.value)
    assert ISSUED.text not in repr(FileVault(file).read(NAME))


def test_what_cannot_be_written_whole_leaves_the_old_file_and_nothing_beside_it(file, monkeypatch):
    bought(FileVault(file))
    monkeypatch.setattr(os, "fdopen", lambda *args: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(Transient, match="No space left"):
        FileVault(file).claim(NAME, "b", FileVault(file).read(NAME), Millis(AT + GAP), Millis(AT + 2 * GAP))
    assert FileVault(file).read(NAME).text == ISSUED.text
    assert len(list(file.parent.iterdir())) == 2


def test_many_at_once_buy_one_token(file):
    asked, owners = [], count(1)

    def ask():
        asked.append(1)
        sleep(0.05)  # a call to the venue takes a while
        return Issued("t", Millis(now() + DAY))

    def one(_):
        return credential(
            Counter(
                name=NAME,
                ask=ask,
                gap_ms=GAP,
                vault=FileVault(file),
                clock=now,
                sleep=lambda seconds: sleep(0.01),
                owner=lambda: f"o{next(owners)}",
            )
        ).text

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(8))) == ["t"] * 8
    assert len(asked) == 1


CLAIM = """
import sys
from pathlib import Path
from core.adapters.token_file import FileVault
from core.app.tokens import Deposit
vault = FileVault(Path(sys.argv[1]))
sys.stdin.readline()
print(vault.claim("n", sys.argv[2], Deposit(), 1000, 2000))
"""


def test_of_several_processes_one_gets_the_claim(file):
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, str(file), f"p{number}"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = [racer.communicate(timeout=60)[0].strip() for racer in racers]
    assert sorted(said) == ["False", "False", "False", "True"]


def now():
    return Millis(time_ns() // 1_000_000)
