"""Makes core/venues/kis/holidays.json (`make calendar`), from the exchange_calendars package and what it leaves out.

Neither hoga nor its tests need that package: this runs once a year, in an environment of its own. Read the
difference before it is committed; the holiday call at run time is what confirms a day.
"""

import json
import sys
from pathlib import Path

import exchange_calendars
import pandas

FIRST, LAST = "2010-01-01", "2027-12-31"
TARGET = Path(__file__).parents[2] / "core" / "venues" / "kis" / "holidays.json"
SHORTER = "2016-08-01"  # until then a day ended at 15:00

CLOSED = {
    "2026-06-03": "local elections",
    "2026-07-17": "Constitution Day, a public holiday again since 2026",
    "2027-07-19": "Constitution Day on a Saturday: the Monday after, as for the other national days (UNCONFIRMED)",
}
"""Days that the package trades and KRX does not: a public holiday closes the exchange."""

EXAMS = (
    *("2010-11-18", "2011-11-10", "2012-11-08", "2013-11-07", "2014-11-13", "2015-11-12"),
    *("2021-11-18", "2022-11-17", "2023-11-16", "2024-11-14", "2025-11-13", "2026-11-19", "2027-11-18"),
)
"""College entrance exam (CSAT): everything is an hour later. The package has 2016 to 2020 only."""


def hours() -> tuple[list[str], dict[str, list[str]]]:
    """Weekdays on which nothing trades, and the hours of days that are not like the others."""
    calendar = exchange_calendars.get_calendar("XKRX", start=FIRST, end=LAST)
    sessions = {day.strftime("%Y-%m-%d") for day in calendar.sessions} - CLOSED.keys()
    weekdays = [day.strftime("%Y-%m-%d") for day in pandas.bdate_range(FIRST, LAST)]
    odd: dict[str, list[str]] = {}
    for day, row in calendar.schedule.iterrows():
        name = day.strftime("%Y-%m-%d")
        opens, closes = (row[side].tz_convert("Asia/Seoul").strftime("%H:%M") for side in ("open", "close"))
        usual = "15:00" if name < SHORTER else "15:30"
        if name in EXAMS:
            opens, closes = "10:00", "16:30" if usual == "15:30" else "16:00"
        if name in sessions and (opens, closes) != ("09:00", usual):
            odd[name] = [opens, closes]
    return [day for day in weekdays if day not in sessions], odd


def main() -> None:
    closed, odd = hours()
    told = {
        "source": f"exchange_calendars {exchange_calendars.__version__} XKRX, and infra/calendar/krx.py",
        "first": FIRST,
        "last": LAST,
        "closed": closed,
        "hours": odd,
    }
    TARGET.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{TARGET.name}: {len(closed)} closed weekdays, {len(odd)} days with hours of their own\n")


if __name__ == "__main__":
    main()
