"""The embedded AWS with the template deployed (I1, I3; DESIGN section 6)."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from core.domain.errors import Misconfigured, Refused, Transient
from core.local import server as module
from core.local import template
from core.local.cloud import VARIABLES
from core.local.processes import alive, free_port
from core.local.stack import Stack

pytestmark = pytest.mark.cloud

ECHO = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Echo": {
            "Type": "AWS::Serverless::Function",
            "Metadata": {"BuildMethod": "makefile"},
            "Properties": {"Handler": "core.domain.values.Instrument", "Runtime": "python3.13", "CodeUri": ".build/"},
        }
    },
    "Outputs": {"EchoFunction": {"Value": {"Ref": "Echo"}}},
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "settings.yaml"
    path.write_text("{}\n")
    return path


@pytest.fixture(scope="module")
def deployed(settings: Path, tmp_path_factory: pytest.TempPathFactory):
    with Stack.start(settings, log=tmp_path_factory.mktemp("aws") / "aws.log") as stack:
        yield stack


def test_the_template_deploys_and_names_every_table_queue_and_function(deployed):
    functions = template.functions(template.load())

    assert {f"{name}Function" for name in functions} <= set(deployed.outputs)
    assert set(VARIABLES.values()) <= set(deployed.outputs)


def test_the_tables_queues_and_bus_that_the_environment_names_are_there(deployed):
    given = deployed.environment()

    tables = deployed.client("dynamodb").list_tables()["TableNames"]
    assert {given[name] for name in given if name.endswith("_TABLE")} <= set(tables)
    for name in (name for name in given if name.endswith("_QUEUE")):
        deployed.client("sqs").get_queue_attributes(QueueUrl=given[name])
    assert given["HOGA_BUS"] in [bus["Name"] for bus in deployed.client("events").list_event_buses()["EventBuses"]]


def test_its_own_schedules_sleep_because_it_would_fire_them_in_another_zone(deployed):
    schedules = deployed.client("scheduler").list_schedules()["Schedules"]

    assert schedules
    assert {schedule["State"] for schedule in schedules} == {"DISABLED"}


def test_it_listens_on_the_loopback_only(deployed):
    """aws.md 2.2: it runs uploaded code, so nobody else may reach it."""
    port = deployed.endpoint.rsplit(":", 1)[1]
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if " 0A " in line]

    assert f"0100007F:{int(port):04X}" in listening
    assert f"00000000:{int(port):04X}" not in listening


def test_two_stacks_at_once_do_not_meet(deployed, settings, tmp_path):
    with Stack.start(settings, log=tmp_path / "aws.log") as other:
        assert other.endpoint != deployed.endpoint
        other.client("sqs").send_message(QueueUrl=other.outputs["JobsDeadLetters"], MessageBody="x")

        assert "Messages" not in deployed.client("sqs").receive_message(QueueUrl=deployed.outputs["JobsDeadLetters"])


def test_closing_leaves_no_process_and_no_scratch_folder(settings, tmp_path):
    stack = Stack.start(settings, log=tmp_path / "aws.log")
    stack.close()

    assert not alive(stack.server.pid)
    assert [path.name for path in tmp_path.iterdir()] == ["aws.log"]


def test_killing_the_program_that_started_it_leaves_no_process(settings, tmp_path):
    """Issue: no process left behind, SIGKILL included."""
    script = f"""
import time
from pathlib import Path
from core.local.stack import Stack
stack = Stack.start(Path({str(settings)!r}), log=Path({str(tmp_path / "aws.log")!r}))
print(stack.server.pid, stack.endpoint, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid, endpoint = parent.stdout.readline().split()
    assert requests.get(f"{endpoint}/_ministack/health", timeout=5).ok

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    assert gone(int(pid))


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or ") Z" in status.read_text():
            return True
        time.sleep(0.02)
    return False


def test_a_port_lost_to_someone_else_is_chosen_again(settings, tmp_path, monkeypatch, deployed):
    taken = int(deployed.endpoint.rsplit(":", 1)[1])
    offered = iter([taken, taken])
    monkeypatch.setattr(module, "free_port", lambda: next(offered, None) or free_port())

    with Stack.start(settings, log=tmp_path / "aws.log") as stack:
        assert stack.endpoint != deployed.endpoint
        assert stack.outputs


def test_a_server_that_never_starts_is_told_with_its_last_words(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    monkeypatch.setattr(module, "TRIES", 1)

    with pytest.raises((Transient, Refused)):
        Stack.start(settings, log=tmp_path / "aws.log")


def test_a_template_that_is_not_there_is_told_by_name(settings, tmp_path):
    with pytest.raises(Misconfigured, match="nowhere"):
        Stack.start(settings, log=tmp_path / "aws.log", source=tmp_path / "nowhere.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["aws.log"]


def test_a_failing_function_is_told_with_its_own_error(settings, tmp_path):
    source = tmp_path / "echo.json"
    source.write_text(json.dumps(ECHO))

    with (
        Stack.start(settings, log=tmp_path / "aws.log", source=source) as stack,
        pytest.raises(Refused, match="Echo failed"),
    ):
        stack.invoke("Echo", {})


def test_a_template_that_does_not_deploy_says_which_resource_failed(settings, tmp_path):
    broken = {
        **ECHO,
        "Resources": {
            **ECHO["Resources"],
            "Odd": {
                "Type": "AWS::SQS::Queue",
                "Properties": {"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Missing", "Arn"]}}},
            },
        },
    }
    source = tmp_path / "broken.json"
    source.write_text(json.dumps(broken))

    with pytest.raises(Refused, match="Odd"):
        Stack.start(settings, log=tmp_path / "aws.log", source=source)
    assert not list(tmp_path.glob("*.d"))
