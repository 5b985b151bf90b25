"""`hoga variables`: what the functions of a system have in their environment, to try one of them by hand."""

from __future__ import annotations

import click

from core.cli import place
from core.cli.answers import json_option, say_json, say_table
from core.local import template


@click.command()
@json_option
def variables(as_json: bool) -> None:
    """Each function's environment: its tables, queues and stage, and never a live account.

    With --json it is the file that `sam local invoke --env-vars FILE` takes.
    """
    cloud, source = place.site().cloud, template.load()
    found = {
        function: template.environment(function, source, cloud.outputs, cloud.stage)
        for function in template.functions(source)
    }
    if as_json:
        say_json(found)
        return
    rows = [(function, name, value) for function, given in found.items() for name, value in given.items()]
    say_table("environment of the functions", ("function", "variable", "value"), rows, none="")


COMMANDS = (variables,)
