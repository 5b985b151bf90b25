"""What is wrong with a settings file, all of it at once."""

from __future__ import annotations

import msgspec

from core.domain.errors import Misconfigured


class Fault(msgspec.Struct, frozen=True):
    key: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.key}: found {self.found}; allowed: {self.allowed}"


class Faulty(Misconfigured):
    """Every fault of one settings file. `faults` lists them; the text has one line for each."""

    def __init__(self, source: str, faults: list[Fault]) -> None:
        super().__init__(f"{source} has {len(faults)} fault{'s' if len(faults) > 1 else ''}")
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join([f"{self.found}:", *(f"  {fault}" for fault in self.faults), self.remedy])
