"""What a market with app keys needs before and beside its stream: approval keys, and the notices of our own orders."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from core.adapters.secrets import Secret, Secrets
from core.app.ports import Credentials
from core.domain.errors import Misconfigured, Transient
from core.domain.events import OrderNotice
from core.domain.policies import AccountPolicy, MarketPolicy
from core.feed.berths import berths
from core.venues.spec import StreamSpec, Venue
from streamer.notices import NoticeLane
from streamer.ports import Ports
from streamer.seats import Seats

log = logging.getLogger(__name__)


class KeyDesk:
    """One market's keys. `seats` shares its registrations out; `lane` is None where no order goes to the venue.

    Raises Misconfigured where the venue asks for app keys and the settings name none.
    """

    def __init__(
        self,
        spec: StreamSpec,
        policy: MarketPolicy,
        credentials: Credentials,
        secrets: Secrets,
        lane: NoticeLane | None,
    ) -> None:
        if not policy.keys:
            raise Misconfigured("this market streams to app keys only: `keys` names none", market=spec.market.value)
        self._spec, self._credentials, self._secrets = spec, credentials, secrets
        self._account: AccountPolicy | None = policy.account if lane is not None else None
        self._number: Secret | None = None
        self._thread = ThreadPoolExecutor(len(policy.keys) + 1, thread_name_prefix=f"keys-{spec.market.value}")
        self.lane = lane
        self.seats = Seats(spec, policy, berths(policy, orders=self._account is not None), self._approval)

    def took(self, notice: OrderNotice) -> None:
        """One registration brings the notices of every account of its owner: only ours go on."""
        if self.lane is not None and self._number is not None:
            if self._spec.own(notice.account, self._number.reveal()):
                self.lane.put(notice)
            else:
                self.lane.foreign += 1

    async def learn(self) -> None:
        """Read the account's number and the id that its notices are registered under; again later where that fails."""
        if self._account is None or self._number is not None:
            return
        try:
            number, name = await asyncio.get_running_loop().run_in_executor(self._thread, self._read, self._account)
        except Transient as fault:
            log.warning("the account's secrets were not read", extra={"outcome": "retry", "why": str(fault)})
            return
        self._number, self.seats.hts_id = number, name.reveal()

    def stop(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _read(self, account: AccountPolicy) -> tuple[Secret, Secret]:
        return self._secrets.get(account.number), self._secrets.get(account.hts_id)

    async def _approval(self, key: str, refused: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._credentials.approval, key, refused)


def key_desk(venue: Venue, policy: MarketPolicy, ports: Ports) -> KeyDesk | None:
    """What the venue's app keys need; None where it streams to anybody. Raises Misconfigured where there are none."""
    if not venue.stream.keyed:
        return None
    if ports.credentials is None or ports.secrets is None:
        raise Misconfigured("this market streams to app keys only", market=venue.market.value)
    board = ports.notices(venue.market)
    lane = None if board is None or policy.account is None else NoticeLane(board, policy.stream, ports.dice)
    return KeyDesk(venue.stream, policy, ports.credentials(venue.market), ports.secrets(), lane)


def nobody(notice: OrderNotice) -> None:
    """Where no order goes to the venue, its notices are none of ours."""
