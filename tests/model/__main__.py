"""`make model`: every stage with more going wrong at once than the test suite has time for. A few minutes."""

import sys
import time

from tests.model import stages, system
from tests.model.search import Search

BIG = [
    stages.duplicates(crashes=2, losses=1),
    stages.rivals(crashes=2, losses=1),
    stages.sales(crashes=2, losses=1),
    stages.in_two_legs(crashes=1, losses=1),
    stages.halted(crashes=2, losses=2),
    stages.mistaken(crashes=2, losses=2),
    stages.redelivered(crashes=2, losses=1),
    stages.duplicates(4_000, believed=False, crashes=1, losses=1),
]


def main() -> int:
    broken = False
    for stage in BIG:
        system.ROOTS.clear()
        began = time.monotonic()
        found = Search(stage).run()
        print(f"{stage.name}, {stage.crashes} crashes, {stage.losses} lost: {found} ({time.monotonic() - began:.0f} s)")
        broken |= found.broken is not None
    return int(broken)


sys.exit(main())
