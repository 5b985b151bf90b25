"""E1: any number of workers, one owner. On the embedded AWS only: moto's conditional writes are not atomic.

Measured (reference/aws.md 2.1): moto let two clients win one lock and lost increments; so a race that passes on moto
proves nothing, and one that fails there says nothing. `test_no_race_is_run_on_moto` keeps these files honest.
"""

import ast
import multiprocessing
from pathlib import Path

import pytest

from tests.adapters.dynamo import contenders

PROCESSES, THREADS, ROUNDS = 4, 16, 200
HERE = Path(__file__).parent


@pytest.mark.cloud
@pytest.mark.slow
def test_sixty_four_threads_in_four_processes_have_one_winner_in_every_round(tables):
    spawn = multiprocessing.get_context("spawn")
    start, results = spawn.Barrier(PROCESSES), spawn.Queue()
    runs = [
        spawn.Process(target=contenders.race, args=(tables, number, THREADS, ROUNDS, start, results))
        for number in range(PROCESSES)
    ]
    for run in runs:
        run.start()
    answers = [row for _ in runs for row in results.get(timeout=300)]
    for run in runs:
        run.join(30)

    assert len(answers) == PROCESSES * THREADS
    for number in range(ROUNDS):
        told = [row[number] for row in answers]
        winners = [owner for kind, owner, _ in told if kind == "granted"]
        assert len(winners) == 1
        losers = [(kind, holder, fence) for kind, holder, fence in told if kind != "granted"]
        assert set(losers) == {("busy", winners[0], 1)}  # invariant 13: every loser names the holder


def test_no_race_is_run_on_moto():
    """A race pointed at moto must fail: the contending processes import nothing that could start it."""
    for name in ("contenders.py", "test_races.py", "test_deliveries.py"):
        tree = ast.parse((HERE / name).read_text())
        modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        modules |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not [module for module in modules if module.split(".")[0] == "moto"], name
