"""The `hoga` command. Exit codes: 0 done, 1 refused, 2 wrong usage or settings, 3 outcome unknown, 130 interrupted."""

from core.cli.entry import main

__all__ = ["main"]
