"""How long a venue asks to be left alone."""

from datetime import datetime
from email.utils import parsedate_to_datetime

from core.venues.flow import Response


def asked_ms(response: Response) -> int | None:
    """Milliseconds that `Retry-After` names, in seconds or as a date against the response's own `Date`; None without.

    >>> asked_ms(Response(429, b"", {"retry-after": "1.5"}))
    1500
    """
    text = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        start, end = _moment(response.headers.get("date", "")), _moment(text)
        seconds = (end - start).total_seconds() if start and end else -1.0
    return round(seconds * 1000) if 0 <= seconds < 86_400 * 7 else None


def _moment(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
