"""The README tells the truth: its commands exist, its settings are valid, its files are there."""

import re
import shlex
from pathlib import Path

import click
import pytest

from core.cli.entry import hoga
from core.settings import parse

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def lines(kind):
    return [line for found, body in BLOCKS if found == kind for line in body.splitlines() if line.strip()]


def named_in_text():
    return sorted(set(re.findall(r"`hoga ([a-z][^`]*)`", README)))


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
            assert tool in {"aws", "sam"}


@pytest.mark.parametrize("text", named_in_text())
def test_every_command_named_in_the_text_exists(text):
    command, _ = resolve([word for word in text.split() if not word.isupper() and not word.startswith("--")])
    assert not isinstance(command, click.Group)


def test_every_settings_example_has_no_fault():
    examples = [body for kind, body in BLOCKS if kind == "yaml"]
    assert examples
    for example in examples:
        parse(example, {})


def test_every_environment_example_names_a_real_key():
    names = re.findall(r"(HOGA__[A-Z_]+)=(\S+)", README)
    assert names
    settings = (ROOT / "settings.yaml").read_text(encoding="utf-8")
    for name, value in names:
        parse(settings, {name: value})


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:infra|core|functions|streamer|tests)/[\w./-]*)`", README)))
)
def test_every_file_that_the_readme_names_is_there(path):
    assert (ROOT / path).exists()


def test_the_readme_starts_with_its_two_commands():
    first = next(body for kind, body in BLOCKS if kind == "sh")
    assert first.splitlines() == ["make demo", "make test"]
