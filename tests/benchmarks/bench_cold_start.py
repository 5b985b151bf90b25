"""Cold start in Lambda's runtime emulator: from start to the first answer, against a bare handler in the same run.

The rival creates two boto3 clients (DynamoDB and SQS) and does nothing else; its code has no bytecode, as code has that
was only zipped. Ours answers its sample event for real, tables and queues included. Limit: at most 1.0 times the rival.

    python tests/benchmarks/bench_cold_start.py [RUNS]
"""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from core.local import emulated
from core.local.stack import Stack

ROOT = Path(__file__).parents[2]
LIMIT = 1.0
FUNCTIONS = ("worker", "notify")
BARE = """
import boto3

def handler(event, context):
    boto3.client("dynamodb", region_name="ap-northeast-2")
    boto3.client("sqs", region_name="ap-northeast-2")
    return {"ok": True}
"""
SETTINGS = """
stage: local
markets:
  upbit:
    rest: {url: "http://127.0.0.1:1"}
    stream: {url: "ws://127.0.0.1:1"}
"""


def bare(folder: Path, libraries: Path) -> emulated.Laid:
    """The rival: the same libraries as ours, with no bytecode anywhere."""
    shutil.copytree(libraries, folder / "bare", ignore=shutil.ignore_patterns("__pycache__"))
    code = folder / "bare-code" / "functions"
    code.mkdir(parents=True)
    (code / "bare.py").write_text(BARE)
    return emulated.Laid(folder / "bare-code", folder / "bare")


def timed(start) -> float:
    began = time.perf_counter()
    event, opened = start
    with opened() as address:
        emulated.call(address, event)
        return time.perf_counter() - began


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        settings = folder / "settings.yaml"
        settings.write_text(SETTINGS)
        with Stack.start(settings, log=folder / "aws.log") as cloud:
            print(json.dumps(compared(folder, settings, cloud, runs), indent=2))


def compared(folder: Path, settings: Path, cloud: Stack, runs: int) -> dict[str, object]:
    rival = bare(folder, emulated.laid_out(".build/functions/", settings).libraries)
    without = {**cloud.environment(), "PYTHONDONTWRITEBYTECODE": "1"}
    starts = {"bare": ({}, lambda: emulated.started(rival, "functions.bare.handler", without, {}))}
    for name in FUNCTIONS:
        event = json.loads((ROOT / "tests" / "events" / f"{name}.json").read_text())
        env = emulated.environment(name, cloud)
        laid = emulated.packaged(name, settings)
        starts[name] = (event, lambda name=name, env=env, laid=laid: emulated.behind(name, laid, env))
    found: dict[str, list[float]] = {name: [] for name in starts}
    for turn in range(runs + 1):
        for name, start in starts.items():
            taken = timed(start)
            if turn:  # the first round fills the machine's file cache
                found[name].append(taken)
    middle = {name: median(times) for name, times in found.items()}
    return {
        "runs": runs,
        "median_ms": {name: round(seconds * 1000) for name, seconds in middle.items()},
        "ratio_to_bare": {name: round(middle[name] / middle["bare"], 2) for name in FUNCTIONS},
        "limit": LIMIT,
        "holds": all(middle[name] <= LIMIT * middle["bare"] for name in FUNCTIONS),
    }


if __name__ == "__main__":
    main()
