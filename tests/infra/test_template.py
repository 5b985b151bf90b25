"""Facts of template.yaml that a reviewer would otherwise have to look for (I1)."""

import re
from pathlib import Path

import pytest

from core.local import template as templates

ROOT = Path(__file__).parents[2]
TEMPLATE = templates.load(ROOT / "template.yaml")
RESOURCES = TEMPLATE["Resources"]
FUNCTIONS = templates.functions(TEMPLATE)
SECRET = re.compile(r"(?i)(token|secret|password|webhook|key)\b")


def of(kind):
    return {name: body.get("Properties", {}) for name, body in RESOURCES.items() if body["Type"] == kind}


def statements(function):
    return [statement for policy in function["Policies"] for statement in policy["Statement"]]


def schedules():
    return [
        pytest.param(event["Properties"], id=f"{name}-{label}")
        for name, function in FUNCTIONS.items()
        for label, event in function["Events"].items()
        if event["Type"] == "ScheduleV2"
    ]


def feeds():
    return [
        (name, function, event["Properties"])
        for name, function in FUNCTIONS.items()
        for event in function["Events"].values()
        if event["Type"] == "SQS"
    ]


def test_every_function_of_the_design_is_there_and_every_file_of_functions_is_deployed():
    handlers = {function["Handler"] for function in FUNCTIONS.values()}
    files = {
        f"functions.{path.stem}.handler" for path in (ROOT / "functions").glob("*.py") if not path.stem.startswith("_")
    }
    assert handlers == files
    assert len(handlers) >= 8


def test_every_queue_that_is_read_has_a_dead_letter_queue_of_its_kind():
    queues = of("AWS::SQS::Queue")
    for name, queue in queues.items():
        if name.endswith("DeadLetters"):
            assert queue["MessageRetentionPeriod"] == 14 * 86_400
            continue
        target = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        assert queues[target].get("FifoQueue", False) == queue.get("FifoQueue", False)


def test_a_queue_hides_a_message_for_six_times_its_readers_time_out():
    default = TEMPLATE["Globals"]["Function"]["Timeout"]
    for _, function, event in feeds():
        queue = RESOURCES[event["Queue"]["Fn::GetAtt"][0]]["Properties"]
        assert queue["VisibilityTimeout"] >= 6 * function.get("Timeout", default)
        assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("schedule", schedules())
def test_every_schedule_is_in_korean_time_with_bounded_retries_and_a_dead_letter_queue(schedule):
    assert schedule["ScheduleExpressionTimezone"] == "Asia/Seoul"
    assert schedule["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert schedule["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0].endswith("DeadLetters")
    assert "<aws.scheduler.scheduled-time>" in schedule["Input"]


def test_no_function_may_do_everything_or_touch_everything():
    for function in FUNCTIONS.values():
        for statement in statements(function):
            assert "*" not in str(statement["Action"])
            assert statement["Resource"] != "*"


def test_only_notify_reads_secrets_and_only_traders_write_locks():
    readers = {name for name, f in FUNCTIONS.items() if any("ssm:GetParameter" in s["Action"] for s in statements(f))}
    writers = {
        name
        for name, f in FUNCTIONS.items()
        for s in statements(f)
        if "dynamodb:UpdateItem" in s["Action"] and s["Resource"] == {"Fn::GetAtt": ["LocksTable", "Arn"]}
    }
    assert readers == {"Notify"}
    assert writers == {"Worker", "Sweep", "Liquidate"}


def test_a_lock_item_can_be_deleted_by_nobody_and_by_no_clock():
    """Invariant 11 of the lock protocol: the fence must grow for ever."""
    locks = RESOURCES["LocksTable"]
    assert "TimeToLiveSpecification" not in locks["Properties"]
    assert locks["DeletionPolicy"] == locks["UpdateReplacePolicy"] == "Retain"
    for function in FUNCTIONS.values():
        for statement in statements(function):
            if statement["Resource"] == {"Fn::GetAtt": ["LocksTable", "Arn"]}:
                assert not {"dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:PutItem"} & set(
                    statement["Action"]
                )


def test_tables_that_hold_money_are_kept_and_can_be_restored():
    for name in ("LocksTable", "LedgerTable", "PaperTable"):
        table = RESOURCES[name]
        assert table["DeletionPolicy"] == "Retain"
        assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def test_every_function_writes_to_a_log_group_that_ages_out():
    for name, function in FUNCTIONS.items():
        group = RESOURCES[function["LoggingConfig"]["LogGroup"]["Ref"]]["Properties"]
        assert group["RetentionInDays"] == {"Ref": "LogDays"}, name


def test_no_parameter_or_variable_carries_a_secret():
    for name, parameter in TEMPLATE["Parameters"].items():
        assert not (SECRET.search(name) and parameter.get("Default"))
    for name, value in TEMPLATE["Globals"]["Function"]["Environment"]["Variables"].items():
        assert not SECRET.search(name), (name, value)


def test_a_failed_run_is_not_repeated_later_and_lands_in_a_dead_letter_queue():
    config = TEMPLATE["Globals"]["Function"]["EventInvokeConfig"]
    assert config["MaximumRetryAttempts"] == 0
    assert config["MaximumEventAgeInSeconds"] == 60
    assert config["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
