"""Deliver one alert to one channel (F1-F4): cooldown, picture, send, and only then count it as sent.

A failure leaves the claim open to this same alert, so the queue's next delivery tries again; the other channels have
messages of their own and do not notice.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from core.app.ports import Cooldowns, Notifier
from core.domain.errors import CoreError, Misconfigured, RateLimited, Transient
from core.domain.messages import Alert, Delivery
from core.domain.values import Millis

TRIES = 8
"""Several senders share one chat that takes one message a second: each must be able to wait for its turn."""
HOLD_MS = 40_000
"""Longer than a function lives. Until then a second delivery of the same alert waits: the first may be with the
service, sitting out a pause, and both would be heard."""
PATIENCE_MS = 6_000
"""Pauses that a service asks for are sat out up to this long in all; the function that waits is paid by time."""


class Delivered(StrEnum):
    SENT = "sent"
    SUPPRESSED = "suppressed"


def deliver(
    delivery: Delivery,
    *,
    notifiers: Mapping[str, Notifier],
    cooldowns: Cooldowns,
    picture: Callable[[Alert], bytes | None],
    pause: Callable[[float], None],
    cooldown_ms: int,
    at: Millis,
) -> Delivered:
    """Send it, unless its topic is cooling down or this very alert went out before.

    picture  draws the alert's chart as PNG; None where there is nothing to draw
    pause    waits that many seconds: a short rate limit is sat out here, a long one by the queue

    Raises:
        Misconfigured: the channel is not one of `notifiers`.
        Transient: the same alert is on its way by another delivery; this one comes again, and is suppressed then.
        RateLimited, Transient, Refused: the channel's own; the delivery is not counted as sent.
    """
    notifier = notifiers.get(delivery.channel)
    if notifier is None:
        raise Misconfigured("an alert is addressed to a channel that is not set up", channel=delivery.channel)
    if not cooldowns.claim(delivery, cooldown_ms, at):
        return Delivered.SUPPRESSED
    try:
        _send(notifier, delivery.alert, picture(delivery.alert), pause)
    except CoreError:
        cooldowns.free(delivery)
        raise
    cooldowns.sent(delivery, at)
    return Delivered.SENT


def _send(notifier: Notifier, alert: Alert, drawn: bytes | None, pause: Callable[[float], None]) -> None:
    waited = 0
    for _ in range(TRIES - 1):
        try:
            return notifier.send(alert, drawn)
        except RateLimited as limited:
            if limited.after_ms is None or waited + limited.after_ms > PATIENCE_MS:
                raise
            waited += limited.after_ms
            pause(limited.after_ms / 1000)
    return notifier.send(alert, drawn)


def cooldown_key(delivery: Delivery) -> str:
    """What cools down: the topic of a condition that lasts, or the single fact itself, which is told once."""
    alert = delivery.alert
    return alert.topic if alert.lasting else f"once#{alert.id}"


def on_its_way(delivery: Delivery) -> Transient:
    """What a claim raises that finds another delivery of the same alert at work."""
    return Transient("the same alert is on its way already", channel=delivery.channel, alert=delivery.alert.id)


def over_before(delivery: Delivery, cooldown_ms: int, at: Millis) -> int:
    """A claim made at or before this moment stands in nobody's way; one of a single fact does for ever."""
    return at - cooldown_ms if delivery.alert.lasting else -1
