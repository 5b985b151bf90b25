"""Secrets go to SSM and nowhere else (issue's canary; I6): asked for without echo, shown by nothing."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from core.cli import keeping
from core.cli.entry import run
from core.local.template import ROOT
from core.settings import load

CANARY = "canary-7f3a9c-never-shown"


@pytest.fixture
def aws(monkeypatch, tmp_path):
    for name, value in {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "ap-northeast-2"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("HOGA_SETTINGS", raising=False)
    monkeypatch.setenv("HOGA__NOTIFY__CHANNELS", "[telegram]")
    monkeypatch.setenv("HOGA__NOTIFY__TELEGRAM__CHAT", "1")
    monkeypatch.setenv("HOGA__MARKETS__KRX__ENABLED", "true")
    monkeypatch.chdir(tmp_path)
    with mock_aws():
        yield boto3.client("ssm", region_name="ap-northeast-2")


@pytest.fixture
def piped(monkeypatch):
    def give(text):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return give


def test_a_secret_is_stored_encrypted_under_its_stage_and_never_shown(aws, piped, capsys):
    piped(f"{CANARY}\n")

    assert run(["secrets", "set", "telegram_token"]) == 0

    found = aws.get_parameter(Name="/hoga/dev/telegram_token", WithDecryption=True)["Parameter"]
    assert (found["Type"], found["Value"]) == ("SecureString", CANARY)
    said = capsys.readouterr()
    assert CANARY not in said.out + said.err
    assert "/hoga/dev/telegram_token" in said.out


def test_a_secret_is_replaced_by_storing_it_again_and_kept_apart_by_stage(aws, piped):
    for text, stage in (("one", "dev"), ("two", "dev"), ("three", "prod")):
        piped(text)
        assert run(["secrets", "set", "kis_app_key", "--stage", stage]) == 0

    def value(stage):
        return aws.get_parameter(Name=f"/hoga/{stage}/kis_app_key", WithDecryption=True)["Parameter"]["Value"]

    assert (value("dev"), value("prod")) == ("two", "three")


def test_a_name_that_no_setting_uses_is_refused_with_what_comes_near(aws, piped, capsys):
    piped(CANARY)
    assert run(["secrets", "set", "telegram_tokn"]) == 2
    wrong = capsys.readouterr().err
    assert "telegram_token" in wrong
    assert "hoga secrets list" in wrong
    assert CANARY not in wrong


@pytest.mark.parametrize("text", ["", "\n", "two\nlines", "x" * 5000])
def test_what_cannot_be_a_key_is_refused_and_nothing_is_stored(aws, piped, capsys, text):
    piped(text)
    assert run(["secrets", "set", "telegram_token"]) == 1
    assert aws.describe_parameters()["Parameters"] == []
    assert "Traceback" not in capsys.readouterr().err


def test_the_list_says_what_each_is_for_and_which_are_missing_and_shows_no_value(aws, piped, capsys):
    piped(CANARY)
    run(["secrets", "set", "kis_app_secret"])
    capsys.readouterr()

    assert run(["secrets", "list", "--json"]) == 0

    said = capsys.readouterr().out
    rows = {row["name"]: row for row in json.loads(said)}
    assert rows["telegram_token"]["stored"] == ""
    assert rows["kis_app_secret"]["stored"] != ""
    assert rows["kis_app_key"]["for"] == "krx quotes: key"
    assert CANARY not in said


def test_the_list_names_the_secrets_of_an_account_too(tmp_path):
    text = (ROOT / "settings.yaml").read_text().replace("    # account: {", "    account: {")
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    settings = load(path, {"HOGA__MARKETS__KRX__ENABLED": "true"})
    names = {name for name, _ in keeping.used(settings)}
    assert {"kis_mock_app_key", "kis_mock_app_secret", "kis_account", "kis_hts_id"} <= names


def test_without_credentials_it_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "HOGA_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOGA__MARKETS__KRX__ENABLED", "true")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    assert run(["secrets", "list"]) == 2
    assert "AWS_PROFILE" in capsys.readouterr().err


def test_at_a_terminal_what_is_typed_is_not_shown(tmp_path):
    """A real terminal: what comes back from it holds the question and not the answer."""
    main, side = pty.openpty()
    env = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_MAX_ATTEMPTS": "1",
        "HOGA__NOTIFY__CHANNELS": "[telegram]",
        "HOGA__NOTIFY__TELEGRAM__CHAT": "1",
    }
    hoga = Path(sys.executable).parent / "hoga"
    child = subprocess.Popen(
        [str(hoga), "secrets", "set", "telegram_token"], stdin=side, stdout=side, stderr=side, cwd=tmp_path, env=env
    )
    os.close(side)
    said = b""
    while b"not shown" not in said:
        said += os.read(main, 1024)
    os.write(main, f"{CANARY}\n".encode())
    while True:
        try:
            if not (part := os.read(main, 1024)):
                break
        except OSError:
            break
        said += part
    assert child.wait(timeout=60) == 1
    assert b"SSM does not answer" in said
    assert CANARY.encode() not in said
