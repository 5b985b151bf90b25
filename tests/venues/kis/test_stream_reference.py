"""Every field list and code that reference/kis.md gives is the one that is used (issue 3, must hold)."""

import re
from pathlib import Path

import pytest

from core.venues.kis.fields import BOOK, CURES, NOTICE, STATE, TRADE
from core.venues.kis.refusals import verdict
from tests.venues.kis.wirecraft import EVENTS

REFERENCE = Path(__file__).parents[3] / ".." / "shared" / "reference" / "kis.md"


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference is not beside this checkout")
class TestReference:
    def table(self, title):
        return re.split(r"\n### ", REFERENCE.read_text(encoding="utf-8").split(f"### {title}")[1])[0]

    def test_the_places_of_a_trade_are_those_of_the_reference(self):
        rows = dict(re.findall(r"\| (\d+) \| ([A-Z0-9_]+)(?= |\b)", self.table("7.5")))
        assert {int(place): name for place, name in rows.items()} == dict(enumerate(TRADE))

    def test_the_places_of_a_book_are_those_of_the_reference(self):
        text = self.table("7.6")
        for name in ("ASKP1", "BIDP1", "ASKP_RSQN1", "BIDP_RSQN1"):
            first = re.search(rf"\| (\d+)–\d+ \| {name}–10", text)
            assert first
            assert BOOK.index(name) == int(first[1])
        for first, names in re.findall(r"\| (\d+)(?:[–,][ \d]+)? \| ([A-Z][A-Z0-9_, ]+) \|", text):
            for place, name in enumerate(names.split(", ")):
                assert BOOK[int(first) + place] == name

    def test_the_places_of_a_market_state_and_a_notice_are_those_of_the_reference(self):
        states = re.findall(r"(?:^|· )(\d+) ([A-Z_]+)", self.table("7.7"), re.M)
        assert {int(place): name for place, name in states} == dict(enumerate(STATE))
        notices = re.findall(r"^\| (\d+) \| ([A-Z0-9_]+) \|", self.table("7.8"), re.M)
        assert {int(place): name for place, name in notices} == dict(enumerate(NOTICE))

    def test_every_code_of_the_reference_is_known(self):
        text = self.table("7.2")
        codes = set(re.findall(r"OPSP\d{4}", text))
        for first, rest in re.findall(r"OPSP(\d{4})((?: / \d{4})+)", text):
            codes |= {f"OPSP{first}"} | {f"OPSP{each}" for each in re.findall(r"\d{4}", rest)}
        for first, last in re.findall(r"OPSP(\d{4})–(\d{4})", text):
            codes |= {f"OPSP{number}" for number in range(int(first), int(last) + 1)}
        assert codes <= set(CURES)
        assert set(re.findall(r"^\| (\d{3}) ", self.table("7.7"), re.M)) <= set(EVENTS.split())

    def test_every_code_of_the_gateway_decides_by_itself_whatever_status_it_comes_with(self):
        cells = re.findall(r"^\| \**((?:EGW|OPSQ|MCA|IGW)\d[^|]*)\|", self.table("3.3"), re.M)
        codes = {code for cell in cells for code in named(cell.replace("*", ""))}
        assert len(codes) > 50
        for code in codes:
            assert len({type(verdict(code, status, None, "")) for status in (200, 403, 500)}) == 1, code


def named(cell):
    """EGW00301, EGW00302 or OPSQ0001 / 0002 or OPSQ9995–9999 (9999: ...) as whole codes."""
    prefix, numbers = cell[: 3 + cell.startswith("OPSQ")], re.findall(r"\d{4,5}", cell)
    if "–" in cell:
        numbers = [str(number) for number in range(int(numbers[0]), int(numbers[1]) + 1)]
    return [prefix + number for number in numbers]
