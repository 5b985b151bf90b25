"""Ends what its parent started, once the parent is gone in any way, SIGKILL included.

Run as a script with the standard library only. Each line on stdin is `+GROUP` (watch) or `-GROUP` (it ended by itself).
End of input means that the parent has died or is done: every process group still watched is killed.
A pipe tells this on every Unix and for any thread, which PR_SET_PDEATHSIG does not.
"""

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress


def watched(lines: Iterable[str]) -> set[int]:
    """The groups still to be ended when the lines stop coming.

    >>> sorted(watched(["+12\\n", "+15\\n", "-12\\n"]))
    [15]
    """
    groups: set[int] = set()
    for line in lines:
        sign, group = line[0], int(line[1:])
        if sign == "+":
            groups.add(group)
        else:
            groups.discard(group)
    return groups


def main() -> None:
    for group in watched(sys.stdin):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
