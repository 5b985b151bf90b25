"""The channels that the owner chose, each with what it needs."""

from __future__ import annotations

from core.adapters.secrets import Secrets
from core.app.ports import Notifier
from core.domain.errors import Misconfigured
from core.domain.policies import NotifyPolicy


def notifiers(policy: NotifyPolicy, language: str, secrets: Secrets) -> dict[str, Notifier]:
    """One notifier for each channel of the settings, by its name."""
    return {channel: _notifier(channel, policy, language, secrets) for channel in policy.channels}


def _notifier(channel: str, policy: NotifyPolicy, language: str, secrets: Secrets) -> Notifier:
    """Imports stand here because the chat channels need an HTTP session, and the log does not."""
    match channel:
        case "telegram":
            from core.adapters.telegram import TelegramNotifier

            return TelegramNotifier(policy.telegram, secrets, language)
        case "discord":
            from core.adapters.discord import DiscordNotifier

            return DiscordNotifier(policy.discord, secrets, language)
        case "log":
            from core.adapters.logchannel import LogNotifier

            return LogNotifier(language)
        case _:
            raise Misconfigured("there is no such channel", channel=channel)
