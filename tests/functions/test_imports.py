"""What each handler loads, when it is imported and when it has built all it uses: a cold start pays for nothing else.

Each handler runs in a fresh interpreter, without AWS and without any environment of its own.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HEAVY = frozenset({
    "aiohttp", "boto3", "click", "cryptography", "duckdb", "matplotlib", "numpy", "pandas", "picows", "pyarrow",
    "pydantic", "pynamodb", "requests", "rich", "talib", "uvloop", "websockets",
})  # fmt: skip
"""Everything worth a thought; botocore is not in it, because Powertools itself loads it."""

AT_IMPORT = frozenset[str]()
"""Nothing heavy at all: clients and stores are made when a handler first needs them."""

LOOKOUT = "w.lookout(market); w.leases; w.signals; w.passes; w.news"
DESK = "w.desk(market, 'me', 1); w.quotes(market)"
USES = {
    "safety_filter": (LOOKOUT, {"pynamodb", "requests"}),
    "batch_scan": (LOOKOUT, {"pynamodb", "requests"}),
    "rank": (LOOKOUT, {"pynamodb", "requests"}),
    "worker": (DESK, {"pynamodb", "requests"}),
    "sweep": (DESK, {"pynamodb", "requests"}),
    "liquidate": (DESK, {"pynamodb", "requests"}),
    "notify": ("w.notifiers; w.cooldowns; w.picture", set()),
    "alarm": ("w.notifiers", set()),
    "daily_summary": ("w.shelf; w.ledger; w.alerts; w.settings; w.policy(market)", {"pynamodb"}),
}

PROGRAM = """
import importlib, json, sys
importlib.import_module("functions.{name}")
first = [module for module in {heavy!r} if module in sys.modules]
from core.adapters.wiring import Wiring
from core.domain.values import Market
tables = dict.fromkeys(("HOGA_LOCKS_TABLE", "HOGA_LEDGER_TABLE", "HOGA_STATE_TABLE", "HOGA_PAPER_TABLE"), "t")
queues = dict.fromkeys(("HOGA_SIGNALS_QUEUE", "HOGA_ALERTS_QUEUE", "HOGA_PASSES_QUEUE", "HOGA_BUS"), "http://q")
access = {{"AWS_REGION": "ap-northeast-2", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}}
w = Wiring({{"HOGA_SETTINGS": "settings.yaml", "HOGA__MARKETS__KRX__ENABLED": "true", "HOGA_STAGE": "dev", **tables, **queues, **access}})
market = Market("{market}")
w.told = lambda market: {{}}  # what a venue told of its days is in a table, and there is none here
{use}
print(json.dumps([first, [module for module in {heavy!r} if module in sys.modules]]))
"""


def loaded(name, market):
    program = PROGRAM.format(name=name, market=market, use=USES[name][0], heavy=sorted(HEAVY))
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    first, then = json.loads(run.stdout)
    return set(first), set(then)


def test_the_list_has_every_function_of_the_folder():
    files = {path.stem for path in (ROOT / "functions").glob("*.py") if not path.stem.startswith("_")}

    assert files == set(USES)


@pytest.mark.parametrize("market", ["upbit", "krx"])
@pytest.mark.parametrize("name", USES)
def test_a_handler_loads_only_what_its_list_allows(name, market):
    """A market with app keys costs no more: keys are read, and notices decrypted, when the first of them is needed."""
    first, then = loaded(name, market)

    assert first == AT_IMPORT
    assert then == USES[name][1]


def test_importing_a_handler_needs_no_variable_of_ours():
    """The environment is read when a call comes, so that a missing variable is an error with a name."""
    program = "import os; os.environ.clear(); import " + ", ".join(f"functions.{name}" for name in USES)
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)

    assert run.returncode == 0, run.stderr


def test_no_handler_is_longer_than_a_screen():
    """10 to 20 lines of code: decode, call, log, answer."""
    for path in (ROOT / "functions").glob("[a-z]*.py"):
        body = path.read_text().partition("\njob = ")[2]
        assert len([line for line in body.splitlines() if line.strip()]) <= 25, path.name
