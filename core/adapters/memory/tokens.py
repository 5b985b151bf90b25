"""Credentials within one process; threads may share them."""

from threading import Lock

from msgspec.structs import replace

from core.app.tokens import Deposit
from core.domain.values import Millis
from core.venues.spec import Issued


class MemoryVault:
    def __init__(self) -> None:
        self._rows: dict[str, Deposit] = {}
        self._lock = Lock()

    def read(self, name: str) -> Deposit:
        return self._rows.get(name, Deposit())

    def claim(self, name: str, owner: str, found: Deposit, at: Millis, until: Millis) -> bool:
        with self._lock:
            if self.read(name) != found:
                return False
            self._rows[name] = replace(found, owner=owner, due=until)
            return True

    def finish(self, name: str, owner: str, issued: Issued | None, due: Millis) -> bool:
        with self._lock:
            kept = self.read(name)
            if kept.owner != owner:
                return False
            changed = {"text": issued.text, "ends": issued.ends} if issued else {}
            self._rows[name] = replace(kept, owner="", due=due, version=kept.version + 1, **changed)
            return True
