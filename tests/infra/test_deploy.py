"""The real `sam deploy` into an embedded AWS: what is written down for AWS is what AWS would be given (I1, I2)."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.local import apart, package
from core.local import template as templates
from core.local.cloud import LOGIN, REGION, Cloud
from core.local.processes import Children, clean
from core.local.server import serve
from core.local.stack import NOBODY

pytestmark = [pytest.mark.slow, pytest.mark.cloud]

ROOT = Path(__file__).parents[2]
HOGA = Path(sys.executable).parent / "hoga"
SETTINGS = """
stage: dev
markets:
  upbit:
    rest: {url: "http://127.0.0.1:1", backoff_s: [0.01], connect_s: 0.2}
    stream: {url: "ws://127.0.0.1:1"}
    scan: {tries: 1}
"""
PARAMETERS = "Stage=dev LogDays=14 StreamerImage=registry/hoga:1 StreamerHours=krx AlarmEmail=owner@example.test"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """The project as a user has it after `make build`, only with code that runs here, deployed by `sam deploy`."""
    root = tmp_path_factory.mktemp("project")
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copyfile(ROOT / name, root / name)
    shutil.copytree(ROOT / "infra", root / "infra")
    (root / "settings.yaml").write_text(SETTINGS)
    for folder in ("functions", "pictures"):
        package.build(root / ".build" / folder, root / "settings.yaml", root=ROOT)
    with Children() as children:
        folder = root / "aws"
        folder.mkdir()
        _, endpoint = serve(children, {**NOBODY}, root / "aws.log", folder, auth=True)
        env = {**clean(os.environ), **LOGIN, "AWS_ENDPOINT_URL": endpoint, "SAM_CLI_TELEMETRY": "0", "HOME": str(root)}
        yield Project(root, env, *run(root, env, "deploy", "--no-confirm-changeset", "--no-progressbar"))


class Project:
    def __init__(self, root, env, code, said):
        self.root, self.env, self.code, self.said = root, env, code, said

    def client(self, service):
        return Cloud(self.env["AWS_ENDPOINT_URL"], {}, self.root, "dev").client(service)

    @property
    def outputs(self):
        (stack,) = self.client("cloudformation").describe_stacks(StackName="hoga-dev")["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}

    def hoga(self, *arguments):
        done = subprocess.run([str(HOGA), *arguments], cwd=self.root, env=self.env, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr


def run(root, env, *arguments):
    command = [str(apart.sam(ROOT)), *arguments, "--parameter-overrides", PARAMETERS]
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_the_template_is_valid_by_sams_own_words(tmp_path):
    env = {**clean(os.environ), **LOGIN, "SAM_CLI_TELEMETRY": "0", "HOME": str(tmp_path)}
    done = subprocess.run(
        [str(apart.sam(ROOT)), "validate", "--lint", "--template", str(ROOT / "template.yaml"), "--region", REGION],
        env=env, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_sam_deploy_ends_well_with_every_part_of_the_template_switched_on(deployed):
    assert deployed.code == 0, deployed.said[-3000:]
    names = {stack["StackName"] for stack in deployed.client("cloudformation").list_stacks()["StackSummaries"]}
    for part in ("AlarmsStack", "DashboardStack", "StreamerStack"):
        assert any(name.startswith(f"hoga-dev-{part}") for name in names)


def test_every_alarm_arrives_whole_though_the_file_writes_what_they_share_only_once(deployed):
    """CloudFormation reads no YAML anchors: `sam deploy` must have written them out."""
    written = templates.load(ROOT / "infra" / "alarms.yaml")["Resources"]
    found = {one["AlarmName"]: one for one in deployed.client("cloudwatch").describe_alarms()["MetricAlarms"]}
    assert set(found) == {f"hoga-dev-{name}" for name in written}
    for name, body in written.items():
        alarm, wanted = found[f"hoga-dev-{name}"], body["Properties"]
        same = ("MetricName", "Period", "Threshold", "ComparisonOperator", "TreatMissingData", "EvaluationPeriods")
        assert {key: alarm[key] for key in same} == {key: wanted[key] for key in same}
        assert alarm["Namespace"] in ("hoga/dev", wanted["Namespace"])
        assert [one["Name"] for one in alarm["Dimensions"]] == [one["Name"] for one in wanted["Dimensions"]]
        assert alarm["AlarmActions"] == [deployed.outputs["AlarmsTopic"]]


def test_the_deployed_streamer_is_read_only_and_nobody_and_its_image_is_the_one_given(deployed):
    ecs = deployed.client("ecs")
    (arn,) = ecs.list_task_definitions(familyPrefix="hoga-dev-streamer")["taskDefinitionArns"]
    task = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    (container,) = task["containerDefinitions"]
    assert (container["image"], container["user"]) == ("registry/hoga:1", "10001:10001")
    assert container["readonlyRootFilesystem"] is True


def test_every_schedule_is_deployed_awake_and_the_streamers_hours_with_them(deployed):
    schedules = deployed.client("scheduler").list_schedules()["Schedules"]
    assert len(schedules) == expected_schedules() + 2
    assert {schedule["State"] for schedule in schedules} == {"ENABLED"}


def expected_schedules():
    events = [e for f in templates.functions(templates.load()).values() for e in f["Events"].values()]
    return sum(1 for event in events if event["Type"] == "ScheduleV2")


FUNCTIONS = {body["Handler"].split(".")[1]: name for name, body in templates.functions(templates.load()).items()}


@pytest.mark.parametrize("handler", sorted(FUNCTIONS))
def test_every_handler_answers_its_sample_event_under_its_own_role(deployed, handler):
    event = json.loads((ROOT / "tests" / "events" / f"{handler}.json").read_text())
    cloud = Cloud(deployed.env["AWS_ENDPOINT_URL"], deployed.outputs, deployed.root / "settings.yaml", "dev")
    answer = cloud.invoke(FUNCTIONS[handler], event)
    assert isinstance(answer, dict)
    assert "AccessDenied" not in json.dumps(answer)


def test_the_command_line_reads_and_acts_on_the_deployed_stack(deployed):
    """I5: `hoga status --stack NAME`, with the caller's own credentials."""
    code, said, wrong = deployed.hoga("status", "--stack", "hoga-dev")
    assert (code, wrong) == (0, "")
    assert "stage dev" in said
    assert deployed.hoga("halt", "--stack", "hoga-dev", "--reason", "a test")[0] == 0
    code, said, _ = deployed.hoga("status", "--stack", "hoga-dev", "--json")
    assert json.loads(said)["halts"] == {"all": "a test"}
    assert deployed.hoga("resume", "--stack", "hoga-dev")[0] == 0
    for command in ("positions", "orders", "workers"):
        assert deployed.hoga(command, "--stack", "hoga-dev")[0] == 0


def test_a_stack_that_is_not_there_and_missing_credentials_are_told_in_a_sentence(deployed):
    code, _, wrong = deployed.hoga("status", "--stack", "nope")
    assert code == 2
    assert "there is no such stack (stack=nope" in wrong
    poor = Project(deployed.root, {k: v for k, v in deployed.env.items() if "ACCESS_KEY" not in k}, 0, "")
    poor.env |= {"AWS_EC2_METADATA_DISABLED": "true"}
    code, _, wrong = poor.hoga("status", "--stack", "hoga-dev")
    assert code == 2
    assert "needs AWS credentials" in wrong
    assert "Traceback" not in wrong
