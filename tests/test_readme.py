"""The README tells the truth: its commands exist, its settings are valid, its files are there."""

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from core.cli.entry import hoga
from core.domain.values import Millis
from core.local import costs, usage
from core.local.template import functions, load
from core.settings import parse

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "infra" / "README.md").read_text(encoding="utf-8")
ALARMS = load(ROOT / "infra" / "alarms.yaml")["Resources"]
TOLD = "\n".join(alarm["Properties"]["AlarmDescription"] for alarm in ALARMS.values())
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README + RUNBOOK, re.MULTILINE | re.DOTALL)
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def lines(kind):
    return [line for found, body in BLOCKS if found == kind for line in body.splitlines() if line.strip()]


def named_in_text():
    """Also what the runbook and the alarms themselves tell people to type."""
    return sorted(set(re.findall(r"`hoga ([a-z][^`]*)`", README + RUNBOOK + TOLD)))


def resolve(words):
    """The click command that the words name, and what is left over for it."""
    command = hoga
    while isinstance(command, click.Group) and words:
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"no such command: hoga {' '.join(words)}"
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("line", lines("sh"))
def test_every_shell_line_is_a_make_target_or_a_hoga_command_or_a_known_tool(line):
    words = [word for word in shlex.split(line) if not re.match(r"^[A-Z_]+=", word)]
    match words[0]:
        case "make":
            assert words[1] in TARGETS
        case "hoga":
            command, rest = resolve(words[1:])
            options = {name for option in command.params for name in option.opts}
            assert not [word for word in rest if word.startswith("--") and word not in options]
        case tool:
            assert tool in {"aws", "sam", "docker"}


def test_a_function_is_tried_in_docker_with_an_event_and_an_environment_that_are_there():
    """I2: the command is whole, its `--env-vars` file is what the line before it writes."""
    made, tried = (line for line in lines("sh") if "variables" in line)
    words = shlex.split(tried)
    given = dict(zip(words[4::2], words[5::2], strict=True))
    assert words[:3] == ["sam", "local", "invoke"]
    assert words[3] in functions(load())
    assert (ROOT / given["--event"]).is_file()
    assert made.partition(" > ")[2] == given["--env-vars"]


def parameters():
    """(name, value) of every parameter of the template that the text gives."""
    given = re.findall(r"--parameter-overrides (.+)", README)
    words = [word for line in given for word in shlex.split(line)] + re.findall(
        r"`([A-Z][a-z][A-Za-z]+=[\w@.:-]+)`", README
    )
    return [word.partition("=")[::2] for word in words]


@pytest.mark.parametrize(("name", "value"), parameters())
def test_every_parameter_of_a_deploy_is_one_of_the_template_and_takes_its_value(name, value):
    body = load()["Parameters"][name]
    assert value in body.get("AllowedValues", [value])
    assert re.fullmatch(body.get("AllowedPattern", ".*"), value)


def test_every_output_that_the_text_names_is_one_of_the_template():
    named = set(re.findall(r"output `(\w+)`", README))
    assert named
    assert named <= set(load()["Outputs"])


def test_the_price_that_the_text_says_is_the_one_of_the_plan():
    (said,) = re.findall(r"Korean stocks alone come to about (\d+) USD", README)
    env = {"HOGA__MARKETS__KRX__ENABLED": "true", "HOGA__MARKETS__UPBIT__ENABLED": "false"}
    settings = parse((ROOT / "settings.yaml").read_text(encoding="utf-8"), env)
    bill = costs.lines(settings, usage.Wish(hours="krx"), costs.book(), Millis(1_795_166_400_000))
    assert round(sum(line.usd for line in bill)) == int(said)


def test_as_many_alarms_are_named_as_there_are():
    assert len(ALARMS) == 16
    assert "Sixteen alarms" in README


@pytest.mark.parametrize("text", named_in_text())
def test_every_command_named_in_the_text_exists(text):
    command, _ = resolve([word for word in text.split() if not word.isupper() and not word.startswith("--")])
    assert not isinstance(command, click.Group) or command.invoke_without_command


def test_every_settings_example_has_no_fault():
    examples = [body for kind, body in BLOCKS if kind == "yaml"]
    assert examples
    shipped = yaml.safe_load((ROOT / "settings.yaml").read_text(encoding="utf-8"))
    for example in examples:  # each shows a part; the rest is as shipped
        parse(yaml.safe_dump(laid_over(shipped, yaml.safe_load(example))), {})


def laid_over(below, above):
    """Settings with an example's keys in the place of their own."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{name: laid_over(below.get(name), value) for name, value in above.items()}}


def test_every_environment_example_names_a_real_key():
    names = re.findall(r"(HOGA__[A-Z_]+)=(\S+)", README)
    assert names
    settings = (ROOT / "settings.yaml").read_text(encoding="utf-8")
    for name, value in names:
        parse(settings, {name: value})


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"[`(]((?:infra|core|functions|streamer|tests)/[\w./-]*)[`)]", README)))
)
def test_every_file_that_the_readme_names_is_there(path):
    assert (ROOT / path).exists()


def test_the_readme_starts_with_its_two_commands():
    first = next(body for kind, body in BLOCKS if kind == "sh")
    assert first.splitlines() == ["make demo", "make test"]
