"""The `hoga` command. Exit codes: 0 done, 1 refused, 2 wrong usage or settings, 3 outcome unknown, 130 interrupted."""

import sys
from typing import NoReturn

INTERRUPTED = 130


def main() -> NoReturn:
    """Load the command line and run it. Ctrl-C while it still loads, which takes a second, ends it as it does later."""
    try:
        from core.cli.entry import main as enter

        enter()
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(INTERRUPTED)


__all__ = ["main"]
