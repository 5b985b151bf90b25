"""Where the command begins and every error ends: one sentence on stderr and an exit code, never a traceback."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click
from botocore.exceptions import BotoCoreError, ClientError

from core.cli import INTERRUPTED, deployed, place
from core.domain.errors import CoreError, Misconfigured, Transient, UnknownOutcome

AGAIN = "Nothing tries it again by itself: check the network and run the command again."
"""What a service does with Transient, a person does by hand."""

DONE, REFUSED, USAGE, UNKNOWN = 0, 1, 2, 3


MODULES = {
    "acting": ("alert",),
    "asking": ("why",),
    "benching": ("bench",),
    "checking": ("check",),
    "drilling": ("drill",),
    "emulating": ("variables",),
    "flattening": ("halt", "resume", "flatten"),
    "keeping": ("secrets",),
    "locking": ("locks",),
    "looking": ("status", "positions", "orders"),
    "machine": ("demo", "run"),
    "once": ("scan", "rank"),
    "planning": ("plan",),
    "replaying": ("replay",),
    "staffing": ("workers",),
    "summing": ("summary",),
}
"""Which module of core.cli has which commands: one is loaded when it is called, or when help lists them all."""

ASKING = frozenset({"acting", "asking", "emulating", "flattening", "locking", "looking", "staffing", "summing"})
"""Commands about a system that stands somewhere: in this folder, or deployed."""


class Commands(click.Group):
    """Loads what is asked for: `hoga check` does not wait for the machinery of `hoga demo`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(name for names in MODULES.values() for name in names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for module, names in MODULES.items():
            if cmd_name in names and cmd_name not in self.commands:
                self._load(module)
        return self.commands.get(cmd_name)

    def _load(self, module: str) -> None:
        found = import_module(f"core.cli.{module}").COMMANDS
        if module in ASKING:
            deployed.offer(found)
        for command in found:
            self.add_command(command)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="hoga", message="%(prog)s %(version)s")
def hoga() -> None:
    """Watch Korean stocks and crypto, decide, and trade on paper.

    \b
    hoga demo              a whole trading day in about a minute, offline
    hoga run --feed upbit  the same system on Upbit's public feed, paper money (or binance)
    """


def main() -> NoReturn:
    """Run the command line and leave with its exit code; SIGTERM ends it as Ctrl-C does.

    Both are taken anew: a shell that starts a command in the background lets it inherit a Ctrl-C that is ignored.
    """
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, _interrupt)
    place.spare_loopback()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    try:
        ended = hoga.main(args=list(arguments), prog_name="hoga", standalone_mode=False)
    except click.ClickException as wrong:
        wrong.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return _told("stopped", INTERRUPTED)
    except UnknownOutcome as open_question:
        return _told(str(open_question), UNKNOWN)
    except Misconfigured as wrong_settings:
        return _told(str(wrong_settings), USAGE)
    except Transient as passing:
        return _told(f"{str(passing).removesuffix(passing.remedy).rstrip()} {AGAIN}", REFUSED)
    except CoreError as refused:
        return _told(str(refused), REFUSED)
    except (BotoCoreError, ClientError) as silent:
        return _told(f"the running system does not answer: {silent}", REFUSED)
    except BrokenPipeError:
        return DONE
    except OSError as full:  # a folder that cannot be written, a full disk
        return _told(f"the machine refuses: {full}", REFUSED)
    return ended if isinstance(ended, int) else DONE  # click hands back the code of `context.exit`


def _told(sentence: str, code: int) -> int:
    click.echo(sentence, err=True)
    return code


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
