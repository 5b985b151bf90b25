"""The simulators as one process: what it prints, how it ends (I3)."""

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import connect

from core.simulators.served import Served

ROOT = Path(__file__).parents[2]


@contextmanager
def process(*words: str) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-m", "core.simulators", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def read(url: str):
    with urllib.request.urlopen(url, timeout=5) as reply:
        return json.load(reply)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_names_its_addresses_in_one_line_serves_and_ends_cleanly(number, tmp_path):
    log = tmp_path / "log.jsonl"
    with process("--story", "demo", "--seed", "5", "--symbols", "40", "--log", str(log)) as child:
        told = json.loads(child.stdout.readline())
        assert len(read(told["rest_url"] + "/v1/ticker/all?quote_currencies=KRW")) == 40
        assert read(told["chat_control_url"] + "/messages") == []
        assert read(told["upbit_control_url"] + "/log")["calls"] == {"/v1/ticker/all": 1}
        with pytest.raises(urllib.error.HTTPError):
            read(told["rest_url"] + "/v1/nope")
        child.send_signal(number)
        assert child.wait(10) == 0
        assert child.stdout.read() == ""
        assert child.stderr.read() == ""
    assert [json.loads(line)["reason"] for line in log.read_text().splitlines()] == ["no such route"]


def test_both_kis_environments_are_served_over_one_market_and_their_keys_are_named(tmp_path):
    with process("--issues", "30", "--krx-day", "always") as child:
        told = json.loads(child.stdout.readline())
        keys = {"real": ("kis", "kis_rest_url"), "mock": ("kis_mock", "kis_mock_rest_url")}
        for flavour, (prefix, address) in keys.items():
            names = told["kis_secrets"][flavour]
            assert {"kis_account", "kis_hts_id"} <= names.keys()
            body = {
                "grant_type": "client_credentials",
                "appkey": names[f"{prefix}_app_key"],
                "appsecret": names[f"{prefix}_app_secret"],
            }
            call = urllib.request.Request(
                told[address] + "/oauth2/tokenP", json.dumps(body).encode(), {"content-type": "application/json"}
            )
            assert "access_token" in read(call)
        assert read(told["kis_control_url"] + "/log")["counts"]["tokens"] == 1
        assert read(told["kis_mock_control_url"] + "/books")["cash"] == 10_000_000
        assert told["kis_stream_url"].startswith("ws://127.0.0.1:")


def test_accounts_of_coins_are_served_and_their_keys_are_named():
    with process("--symbols", "10", "--binance") as child:
        told = json.loads(child.stdout.readline())
        assert told["upbit_secrets"].keys() == {"upbit_access_key", "upbit_secret_key"}
        assert {"binance_api_key", "binance_test_api_secret"} <= told["binance_secrets"].keys()
        assert read(told["upbit_control_url"] + "/books")["balances"] == {"KRW": "10000000"}
        assert read(told["markets"]["binance"]["control_url"] + "/books")["balances"] == {"USDT": "10000"}
        with pytest.raises(urllib.error.HTTPError) as caught:
            read(told["rest_url"] + "/v1/accounts")
        assert caught.value.code == 401


@pytest.mark.parametrize("text", ["never", "10:00-09:00", "25"])
def test_a_krx_day_that_is_none_is_told(text):
    with process("--krx-day", text) as child:
        assert child.wait(20) == 2
        assert "--krx-day" in child.stderr.read()


@pytest.mark.parametrize("text", ["calendar", "minute", "21:00:00-21:01:00/5", "09:00-15:30"])
def test_a_krx_day_is_given_by_name_or_by_hours(text):
    with process("--krx-day", text, "--issues", "2") as child:
        assert json.loads(child.stdout.readline())["kis_rest_url"]
        child.terminate()
        assert child.wait(10) == 0


def test_it_listens_on_loopback_only():
    with process() as child:
        told = json.loads(child.stdout.readline())
        assert all(told[name].split("//")[1].startswith("127.0.0.1:") for name in ("rest_url", "stream_url", "telegram_url", "discord_url"))  # fmt: skip
        port = int(told["rest_url"].rsplit(":", 1)[1])
        with socket.socket(socket.AF_INET6) as other, pytest.raises(OSError, match=r".*"):
            other.connect(("::1", port))


def test_a_port_that_is_taken_is_told_and_ends_with_1():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with process("--port", str(taken.getsockname()[1])) as child:
            assert child.wait(20) == 1
            assert child.stderr.read().startswith("The simulators cannot start: ")


def test_a_schedule_of_faults_that_does_not_read_is_told(tmp_path):
    file = tmp_path / "faults.json"
    file.write_text('[{"fault":{"kind":"earthquake"}}]')
    with process("--faults", str(file)) as child:
        assert child.wait(20) == 1
        assert "earthquake" in child.stderr.read()


def test_the_busiest_second_of_each_group_is_known():
    served = Served()
    for at in (0, 10, 999, 1000):
        served.called("/v1/ticker", "ticker", at)
    served.called("/v1/candles/days", "candles", 5)
    assert served.busiest == {"ticker": 3, "candles": 1}
    assert served.report()["groups"] == {"ticker": 4, "candles": 1}


def test_it_plays_a_tape_once_somebody_has_subscribed(tmp_path):
    tape = tmp_path / "tape.txt"
    tape.write_text(
        'x <-> 1618678261.0\n1618678262.0: b\'{"ty":"trade","cd":"KRW-LAMB","tp":127.0,"st":"REALTIME"}\'\n'
        '1618678272.0: b\'{"ty":"trade","cd":"KRW-LAMB","tp":128.0,"st":"REALTIME"}\'\n'
    )
    with process("--tape", str(tape), "--speed", "inf") as child:
        told = json.loads(child.stdout.readline())
        with connect(told["stream_url"]) as stream:
            stream.send('[{"ticket":"a"},{"type":"trade","codes":["KRW-LAMB"]},{"format":"SIMPLE"}]')
            assert [json.loads(stream.recv(timeout=5))["tp"] for _ in range(2)] == [127.0, 128.0]
        child.terminate()
        assert child.wait(10) == 0
