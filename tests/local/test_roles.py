"""Each function runs under its own deployed role: what it needs is allowed, what it does not is refused (I1).

A probe takes each function's place: it makes the one AWS call that it is told to, under that function's role.
"""

import io
import zipfile
from typing import Any

import pytest

from core.local import template
from core.local.stack import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

FUNCTIONS = ("SafetyFilter", "BatchScan", "Rank", "Worker", "Sweep", "Liquidate", "Notify", "DailySummary")
ALL = (*FUNCTIONS, "Alarm")
"""The alarm function shares nothing with the others: it must get through when all of that is down."""
TRADING = ("Worker", "Sweep", "Liquidate")
READING = {"BatchScan": "PassesQueue", "Worker": "SignalsQueue", "Notify": "AlertsQueue"}
"""Who is fed by a queue, and which."""

SIGNING = ("SafetyFilter", "BatchScan", "Rank", *TRADING)

PROBE = """
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    try:
        getattr(boto3.client(event["service"]), event["operation"])(**event["arguments"])
    except ClientError as refused:
        return refused.response["Error"]["Code"]
    return "ok"
"""
REFUSED = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
PASSING = {"ok", "ConditionalCheckFailedException", "ValidationException", "ParameterNotFound"}
"""Answers that come only after the role has been checked."""


def probe_archive(handlers: list[str]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("probe.py", PROBE)
        archive.writestr("functions/__init__.py", "")
        for handler in handlers:
            module = handler.rsplit(".", 1)[0].replace(".", "/")
            archive.writestr(f"{module}.py", "from probe import handler\n")
    return sink.getvalue()


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory):
    """The deployed stack with a probe in place of every function's code; its own, as the code is changed."""
    folder = tmp_path_factory.mktemp("roles")
    settings = folder / "settings.yaml"
    settings.write_text("{}")
    with Stack.start(settings, log=folder / "aws.log") as stack:
        functions = template.functions(template.load())
        archive = probe_archive([properties["Handler"] for properties in functions.values()])
        stack.secret("telegram_token", "canary")
        for function in functions:
            stack.client("lambda").update_function_code(
                FunctionName=stack.outputs[f"{function}Function"], ZipFile=archive
            )
        yield stack


def ask(stack: Stack, function: str, service: str, operation: str, **arguments: Any) -> str:
    found: str = stack.invoke(function, {"service": service, "operation": operation, "arguments": arguments})
    return found


def get(stack: Stack, table: str) -> dict[str, Any]:
    key = {"key": {"S": "probe"}} if table == "LocksTable" else {"pk": {"S": "probe"}, "sk": {"S": "probe"}}
    return {"TableName": stack.outputs[table], "Key": key}


def put(stack: Stack, table: str) -> dict[str, Any]:
    found = get(stack, table)
    return {"TableName": found["TableName"], "Item": found["Key"]}


def test_the_probe_covers_every_function_of_the_template():
    assert set(ALL) == set(template.functions(template.load()))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_may_read_and_write_the_state_it_shares(probed, function):
    assert ask(probed, function, "dynamodb", "get_item", **get(probed, "StateTable")) in PASSING
    assert ask(probed, function, "dynamodb", "put_item", **put(probed, "StateTable")) in PASSING


@pytest.mark.parametrize("function", TRADING)
def test_what_trades_may_write_the_lock_the_ledger_and_the_paper_log(probed, function):
    changed = {
        **get(probed, "LocksTable"),
        "UpdateExpression": "SET fence = :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }

    assert ask(probed, function, "dynamodb", "update_item", **changed) in PASSING
    assert ask(probed, function, "dynamodb", "put_item", **put(probed, "LedgerTable")) in PASSING
    assert ask(probed, function, "dynamodb", "put_item", **put(probed, "PaperTable")) in PASSING


def test_notify_may_read_the_secrets_of_its_own_stage(probed):
    assert ask(probed, "Notify", "ssm", "get_parameter", Name="/hoga/local/telegram_token", WithDecryption=True) == "ok"


@pytest.mark.parametrize("function", ALL)
def test_no_function_may_delete_a_lock_or_drop_a_table(probed, function):
    """E1: the lock item is never deleted."""
    assert ask(probed, function, "dynamodb", "delete_item", **get(probed, "LocksTable")) in REFUSED
    for table in ("LocksTable", "LedgerTable", "StateTable", "PaperTable"):
        assert ask(probed, function, "dynamodb", "delete_table", TableName=probed.outputs[table]) in REFUSED


@pytest.mark.parametrize("function", [name for name in ALL if name not in TRADING])
def test_what_does_not_trade_writes_no_lock_no_ledger_and_no_paper_log(probed, function):
    for table in ("LocksTable", "LedgerTable", "PaperTable"):
        assert ask(probed, function, "dynamodb", "put_item", **put(probed, table)) in REFUSED, table


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name != "Notify"])
def test_only_notify_reads_the_secrets_of_the_chat_services(probed, function):
    assert ask(probed, function, "ssm", "get_parameter", Name="/hoga/local/telegram_token") in REFUSED


@pytest.mark.parametrize("function", ALL)
def test_who_signs_calls_reads_app_keys_and_nobody_else_does(probed, function):
    """E12."""
    answer = ask(probed, function, "ssm", "get_parameter", Name="/hoga/local/kis_app_key")

    assert answer in (PASSING if function in SIGNING else REFUSED)


def test_the_alarm_function_reads_the_chat_secrets_and_touches_no_table_and_no_queue(probed):
    """F5: an alarm must get through when tables and queues do not answer."""
    assert ask(probed, "Alarm", "ssm", "get_parameter", Name="/hoga/local/telegram_token", WithDecryption=True) == "ok"
    for table in ("LocksTable", "LedgerTable", "StateTable", "PaperTable"):
        assert ask(probed, "Alarm", "dynamodb", "get_item", **get(probed, table)) in REFUSED
    assert (
        ask(probed, "Alarm", "sqs", "send_message", QueueUrl=probed.outputs["AlertsQueue"], MessageBody="{}") in REFUSED
    )


def test_notify_reads_no_secret_of_another_stage_and_sends_no_signal(probed):
    assert ask(probed, "Notify", "ssm", "get_parameter", Name="/hoga/prod/telegram_token") in REFUSED
    signal = {
        "QueueUrl": probed.outputs["SignalsQueue"],
        "MessageBody": "{}",
        "MessageGroupId": "g",
        "MessageDeduplicationId": "d",
    }
    assert ask(probed, "Notify", "sqs", "send_message", **signal) in REFUSED


@pytest.mark.parametrize("function", ALL)
def test_no_function_may_start_another_change_a_role_or_purge_a_queue(probed, function):
    other = probed.outputs["WorkerFunction"]

    assert ask(probed, function, "lambda", "invoke", FunctionName=other) in REFUSED
    assert ask(probed, function, "iam", "list_roles") in REFUSED
    assert ask(probed, function, "s3", "get_object", Bucket="hoga-code", Key="functions.zip") in REFUSED
    assert ask(probed, function, "sqs", "purge_queue", QueueUrl=probed.outputs["SignalsQueue"]) in REFUSED


@pytest.mark.parametrize("function", ALL)
def test_who_is_fed_by_a_queue_may_empty_that_one_and_nobody_any_other(probed, function):
    for queue in READING.values():
        answer = ask(probed, function, "sqs", "receive_message", QueueUrl=probed.outputs[queue])
        assert answer in ({"ok"} if READING.get(function) == queue else REFUSED), queue


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("queue", ["SignalsDeadLetters", "AlertsDeadLetters", "JobsDeadLetters"])
def test_the_sweep_counts_dead_letters_without_taking_one_and_nobody_else_does_either(probed, function, queue):
    """F5."""
    where = {"QueueUrl": probed.outputs[queue]}
    counted = ask(probed, function, "sqs", "get_queue_attributes", **where, AttributeNames=["All"])

    assert counted in ({"ok"} if function == "Sweep" else REFUSED)
    assert ask(probed, function, "sqs", "receive_message", **where) in REFUSED


@pytest.mark.parametrize("function", ["BatchScan", "Worker", "Liquidate", "DailySummary", "Notify"])
def test_who_raises_no_signals_may_not_send_one(probed, function):
    signal = {
        "QueueUrl": probed.outputs["SignalsQueue"],
        "MessageBody": "{}",
        "MessageGroupId": "g",
        "MessageDeduplicationId": "d",
    }
    assert ask(probed, function, "sqs", "send_message", **signal) in REFUSED
