"""The container's HEALTHCHECK, and the frames that did not read."""

import json
import subprocess
import sys

from core.domain.errors import WireSurprise
from core.domain.events import Complaint
from core.domain.messages import Kind
from core.domain.values import Market
from streamer import health
from streamer.health import Heartbeat, Pulse
from streamer.quarantine import KEPT, Quarantine
from tests.streamer.conftest import wall_ms


def beat(at=0, **changes):
    facts = {
        "market": "upbit", "connected": True, "subscribed": 3, "wanted": 3, "last_frame": at, "frames": 9,
        "reconnects": 0, "waiting": 0, **changes,
    }  # fmt: skip
    return Heartbeat(at=at, started=0, pid=1, markets=[Pulse(**facts)])


def test_a_loop_that_does_not_beat_is_sick():
    assert health.verdict(beat(0), health.STUCK_MS) == ""
    assert "has not beaten for 15 s" in health.verdict(beat(0), health.STUCK_MS + 1)


def test_frames_that_stay_out_on_a_connection_that_is_up_are_sick():
    late = 10 * health.SILENT_MS
    assert "has sent nothing" in health.verdict(beat(late, last_frame=0), late)
    assert health.verdict(beat(late), late) == ""


def test_an_exchange_that_is_down_does_not_make_the_container_sick():
    late = 10 * health.SILENT_MS
    assert health.verdict(beat(late, last_frame=0, connected=False), late) == ""
    assert health.verdict(beat(late, last_frame=0, subscribed=0), late) == ""


def test_the_check_command_tells_by_its_exit_code(tmp_path):
    file = tmp_path / "streamer.json"
    command = [sys.executable, "-m", "streamer.health", str(file)]
    absent = subprocess.run(command, capture_output=True, text=True, check=False)
    assert absent.returncode == 1
    assert json.loads(absent.stdout)["healthy"] is False
    health.touch(file, beat(wall_ms()))
    present = subprocess.run(command, capture_output=True, text=True, check=False)
    assert present.returncode == 0
    assert json.loads(present.stdout)["streamer"]["markets"][0]["market"] == "upbit"


def test_a_heartbeat_that_is_not_one_is_sick(tmp_path):
    file = tmp_path / "streamer.json"
    file.write_text("{")
    code, line = health.check(file, 0)
    assert code == 1
    assert "no heartbeat" in line


def test_the_program_loads_where_no_temporary_folder_can_be_written():
    """Issue 6: the container's root is read-only, and HOGA_RUN_DIR is all that it may write to."""
    code = """
import tempfile
def none(): raise FileNotFoundError("No usable temporary directory found")
tempfile._get_default_tempdir = none
import streamer.__main__, streamer.health, streamer.picows_line, streamer.websockets_line
print(streamer.health.folder("/run/hoga"))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout == "/run/hoga\n", ran.stderr


def test_odd_frames_are_kept_up_to_a_bound_and_alerted_ever_more_rarely(tmp_path):
    quarantine = Quarantine(Market.UPBIT, tmp_path)
    alerts = [bool(quarantine.keep(b"\xff?", WireSurprise("odd"), number)) for number in range(1, KEPT + 100)]
    assert [number + 1 for number, told in enumerate(alerts) if told] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    rows = (tmp_path / "quarantine-upbit.jsonl").read_text().splitlines()
    assert len(rows) == KEPT
    assert json.loads(rows[0])["frame"] == "/z8="


def test_a_folder_that_cannot_be_written_costs_only_the_copies(tmp_path):
    quarantine = Quarantine(Market.UPBIT, tmp_path / "absent")
    assert quarantine.keep(b"?", WireSurprise("odd"), 1)
    assert quarantine.count == 1


def test_a_complaint_becomes_an_alert_by_its_name(tmp_path):
    [announce] = Quarantine(Market.UPBIT, tmp_path).complained(Complaint("NO_CODES", "codes", 5))
    assert announce.alert.kind is Kind.WIRE
    assert announce.alert.topic == "upbit#wire#NO_CODES"
