"""The `hoga` command: exit codes and one sentence for every error, never a traceback (I5, I6)."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import click
import pytest

from core import cli
from core.cli import entry, place
from core.cli.entry import hoga, run
from core.domain.errors import CoreError, Misconfigured, Refused, Transient, UnknownOutcome
from core.local.template import ROOT

FAULTY = """
mode: C
markets:
  upbit:
    rest: {url: "https://api.upbit.com"}
    stream: {url: "wss://api.upbit.com/websocket/v1"}
    scan: {interval_s: 0}
    exits: {stop_loss: 2}
    workers: {capital: -1}
    wach: {max_ws_subs: 10}
"""
ASKING = [
    "status",
    "positions",
    "orders",
    "workers",
    "summary",
    "locks list",
    "halt",
    "resume",
    "alert test",
    "locks release KRW-BTC",
]


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("HOGA_SETTINGS",):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("command", ASKING)
def test_what_needs_a_running_system_says_in_one_sentence_what_to_start(command, capsys):
    assert run(command.split()) == entry.REFUSED

    said = capsys.readouterr()
    assert "hoga run --feed sim" in said.err
    assert said.out == ""
    assert "Traceback" not in said.err


def test_five_faults_give_five_lines_and_exit_code_two(somewhere, capsys):
    (somewhere / "settings.yaml").write_text(FAULTY)

    assert run(["check"]) == entry.USAGE

    lines = capsys.readouterr().err.splitlines()
    faults = [line for line in lines if line.startswith("  ")]
    assert len(faults) == 5
    for key in ("mode", "scan.interval_s", "exits.stop_loss", "workers.capital", "wach"):
        assert any(key in fault for fault in faults), key


def test_five_faults_are_five_objects_in_json(somewhere, capsys):
    (somewhere / "settings.yaml").write_text(FAULTY)

    assert run(["check", "--json"]) == entry.USAGE
    assert len(json.loads(capsys.readouterr().out)["faults"]) == 5


def test_the_settings_that_come_with_the_project_are_good(capsys):
    assert run(["check"]) == entry.DONE
    assert "good" in capsys.readouterr().out


def test_an_override_from_the_environment_is_checked_too(monkeypatch, capsys):
    monkeypatch.setenv("HOGA__MARKETS__UPBIT__WATCH__MAX_WS_SUBS", "-3")

    assert run(["check"]) == entry.USAGE
    assert "max_ws_subs" in capsys.readouterr().err


def test_a_settings_file_that_is_not_there_is_named(capsys):
    assert run(["check", "nowhere.yaml"]) == entry.USAGE
    assert "nowhere.yaml" in capsys.readouterr().err


def test_a_run_with_faulty_settings_starts_nothing(somewhere, capsys):
    (somewhere / "settings.yaml").write_text(FAULTY)

    assert run(["run", "--feed", "sim"]) == entry.USAGE
    assert not (somewhere / ".hoga").exists()


@pytest.mark.parametrize(
    "wrong",
    [["nosuch"], ["run"], ["run", "--feed", "kis"], ["demo", "--seconds", "1"], ["halt", "A", "B"], ["--nosuch"]],
)
def test_wrong_usage_is_exit_code_two(wrong, capsys):
    assert run(wrong) == entry.USAGE
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("no"), entry.REFUSED),
        (Transient("later"), entry.REFUSED),
        (CoreError("odd"), entry.REFUSED),
        (Misconfigured("wrong"), entry.USAGE),
        (UnknownOutcome("who knows"), entry.UNKNOWN),
        (KeyboardInterrupt(), entry.INTERRUPTED),
    ],
)
def test_every_error_has_its_exit_code_and_its_own_words(error, code, monkeypatch, capsys):
    def fail():
        raise error

    monkeypatch.setattr(place, "site", fail)

    assert run(["status"]) == code
    said = capsys.readouterr().err
    assert error.args == () or error.args[0] in said
    assert isinstance(error, Transient) or str(error) in said


def all_commands():
    """By the name that people type."""
    context = click.Context(hoga)
    return {name: hoga.get_command(context, name) for name in hoga.list_commands(context)}


def test_help_is_told_and_every_command_has_a_line_of_it(capsys):
    assert run(["--help"]) == entry.DONE
    said = capsys.readouterr().out
    for name, command in all_commands().items():
        assert command.get_short_help_str(), name
        assert f"  {name} " in said


def test_every_module_with_commands_is_listed_with_the_names_that_it_has():
    files = [path for path in Path(cli.__file__).parent.glob("*.py") if "\nCOMMANDS = " in path.read_text()]
    found = {path.stem: tuple(c.name for c in import_module(f"core.cli.{path.stem}").COMMANDS) for path in files}
    assert found == entry.MODULES


def test_every_command_that_answers_takes_json():
    groups = [command for command in all_commands().values() if hasattr(command, "commands")]
    commands = [c for c in all_commands().values() if c not in groups] + [
        c for group in groups for c in group.commands.values()
    ]
    without = [c.name for c in commands if not any(option.name == "as_json" for option in c.params)]

    assert without == ["run"], "run shows, it does not answer"


def test_nobody_answers_where_no_exchange_is(monkeypatch, capsys):
    monkeypatch.setenv("HOGA__MARKETS__UPBIT__REST__URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HOGA__MARKETS__UPBIT__REST__BACKOFF_S", "[0.01]")

    assert run(["scan"]) == entry.REFUSED
    assert "Traceback" not in capsys.readouterr().err


def test_a_folder_that_cannot_be_used_is_told_and_nothing_is_started(somewhere, capsys):
    (somewhere / ".hoga").write_text("in the way")

    assert run(["run", "--feed", "sim"]) == entry.REFUSED
    assert ".hoga" in capsys.readouterr().err


@pytest.mark.parametrize("markets", ["upbit,nasdaq", "", ","])
def test_a_demo_of_markets_that_there_are_not_says_which_there_are(capsys, markets):
    assert run(["demo", "--markets", markets]) == 2

    assert "upbit,krx,binance" in capsys.readouterr().err


def test_a_picture_for_a_folder_that_is_not_there_is_refused_before_the_day(tmp_path, capsys):
    assert run(["demo", "--json", "--picture", str(tmp_path / "none" / "board.svg")]) == 2
    assert "folder that is not there" in capsys.readouterr().err


def test_what_asks_no_aws_does_not_wait_for_its_libraries():
    """Each command pays for what the command line loads; in a process of its own, as here all of it is loaded."""
    heavy = ("boto3", "botocore.config", "pynamodb", "requests", "numpy", "websockets", "picows", "core.local.demo")
    program = f"import sys; from core.cli.entry import run; code = run(['check']); print(code, [m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["0 []"], done.stderr


def test_ctrl_c_while_the_command_still_loads_ends_it_without_a_traceback(monkeypatch, capsys):
    class Loading(ModuleType):
        def __getattr__(self, name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "core.cli.entry", Loading("core.cli.entry"))

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == entry.INTERRUPTED == 130
    assert capsys.readouterr().err == "stopped\n"
