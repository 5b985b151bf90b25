"""Own-order notices in memory, for tests and replay."""

from collections.abc import Sequence

from msgspec.structs import replace

from core.domain.events import OrderNotice
from core.domain.values import Instrument, Millis


class MemoryNotices:
    """Implements ports.Notices and ports.NoticeBoard. The account is not kept: everything here is ours."""

    def __init__(self) -> None:
        self._kept: list[OrderNotice] = []

    def put(self, notices: Sequence[OrderNotice]) -> None:
        self._kept += [replace(notice, account="") for notice in notices]

    def about(self, instrument: Instrument, since: Millis) -> list[OrderNotice]:
        return [notice for notice in self._kept if notice.instrument == instrument and notice.seen >= since]
