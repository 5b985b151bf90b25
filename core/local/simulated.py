"""The simulators as a child process, and their side door: stories, faults and what the chat services were told."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import requests

from core.domain.errors import Refused, Transient
from core.local.day import Urls
from core.local.processes import Child, Children

PATIENCE_S = 20.0
CALL_S = 5.0
SERVICES = ("telegram", "discord")


class Simulators:
    """A running venue and chat services on the loopback."""

    def __init__(self, child: Child, urls: Urls) -> None:
        self.child = child
        self.urls = urls
        self._session = requests.Session()
        self._session.trust_env = False

    @classmethod
    def start(cls, children: Children, env: Mapping[str, str], log: Path, *, seed: int) -> Simulators:
        """Start them and wait for the line that says where they listen. Raises Transient with their last words."""
        command = [sys.executable, "-m", "core.simulators", "--seed", str(seed)]
        child = children.start("simulators", command, {**env, "PYTHONUNBUFFERED": "1"}, log, talks=True)
        said = child.line(PATIENCE_S)
        try:
            return cls(child, msgspec.json.decode(said, type=Urls))
        except msgspec.DecodeError as fault:
            children.stop(child)
            raise Transient("the simulators did not start", said=said or "nothing", last=child.tail()) from fault

    def play(self, stories: str = "demo") -> None:
        """Begin the stories that show every kind of decision once."""
        self._post(f"{self.urls.upbit_control_url}/story", {"name": stories})

    def drop(self) -> None:
        """Cut every open stream, as a broken line does."""
        self._post(f"{self.urls.upbit_control_url}/faults", {"fault": {"kind": "drop"}})

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
