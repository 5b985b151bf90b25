"""What the pure half wants done. Whoever carries an effect out decides nothing."""

import msgspec

from core.domain.errors import WireSurprise
from core.domain.messages import Alert
from core.domain.signals import Signal


class Emit(msgspec.Struct, frozen=True):
    """Put a signal on the queue."""

    signal: Signal


class Announce(msgspec.Struct, frozen=True):
    """Tell people."""

    alert: Alert


class Send(msgspec.Struct, frozen=True):
    """Write one message to the open connection; `text` picks the frame's opcode."""

    body: bytes
    text: bool = True


class Ping(msgspec.Struct, frozen=True):
    """Send a protocol ping."""


class Hangup(msgspec.Struct, frozen=True):
    """Close the connection and come back after the back-off."""

    reason: str


class Quarantine(msgspec.Struct, frozen=True):
    """Keep a frame that did not read, for a developer."""

    frame: bytes
    surprise: WireSurprise


Effect = Emit | Announce
Action = Send | Ping | Hangup | Quarantine
