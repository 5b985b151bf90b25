"""What is told to people, before it is worded for a channel."""

from enum import StrEnum

import msgspec

from core.domain.values import Instrument, Market, Millis


class Kind(StrEnum):
    """What an alert is about; the cooldown (F3) is per instrument and kind and rule."""

    APPROACHING = "approaching"
    SIGNAL = "signal"
    BOUGHT = "bought"
    SOLD = "sold"
    UNSAFE = "unsafe"
    SUMMARY = "summary"
    SAFE_MODE = "safe_mode"
    SCAN_FAILING = "scan_failing"
    RECOVERED = "recovered"
    RECONNECTS = "reconnects"
    CIRCUIT = "circuit"
    UNRESOLVED = "unresolved"
    LIQUIDATION = "liquidation"
    UNSOLD = "unsold"
    BY_HAND = "by_hand"
    STREAMER_SILENT = "streamer_silent"
    DEAD_LETTERS = "dead_letters"
    WIRE = "wire"
    ALARM = "alarm"
    TEST = "test"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One thing worth telling, with the figures that made it so.

    id         the same however often it is delivered
    rule       rule, exit reason or sub-case, part of the cooldown key; "" where there is none
    condition  short wording of what was watched, for example "disparity <= -0.08"
    value      what was found; `threshold` what it was held against; None where there is none
    at         time observed, the venue's clock where there is one
    memo       one line for the reader
    chart      closes, oldest first, for a small picture; empty for none
    lasting    true where the cooldown applies (a condition that lasts); false for a single fact such as a fill
    """

    id: str
    kind: Kind
    at: Millis
    market: Market | None = None
    instrument: Instrument | None = None
    name: str = ""
    rule: str = ""
    condition: str = ""
    value: float | None = None
    threshold: float | None = None
    memo: str = ""
    link: str = ""
    chart: tuple[float, ...] = ()
    lasting: bool = True

    @property
    def topic(self) -> str:
        """Key of the cooldown: what it is about, not when."""
        about = str(self.instrument) if self.instrument else (self.market.value if self.market else "system")
        return f"{about}#{self.kind.value}#{self.rule}"


class Delivery(msgspec.Struct, frozen=True):
    """One alert on its way to one channel: the message on the alerts queue."""

    channel: str
    alert: Alert
