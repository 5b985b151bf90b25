"""Alerts to a Discord channel by webhook. The webhook's address is itself the key: see core/adapters/chat.py.

Limits (discord.com/developers/docs/resources/webhook: Execute Webhook): content 2,000 characters.
"""

import msgspec
import requests

from core.adapters.chat import Parcel, post
from core.adapters.secrets import Secrets
from core.domain.errors import Refused
from core.domain.messages import Alert
from core.domain.policies import DiscordPolicy
from core.domain.wording import render

TEXT = 2000


class DiscordNotifier:
    """Implements `ports.Notifier`. Mentions are off: a coin called `@everyone` wakes nobody."""

    def __init__(self, policy: DiscordPolicy, secrets: Secrets, language: str) -> None:
        self._policy = policy
        self._secrets = secrets
        self._language = language
        self._session = requests.Session()

    def send(self, alert: Alert, picture: bytes | None) -> None:
        """With its picture where there is one and Discord takes it, else as text."""
        body = {"content": render(alert, self._language, TEXT), "allowed_mentions": {"parse": []}}
        if picture is None:
            self._post(Parcel(json=body))
            return
        fields = {"payload_json": msgspec.json.encode(body).decode()}
        try:
            self._post(Parcel(fields=fields, name="files[0]", picture=picture))
        except Refused:  # too large for this server: the words matter more
            self._post(Parcel(json=body))

    def _post(self, parcel: Parcel) -> None:
        post(self._session, "Discord", self._secrets.get(self._policy.secret), lambda address: address, parcel)
