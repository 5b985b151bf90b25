"""Alerts to a Telegram chat. The bot's token is part of the address: see core/adapters/chat.py.

Limits (core.telegram.org/bots/api: sendMessage, sendPhoto): text 4,096 characters, caption 1,024.
"""

import requests

from core.adapters.chat import Parcel, post
from core.adapters.secrets import Secrets
from core.domain.errors import Refused
from core.domain.messages import Alert
from core.domain.policies import TelegramPolicy
from core.domain.wording import render

TEXT, CAPTION = 4096, 1024


class TelegramNotifier:
    """Implements `ports.Notifier`. Plain text without markup, so nothing in a name or memo needs escaping."""

    def __init__(self, policy: TelegramPolicy, secrets: Secrets, language: str) -> None:
        self._policy = policy
        self._secrets = secrets
        self._language = language
        self._session = requests.Session()

    def send(self, alert: Alert, picture: bytes | None) -> None:
        """With its picture where there is one and Telegram takes it, else as text."""
        if picture is None:
            self._text(alert)
            return
        try:
            self._photo(alert, picture)
        except Refused:  # too large, or not an image that Telegram reads: the words matter more
            self._text(alert)

    def _text(self, alert: Alert) -> None:
        text = render(alert, self._language, TEXT)
        quiet = {"is_disabled": True}
        body = {"chat_id": str(self._policy.chat), "text": text, "link_preview_options": quiet}
        self._post("sendMessage", Parcel(json=body))

    def _photo(self, alert: Alert, picture: bytes) -> None:
        fields = {"chat_id": str(self._policy.chat), "caption": render(alert, self._language, CAPTION)}
        self._post("sendPhoto", Parcel(fields=fields, name="photo", picture=picture))

    def _post(self, method: str, parcel: Parcel) -> None:
        root = self._policy.url.rstrip("/")
        token = self._secrets.get(self._policy.secret)
        post(self._session, "Telegram", token, lambda text: f"{root}/bot{text}/{method}", parcel)
