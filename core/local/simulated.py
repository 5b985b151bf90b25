"""The simulators as a child process, and their side door: stories, faults and what the chat services were told."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec
import requests

from core.domain.errors import Refused, Transient
from core.domain.values import Market, Millis
from core.local.day import AUCTION_S, Urls, hours_of
from core.local.processes import Child, Children

PATIENCE_S = 60.0
CALL_S = 20.0
SMALL = ("--issues", "20", "--symbols", "30", "--krx-vi", "5")
"""As many stocks and coins as are listed, scanned and streamed within seconds by two cores and the venues' limits,
and interruptions that end within a day of one minute."""

SERVICES = ("telegram", "discord")


class Simulators:
    """Running venues and chat services on the loopback."""

    def __init__(self, child: Child, urls: Urls) -> None:
        self.child = child
        self.urls = urls
        self._session = requests.Session()
        self._session.trust_env = False

    @classmethod
    def start(
        cls, children: Children, env: Mapping[str, str], log: Path, *, seed: int, markets: Collection[Market]
    ) -> Simulators:
        """Start them and wait for the line that says where they listen. Raises Transient with their last words.

        Of those that are served only `markets` are told of.
        """
        more = ("--binance",) if Market.BINANCE in markets else ()
        command = [sys.executable, "-m", "core.simulators", "--seed", str(seed), *SMALL, *more]
        child = children.start("simulators", command, {**env, "PYTHONUNBUFFERED": "1"}, log, talks=True)
        said = child.line(PATIENCE_S)
        try:
            urls = msgspec.json.decode(said, type=Urls)
            chosen = {market: venue for market, venue in urls.markets.items() if market in markets}
            return cls(child, msgspec.structs.replace(urls, markets=chosen))
        except msgspec.DecodeError as fault:
            children.stop(child)
            raise Transient("the simulators did not start", said=said or "nothing", last=child.tail()) from fault

    def play(self, stories: str = "demo") -> None:
        """Begin the stories that show every kind of decision once."""
        for venue in self.urls.markets.values():
            self._post(f"{venue.control_url}/story", {"name": stories})

    def open(self, begins: Millis, ends: Millis) -> None:
        """Let this be today's trading on every exchange that has hours, auctions before the opening and the close."""
        for venue in self.urls.markets.values():
            if venue.day_url:
                self._post(venue.day_url, {"hours": f"{hours_of(begins, ends)}/{AUCTION_S:g}"})

    def drop(self) -> None:
        """Cut every open stream, as a broken line does."""
        for venue in self.urls.markets.values():
            self._post(f"{venue.control_url}/faults", {"fault": {"kind": "drop"}})

    @property
    def controls(self) -> dict[str, str]:
        """The side doors by name."""
        doors = {market.value: venue.control_url for market, venue in self.urls.markets.items()}
        return {**doors, "chat": self.urls.chat_control_url}

    def messages(self) -> dict[str, int]:
        """How many messages each chat service has taken."""
        told = Counter(message["service"] for message in self.told())
        return {service: told[service] for service in SERVICES}

    def told(self) -> list[dict[str, Any]]:
        """The messages themselves, oldest first."""
        found: list[dict[str, Any]] = self._answer("GET", f"{self.urls.chat_control_url}/messages")
        return found

    def _post(self, url: str, body: Mapping[str, Any]) -> None:
        self._answer("POST", url, body)

    def _answer(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            reply = self._session.request(method, url, json=body, timeout=CALL_S)
        except requests.RequestException as fault:
            raise Transient("the simulators do not answer", fault=type(fault).__name__) from fault
        if not reply.ok:
            raise Refused("the simulators refused", url=url, said=reply.text)
        return reply.json()
