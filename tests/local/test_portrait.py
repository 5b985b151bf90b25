"""The picture of the board: drawn by the program, readable anywhere, fetched from nowhere (I3)."""

import re
import xml.etree.ElementTree as ET

import msgspec

from core.local.portrait import Portrait, svg
from tests.local.test_board import AT, BUSY, NOTHING, OTHER, frame

KOREAN = msgspec.structs.replace(BUSY, safe=msgspec.structs.replace(BUSY.safe, names={"KRW-SOL": "솔라나"}))


class Shown:
    def __init__(self):
        self.calls = []

    def tell(self, at, sentence):
        self.calls.append(sentence)

    def show(self, frame):
        self.calls.append(frame)

    def close(self):
        self.calls.append("closed")


def words(text):
    return " ".join("".join(ET.fromstring(text).itertext()).replace("\xa0", " ").split())


def test_the_picture_is_well_formed_small_in_english_and_fetches_nothing():
    text = svg(frame(KOREAN, OTHER))

    assert "KRW-SOL" in words(text)
    assert "stop loss" in words(text)
    assert not re.search("[\uac00-\ud7a3]", text)
    assert not re.search("url\\((?!#)|@import|href", text)
    assert len(text) < 60_000


def test_the_fullest_moment_is_written_when_the_board_is_closed_and_the_board_sees_everything(tmp_path):
    shown, path = Shown(), tmp_path / "board.svg"
    portrait = Portrait(shown, path)

    for moment in (frame(NOTHING), frame(BUSY), frame(OTHER)):
        portrait.show(moment)
    portrait.tell(AT, "bought")
    assert not path.exists()
    portrait.close()

    assert path.read_text(encoding="utf-8") == svg(frame(BUSY))
    assert shown.calls == [frame(NOTHING), frame(BUSY), frame(OTHER), "bought", "closed"]


def test_a_run_that_showed_nothing_writes_nothing(tmp_path):
    Portrait(Shown(), tmp_path / "board.svg").close()

    assert not list(tmp_path.iterdir())
