"""Facts of the nested templates: the streamer's service, the fixed way out, the dashboard (I1)."""

import json
import re
from pathlib import Path

import pytest

from core.local import template as templates

ROOT = Path(__file__).parents[2]
PARENT = templates.load(ROOT / "template.yaml")
NESTED = {path: templates.load(ROOT / path) for path in templates.nested(PARENT)}
EVERY = {"template.yaml": PARENT, **NESTED}
STREAMER = NESTED["infra/streamer.yaml"]["Resources"]
TASK = STREAMER["Task"]["Properties"]
(CONTAINER,) = TASK["ContainerDefinitions"]


@pytest.mark.parametrize("path", NESTED)
def test_a_nested_template_is_given_exactly_the_parameters_that_it_has_no_default_for(path):
    (stack,) = [
        body for body in PARENT["Resources"].values()
        if body["Type"] == templates.NESTED and body["Properties"]["TemplateURL"] == path
    ]  # fmt: skip
    given = set(stack["Properties"].get("Parameters", {}))
    known = NESTED[path]["Parameters"]
    assert {name for name, body in known.items() if "Default" not in body} <= given <= set(known)


@pytest.mark.parametrize("path", NESTED)
def test_every_parameter_of_a_nested_template_is_used_in_it(path):
    text = (ROOT / path).read_text().partition("Resources:")[2] + (ROOT / path).read_text().partition("Conditions:")[2]
    for name in NESTED[path]["Parameters"]:
        assert re.search(rf"(!Ref {name}\b|\${{{name}}})", text), name


def of(kind):
    """(where it is, its properties) of every resource of that kind in all templates."""
    found = [(f"{path} {name}", body) for path, each in EVERY.items() for name, body in each["Resources"].items()]
    return [(place, body["Properties"]) for place, body in found if body["Type"] == kind]


def test_every_log_group_of_every_template_ages_out():
    groups = of("AWS::Logs::LogGroup")
    assert len(groups) == 10
    assert {place for place, group in groups if group["RetentionInDays"] != {"Ref": "LogDays"}} == set()


def test_no_role_of_any_template_may_do_everything_or_touch_everything():
    roles = of("AWS::IAM::Role")
    assert len(roles) == 12
    for place, role in roles:
        for policy in role.get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                assert "*" not in str(statement["Action"]), place
                assert "*" not in (statement["Resource"], *statement["Resource"]), place


def test_nothing_that_looks_like_a_secret_is_in_any_template_or_in_what_a_deploy_takes():
    """Keys and tokens are long and without a gap; the longest word that is meant to be here is a date's or an image's."""
    texts = [
        (path, str(body.get("Default", ""))) for path, each in EVERY.items() for body in each["Parameters"].values()
    ]
    texts += [("samconfig.toml", (ROOT / "samconfig.toml").read_text())]
    for place, text in texts:
        assert re.findall(r"[A-Za-z0-9+/=_-]{24,}", text) == [], place
        assert re.findall(r"(?i)\b(?:AKIA|ASIA)[A-Z0-9]{16}|PRIVATE KEY", text) == [], place


def test_what_costs_by_the_hour_is_off_until_it_is_asked_for():
    defaults = {name: body.get("Default") for name, body in PARENT["Parameters"].items()}
    assert defaults["StreamerImage"] == ""
    assert defaults["FixedEgress"] == "DISABLED"
    conditions = {name: PARENT["Resources"][name]["Condition"] for name in ("StreamerStack", "EgressStack")}
    assert conditions == {"StreamerStack": "WithStreamer", "EgressStack": "WithEgress"}


def test_the_streamer_runs_on_arm_as_nobody_on_a_file_system_it_cannot_write():
    assert TASK["RuntimePlatform"] == {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}
    assert CONTAINER["User"] == "10001:10001"
    assert CONTAINER["ReadonlyRootFilesystem"] is True
    assert CONTAINER["LinuxParameters"]["InitProcessEnabled"] is True
    (mount,) = CONTAINER["MountPoints"]
    variables = {one["Name"]: one["Value"] for one in CONTAINER["Environment"]}
    assert variables["HOGA_RUN_DIR"] == mount["ContainerPath"]


def test_the_streamer_is_told_where_it_is_and_where_everything_lies():
    """By the same names as the functions, and the region, which botocore needs before it can sign anything."""
    variables = {one["Name"]: one["Value"] for one in CONTAINER["Environment"]}
    assert variables["AWS_REGION"] == {"Ref": "AWS::Region"}
    functions = PARENT["Globals"]["Function"]["Environment"]["Variables"]
    assert set(functions) - set(variables) == {"HOGA_PASSES_QUEUE", "HOGA_BUS"}, "the scan's and the ranking's own"


def test_on_market_hours_the_clock_alone_says_how_many_run_so_a_deploy_at_night_starts_none():
    """CloudFormation sends a count that it is given with every update, and leaves one alone that it is not given."""
    count = STREAMER["Service"]["Properties"]["DesiredCount"]
    assert count == {"Fn::If": ["KrxHours", {"Ref": "AWS::NoValue"}, {"Fn::If": ["Awake", 1, 0]}]}


def test_the_health_check_reads_the_heartbeat_of_received_frames_and_not_a_port():
    assert CONTAINER["HealthCheck"]["Command"][1:4] == ["python", "-m", "streamer.health"]
    assert CONTAINER["HealthCheck"]["Command"][4].startswith("/run/hoga/")


def test_the_image_runs_as_the_user_and_with_the_health_check_of_the_service():
    dockerfile = (ROOT / "streamer" / "Dockerfile").read_text()
    assert "USER 10001:10001" in dockerfile
    (check,) = re.findall(r"HEALTHCHECK .* CMD (\[.*\])", dockerfile)
    assert json.loads(check) == CONTAINER["HealthCheck"]["Command"][1:]
    assert re.search(r"^ARG BASE=python:\d+\.\d+\.\d+-slim-\w+$", dockerfile, re.M), "the base is pinned"


def test_a_deploy_starts_the_new_task_before_it_ends_the_old_one_and_goes_back_by_itself():
    """D6: no gap on a deploy."""
    deployment = STREAMER["Service"]["Properties"]["DeploymentConfiguration"]
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (100, 200)
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert 10 < CONTAINER["StopTimeout"] <= 120


@pytest.mark.parametrize("path", ["infra/streamer.yaml", "infra/egress.yaml"])
def test_nothing_can_call_in(path):
    walls = [body for body in NESTED[path]["Resources"].values() if body["Type"] == "AWS::EC2::SecurityGroup"]
    assert walls
    for wall in walls:
        assert "SecurityGroupIngress" not in wall["Properties"]
        assert all(rule["IpProtocol"] == "tcp" for rule in wall["Properties"]["SecurityGroupEgress"])


def test_the_streamers_role_writes_no_lock_no_ledger_and_no_paper_log():
    (policy,) = STREAMER["Self"]["Properties"]["Policies"]
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement["Resource"] != "*"
        if "LocksTable" in str(statement["Resource"]) or "LedgerTable" in str(statement["Resource"]):
            assert set(statement["Action"]) <= {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"}
        assert "PaperTable" not in str(statement["Resource"])


def test_the_streamers_hours_are_in_korean_time_with_bounded_retries_and_a_dead_letter_queue():
    for name in ("Morning", "Evening"):
        schedule = STREAMER[name]["Properties"]
        assert schedule["ScheduleExpressionTimezone"] == "Asia/Seoul"
        assert schedule["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 600
        assert schedule["Target"]["DeadLetterConfig"]
    counts = [json.loads(STREAMER[n]["Properties"]["Target"]["Input"]["Fn::Sub"])["DesiredCount"] for n in ("Morning", "Evening")]  # fmt: skip
    assert counts == [1, 0]


def test_the_dashboard_is_json_and_answers_the_four_questions_of_an_owner():
    body = NESTED["infra/dashboard.yaml"]["Resources"]["Page"]["Properties"]["DashboardBody"]["Fn::Sub"]
    page = json.loads(re.sub(r"\$\{[^}]+\}", "x", body))
    questions = [one["properties"]["markdown"] for one in page["widgets"] if one["type"] == "text"]
    for asked in ("money safe", "alive", "what did it do", "cost"):
        assert any(asked in question.lower() for question in questions), asked
    spans = sorted((one["y"], one["x"], one["width"], one["height"]) for one in page["widgets"])
    for y, x, width, height in spans:
        others = [other for other in spans if other != (y, x, width, height)]
        assert not [o for o in others if o[0] < y + height and y < o[0] + o[3] and o[1] < x + width and x < o[1] + o[2]]
        assert x + width <= 24
