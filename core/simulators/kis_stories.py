"""Stories of a KRX minute: those of the Upbit demo, and what only a stock exchange has (an interruption, a halt)."""

from __future__ import annotations

from core.simulators.stories import Story

DEMO = (
    Story("near", "105560", 0.0, ((1.0, -0.076),), rate=3.0),
    Story("rebound", "035420", 4.0, ((3.0, -0.090), (16.0, -0.089), (22.0, -0.012))),
    Story("falling", "247540", 5.0, ((3.0, -0.089), (16.0, -0.090), (21.0, -0.135))),
    Story("sideways", "005380", 6.5, ((3.0, -0.089), (20.0, -0.087), (40.0, -0.088), (90.0, -0.087))),
    Story("warned", "086520", 8.0, ((3.0, -0.089), (30.0, -0.087)), flag=(16.0, "warning")),
    Story("surge", "034020", 14.0, ((8.0, -0.045),), surge=((0.0, 20.0, 30.0),), rate=12.0),
    Story("interrupted", "277810", 17.0, ((4.0, 0.125), (20.0, 0.118))),
    Story("halted", "028300", 18.0, (), flag=(6.0, "halted")),
    Story("breakout", "006400", 28.0, ((6.0, 0.060), (20.0, 0.064))),
)
"""Falls stop short of -10 % of the day's reference price, where trading would be interrupted: `falling` goes on
to that only after it could be bought."""

BOOKS = {"demo": DEMO, "none": ()}
