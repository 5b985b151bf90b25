"""What `hoga plan` reckons for metrics is what the code can write: CloudWatch takes money for each name, hour by hour."""

import ast
import re

import pytest

from core.local.costs import book
from core.local.template import ROOT, functions, load

HABITS = book().habits
SERVICES = {body["Handler"].split(".")[1]: body for body in functions(load()).values()}
TRADERS = ("worker", "sweep", "liquidate")
NAME = re.compile(r"[A-Z][a-z]+(?:[A-Z0-9][A-Za-z0-9]*)*")


def calls(path, *names):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
            yield node


def counted(file, *names):
    """(over all markets?, metric) of every figure that a file of functions writes."""
    for call in calls(ROOT / "functions" / f"{file}.py", *names):
        everywhere = getattr(call.args[0], "id", "") == "EVERYWHERE"
        yield from ((everywhere, keyword.arg) for keyword in call.keywords if keyword.arg)


def streamers():
    """Keys of the dictionaries that become metric lines, by file."""
    found = {}
    for name in ("counts", "figures"):
        tree = ast.parse((ROOT / "streamer" / f"{name}.py").read_text())
        keys = (
            key.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Dict)
            for key in node.keys
            if isinstance(key, ast.Constant)
        )
        found[name] = {key for key in keys if NAME.fullmatch(key)}
    return found  # fmt: skip


def test_what_is_written_over_all_markets_is_counted_exactly():
    beating = [
        name for name, body in SERVICES.items() if any(e["Type"] == "ScheduleV2" for e in body["Events"].values())
    ]
    gauges = [metric for everywhere, metric in counted("_swept", "gauge") if everywhere]
    assert [one for one in counted("_runtime", "count") if one[0]] == [(True, "Beats")]
    assert HABITS["metrics_shared"] == len(beating) + len(gauges)


def test_a_markets_figures_of_the_functions_lie_between_a_quiet_days_and_all_that_there_are():
    """`traded` and `delivered` are written under the name of whoever trades or tells."""
    shared = [metric for everywhere, metric in counted("_runtime", "count") if not everywhere]
    told = [metric for metric in shared if metric.startswith("Alerts")]
    own = [m for name in (*SERVICES, "_swept") for everywhere, m in counted(name, "count") if not everywhere]
    most = len(own) + len(told) + (len(shared) - len(told)) * len(TRADERS)
    assert len(own) / 2 < HABITS["metrics_market"] <= most == 24


def test_a_markets_figures_of_the_streamer_lie_between_what_it_always_writes_and_all_that_there_are():
    """Counts of what did not happen are not written: Frames, two latencies and the figures always are."""
    found = streamers()
    always = {"Frames", "LatencyP50", "LatencyP99"} | found["figures"]
    assert len(always) < HABITS["metrics_streamer"] < len(found["counts"] | found["figures"]) == 30


@pytest.mark.parametrize("name", ["infra/alarms.yaml", "infra/dashboard.yaml"])
def test_every_metric_of_ours_that_an_alarm_or_the_dashboard_shows_is_written_by_something(name):
    text = (ROOT / name).read_text()
    asked = set(re.findall(r'MetricName=\\"(\w+)\\"', text)) | set(re.findall(r"^ +MetricName: (\w+)$", text, re.M))
    asked |= set(re.findall(r'\["(?:hoga/\$\{Stage\}|\.)", "(\w+)"', text))
    written = {m for path in (ROOT / "functions").glob("*.py") for _, m in counted(path.stem, "count", "gauge")}
    aws = re.compile(r"Approximate\w+|Consumed\w+|Errors|Throttles|Invocations|Duration|IncomingBytes")
    ours = {metric for metric in asked if not aws.fullmatch(metric)}
    assert ours
    assert ours <= written | set().union(*streamers().values())
