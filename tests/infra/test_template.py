"""Facts of template.yaml that a reviewer would otherwise have to look for (I1)."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from core.adapters.gate import OPT_IN
from core.domain.policies import AccountPolicy, KeyPolicy, NotifyPolicy
from core.domain.values import Market
from core.local import template as templates
from core.settings.tree import ACCOUNTS
from functions._runtime import asked

ROOT = Path(__file__).parents[2]
TEMPLATE = templates.load(ROOT / "template.yaml")
RESOURCES = TEMPLATE["Resources"]
FUNCTIONS = templates.functions(TEMPLATE)
SECRET = re.compile(r"(?i)(token|secret|password|webhook|key)\b")


def of(kind):
    return {name: body.get("Properties", {}) for name, body in RESOURCES.items() if body["Type"] == kind}


def statements(name):
    return templates.statements(name, TEMPLATE)


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


def test_the_sweep_alone_counts_every_dead_letter_queue():
    """F5: it knows each by its address and may ask how full it is, and nothing more."""
    dead = {name for name in of("AWS::SQS::Queue") if name.endswith("DeadLetters")}
    variables = FUNCTIONS["Sweep"]["Environment"]["Variables"]
    assert {value["Ref"] for name, value in variables.items() if name.endswith("_DEAD")} == dead
    counting = [
        (name, one) for name in FUNCTIONS for one in statements(name) if one["Action"] == ["sqs:GetQueueAttributes"]
    ]
    ((name, statement),) = counting
    assert name == "Sweep"
    assert {place["Fn::GetAtt"][0] for place in statement["Resource"]} == dead


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


def test_the_schedule_before_a_market_opens_does_nothing_for_the_others_nor_where_that_market_is_off():
    """A market that is switched off costs nothing."""
    event = FUNCTIONS["SafetyFilter"]["Events"]["BeforeKrx"]["Properties"]["Input"]
    named = json.loads(event)["market"]
    assert asked({"market": named}, [Market.UPBIT, Market.KRX]) == [Market.KRX]
    assert asked({"market": named}, [Market.UPBIT]) == []


def test_no_function_may_do_everything_or_touch_everything():
    for name in FUNCTIONS:
        for statement in statements(name):
            assert "*" not in str(statement["Action"])
            assert statement["Resource"] != "*"


def test_every_function_has_a_role_of_its_own_that_nothing_is_added_to():
    """SAM would give each one that may write to every log group, and those with a queue one that may empty every queue.

    Only what is sent through the fixed address needs the network's managed policy.
    """
    roles = {name: function["Role"]["Fn::GetAtt"][0] for name, function in FUNCTIONS.items()}
    assert roles == {name: f"{name}Role" for name in FUNCTIONS}
    added = {name: RESOURCES[role]["Properties"].get("ManagedPolicyArns") for name, role in roles.items()}
    assert {name for name, arns in added.items() if arns} == TRADERS
    assert all(added[name]["Fn::If"][0] == "WithEgress" for name in TRADERS)
    assert all(added[name]["Fn::If"][2] == {"Ref": "AWS::NoValue"} for name in TRADERS)


def test_each_reader_may_take_from_its_own_queue_alone():
    taking = [(name, one) for name in FUNCTIONS for one in statements(name) if "sqs:ReceiveMessage" in one["Action"]]
    assert {name: one["Resource"] for name, one in taking} == {name: event["Queue"] for name, _, event in feeds()}
    assert len(taking) == len(feeds())


def test_every_function_may_write_its_own_log_and_lay_what_failed_into_the_dead_letters():
    for name, function in FUNCTIONS.items():
        logs, dead, *_ = statements(name)
        assert logs["Resource"] == {"Fn::GetAtt": [function["LoggingConfig"]["LogGroup"]["Ref"], "Arn"]}
        assert dead == {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": {"Fn::GetAtt": ["JobsDeadLetters", "Arn"]}}  # fmt: skip


SIGNERS = {"SafetyFilter", "BatchScan", "Rank", "Worker", "Sweep", "Liquidate"}
TRADERS = {"Worker", "Sweep", "Liquidate"}


def secrets_of(name):
    """Last parts of the parameters that a function may read."""
    places = [s["Resource"] for s in statements(name) if "ssm:GetParameter" in s["Action"]]
    flat = [one for place in places for one in (place if isinstance(place, list) else [place])]
    return {str(one["Fn::Sub"]).partition("parameter/hoga/${Stage}/")[2] for one in flat}


def test_each_function_reads_only_the_secrets_that_it_uses():
    """Who asks a venue that wants to know who asks signs; alerts have secrets of their own (E12, least privilege)."""
    readers = {name: found for name in FUNCTIONS if (found := secrets_of(name))}

    trade = {"kis_*", "upbit_*", "binance_*"}
    assert readers == {
        **{name: {"kis_*"} for name in SIGNERS - TRADERS},
        **dict.fromkeys(TRADERS, trade),
        **{name: {"telegram_*", "discord_*"} for name in ("Notify", "Alarm")},
    }


def test_the_secrets_that_settings_name_by_default_can_be_read_by_those_who_need_them():
    notify, keys, account = NotifyPolicy(), KeyPolicy(), AccountPolicy(url="https://x")
    alerts = (notify.telegram.secret, notify.discord.secret)
    signing = (keys.app_key, keys.app_secret, account.key.app_key, account.key.app_secret)

    assert all(any(fnmatch(name, one) for one in secrets_of("Notify")) for name in alerts)
    assert all(fnmatch(name, "kis_*") for name in (*signing, account.number, account.hts_id))


def test_the_secrets_of_coin_accounts_can_be_read_by_those_who_trade():
    for account in (usual for market in ACCOUNTS.values() for usual in market.values()):
        for name in (account["number"], account["key"]["app_key"], account["key"]["app_secret"]):
            assert all(any(fnmatch(name, one) for one in secrets_of(trader)) for trader in TRADERS), name


def test_whoever_signs_keeps_the_shared_tokens_in_the_state_table():
    """E12: one token for everybody, so everybody who signs reads and writes it."""
    for name in SIGNERS:
        actions = {
            action
            for statement in statements(name)
            if statement["Resource"] == {"Fn::GetAtt": ["StateTable", "Arn"]}
            for action in statement["Action"]
        }
        assert {"dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:PutItem"} <= actions, name


def test_only_traders_write_locks():
    writers = {
        name
        for name in FUNCTIONS
        for s in statements(name)
        if "dynamodb:UpdateItem" in s["Action"] and s["Resource"] == {"Fn::GetAtt": ["LocksTable", "Arn"]}
    }
    assert writers == TRADERS


def test_the_second_opt_in_of_live_trading_is_empty_and_given_to_traders_only():
    """E9: nobody deploys live trading by leaving something as it is."""
    assert TEMPLATE["Parameters"]["LiveAccount"]["Default"] == ""
    told = {
        name: function["Environment"]["Variables"][OPT_IN]
        for name, function in FUNCTIONS.items()
        if OPT_IN in function.get("Environment", {}).get("Variables", {})
    }
    assert told == {name: {"Ref": "LiveAccount"} for name in TRADERS}
    assert OPT_IN not in TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]


def test_a_lock_item_can_be_deleted_by_nobody_and_by_no_clock():
    """Invariant 11 of the lock protocol: the fence must grow for ever."""
    locks = RESOURCES["LocksTable"]
    assert "TimeToLiveSpecification" not in locks["Properties"]
    assert locks["DeletionPolicy"] == locks["UpdateReplacePolicy"] == "Retain"
    for name in FUNCTIONS:
        for statement in statements(name):
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
