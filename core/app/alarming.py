"""A CloudWatch alarm as an alert for people (F5). It stands apart from queues, tables and streamer: those may be dead.

What an alarm means and what to do is written once, in its own description in `infra/alarms.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from core.app.ports import Notifier
from core.domain.errors import CoreError, Refused
from core.domain.messages import Alert, Kind
from core.domain.values import Millis


class Notice(msgspec.Struct, frozen=True, rename="pascal"):
    """The parts of CloudWatch's notice that people need; it has more.

    Source: CloudWatch User Guide, "Notifying users on alarm changes"; times as "2026-11-20T02:37:06.123+0000".
    """

    alarm_name: str
    new_state_value: str
    new_state_reason: str = ""
    alarm_description: str | None = None
    state_change_time: str = ""


CLEAR = "OK"


def read(message: str) -> Notice:
    """Raises Refused where this is no notice of an alarm."""
    try:
        return msgspec.json.decode(message, type=Notice)
    except msgspec.DecodeError as fault:
        raise Refused("this is no notice of a CloudWatch alarm", message=message[:200], why=fault) from fault


def alert(notice: Notice, at: Millis) -> Alert:
    """`at` stands in where the notice has no time that can be read."""
    clear = notice.new_state_value == CLEAR
    what = "" if clear else (notice.alarm_description or "")
    return Alert(
        id=f"{Kind.ALARM.value}:{notice.alarm_name}:{notice.new_state_value}:{_moment(notice, at)}",
        kind=Kind.RECOVERED if clear else Kind.ALARM,
        at=_moment(notice, at),
        rule=notice.alarm_name,
        memo="\n".join(part for part in (notice.alarm_name, what, notice.new_state_reason) if part),
        lasting=False,
    )


def tell(told: Alert, channels: Iterable[str], notifiers: Mapping[str, Notifier]) -> dict[str, str]:
    """Send it to each channel, whatever became of the others; returns why, by channel, where one did not take it.

    Raises:
        CoreError: no channel took it; the caller's own failure is then the last alarm there is.
    """
    failed: dict[str, CoreError] = {}
    sent = 0
    for channel in channels:
        try:
            notifiers[channel].send(told, None)
        except CoreError as trouble:
            failed[channel] = trouble
        else:
            sent += 1
    if failed and not sent:
        raise next(iter(failed.values()))
    return {channel: str(trouble) for channel, trouble in failed.items()}


def _moment(notice: Notice, at: Millis) -> Millis:
    try:
        return Millis(round(datetime.fromisoformat(notice.state_change_time).timestamp() * 1000))
    except ValueError:
        return at
