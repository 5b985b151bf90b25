"""Credentials in a file that only their owner can read, for commands that run by themselves: one after the other, or
several at once, they share what a venue gives out once a minute (E12).

Whoever changes the file holds its lock; whoever reads it sees it whole, because it is replaced and never written over.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp

import msgspec
from msgspec.structs import replace

from core.app.tokens import Deposit, open_for_attempts
from core.domain.errors import Transient
from core.domain.values import Millis
from core.venues.spec import Issued

OWN_FOLDER, OWN_FILE = 0o700, 0o600


class FileVault:
    """Implements `core.app.tokens.Vault`. What does not read is taken for empty: a credential can be bought again."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self, name: str) -> Deposit:
        with _answered(self._file):
            return self._rows().get(name, Deposit())

    def claim(self, name: str, owner: str, found: Deposit, at: Millis, until: Millis) -> bool:
        with _answered(self._file), self._locked():
            rows = self._rows()
            if rows.get(name, Deposit()) != found or not open_for_attempts(found, until - at, at):
                return False
            self._write({**rows, name: replace(found, owner=owner, due=until)})
            return True

    def finish(self, name: str, owner: str, issued: Issued | None, due: Millis) -> bool:
        with _answered(self._file), self._locked():
            rows = self._rows()
            kept = rows.get(name, Deposit())
            if kept.owner != owner:
                return False
            changed = {"text": issued.text, "ends": issued.ends} if issued else {}
            self._write({**rows, name: replace(kept, owner="", due=due, version=kept.version + 1, **changed)})
            return True

    def _rows(self) -> dict[str, Deposit]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, Deposit])
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return {}

    def _write(self, rows: dict[str, Deposit]) -> None:
        """A file of its own (mkstemp gives it to nobody else) that then takes the old one's place."""
        number, part = mkstemp(dir=self._file.parent, prefix=self._file.name)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(msgspec.json.encode(rows))
            Path(part).replace(self._file)
        finally:
            Path(part).unlink(missing_ok=True)  # still there only where it could not be written whole

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone among all processes; the system gives the lock back when a process dies."""
        self._file.parent.mkdir(mode=OWN_FOLDER, parents=True, exist_ok=True)
        number = os.open(self._file.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, OWN_FILE)
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            yield
        finally:
            os.close(number)


@contextmanager
def _answered(file: Path) -> Iterator[None]:
    """Raises Transient with the file's name, and nothing of what is in it, where it cannot be read or written."""
    try:
        yield
    except OSError as trouble:
        raise Transient("the file with credentials cannot be used", file=file, why=trouble.strerror) from None
