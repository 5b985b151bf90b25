"""What one connection of the simulated KIS stream has registered, and how it is answered. Pure: no sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from core.simulators.faults import Faults, Kind
from core.simulators.kis_cipher import Secret, secret_of
from core.simulators.kis_keys import AppKey, Keyring
from core.simulators.kis_limits import KisLimits
from core.simulators.kis_requests import NOTICES, Wish, Wrong, answered
from core.simulators.kis_slots import Slots
from core.simulators.served import Served

IN_USE = "OPSP8996"


class Answered(NamedTuple):
    """The frame to send, and why the line is cut after it ("" where it is not); `sudden` cuts without the frame."""

    frame: bytes
    ends: str = ""
    sudden: bool = False


class Desk(NamedTuple):
    """What all connections share. `known` says whether a stock code is listed."""

    keys: Keyring
    slots: Slots
    limits: KisLimits
    faults: Faults
    served: Served
    mine: Callable[[AppKey], bool]
    known: Callable[[str], bool]


class Subscriber:
    """The registrations of one connection: (TR id, key) -> the secret that its answer gave."""

    def __init__(self, desk: Desk, number: int) -> None:
        self._desk, self._number = desk, number
        self.held: dict[tuple[str, str], Secret] = {}
        self.key: AppKey | None = None

    def asked(self, said: Wish | Wrong, at: int) -> Answered:
        """Answer one message."""
        if isinstance(said, Wrong):
            return self._no(said.code, said.tr_id, said.tr_key, at)
        wish = said
        if fault := self._desk.faults.take(Kind.REGISTER, at):
            return self._no(fault.code or "OPSP0007", wish.tr_id, wish.tr_key, at)
        key = self._desk.keys.approved(wish.approval, at)
        if key is None:
            return self._no("OPSP0011", wish.tr_id, wish.tr_key, at)
        if not self._desk.mine(key):
            return self._no("OPSP9994", wish.tr_id, wish.tr_key, at)
        self._desk.served.paced("registrations" if wish.adds else "releases", key.app_key, at)
        self._desk.served.called("register", f"register {key.app_key[-6:]}", at)
        if (self.key not in (None, key)) or not self._desk.slots.claim(key.app_key, self._number, at):
            return self._no(IN_USE, wish.tr_id, wish.tr_key, at)
        self.key = key
        return self._add(wish, key, at) if wish.adds else self._drop(wish, at)

    def _add(self, wish: Wish, key: AppKey, at: int) -> Answered:
        place = wish.tr_id, wish.tr_key
        if wish.tr_id in NOTICES and wish.tr_key != key.hts_id:
            self._desk.served.refused("wrong HTS id", at)
            return Answered(b"", "wrong HTS id", True)
        if wish.tr_id not in NOTICES and not self._desk.known(wish.tr_key):
            return self._no("OPSP8992", *place, at)
        if place in self.held:
            return self._no("OPSP0002", *place, at)
        if len(self.held) >= self._desk.limits.registrations:
            return self._no("OPSP0008", *place, at)
        secret = self.held[place] = secret_of(f"{self._number}:{at}:{wish.tr_id}:{wish.tr_key}")
        most = max(self._desk.served.counts["most registrations held"], len(self.held))
        self._desk.served.counts["most registrations held"] = most
        return Answered(answered("OPSP0000", *place, secret))

    def _drop(self, wish: Wish, at: int) -> Answered:
        if self.held.pop((wish.tr_id, wish.tr_key), None) is None:
            return self._no("OPSP0003", wish.tr_id, wish.tr_key, at)
        return Answered(answered("OPSP0001", wish.tr_id, wish.tr_key))

    def _no(self, code: str, tr_id: str, tr_key: str, at: int) -> Answered:
        self._desk.served.refused(code, at, f"{tr_id} {tr_key}")
        ends = code if code == IN_USE and self._desk.limits.in_use_hangs_up else ""
        return Answered(answered(code, tr_id, tr_key), ends)
