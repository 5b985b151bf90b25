"""A5: which symbols, on which board, of what kind."""

import gzip
import json
from pathlib import Path

import pytest

from core.domain.policies import UniversePolicy
from core.venues.kis.universe import CODE, ETF, ETN, PREFERRED, SHIPPED, SPAC, Row, fund, kinds, rows

DATA = Path(__file__).parents[3] / ".." / "shared" / "data" / "krx"


def test_the_shipped_list_has_100_kospi_and_150_kosdaq_shares():
    boards = [row.board for row in SHIPPED.values()]
    assert (boards.count("KOSPI"), boards.count("KOSDAQ"), len(boards)) == (100, 150, 250)
    assert all(CODE.fullmatch(code) and not kinds(*row) for code, row in SHIPPED.items())
    assert "0126Z0" in SHIPPED  # letters in a code


def test_codes_beat_the_owners_list_and_that_beats_the_shipped_one():
    mine = (("069500", "KODEX 200", "ETF"), ("005930", "Samsung", "KOSPI"))
    assert rows(UniversePolicy()) == SHIPPED
    assert rows(UniversePolicy(listed=mine)) == {code: Row(code, name, board) for code, name, board in mine}
    few = rows(UniversePolicy(listed=mine, codes=("005930", "Q530031"), always=("000660",)))
    assert few == {
        "005930": Row("005930", "Samsung", "KOSPI"),
        "Q530031": Row("Q530031", "", ""),
        "000660": SHIPPED["000660"],
    }


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (("005930", "삼성전자", "KOSPI"), None),
        (("0126Z0", "삼성에피스홀딩스", "KOSPI"), None),
        (("005935", "삼성전자우", ""), PREFERRED),
        (("00104K", "CJ4우(전환)", ""), PREFERRED),
        (("0041B0", "교보18호스팩", ""), SPAC),
        (("400000", "어느기업인수목적1호", ""), SPAC),
        (("Q530031", "삼성 레버리지 WTI원유 선물 ETN", ""), ETN),
        (("530031", "", "ETN"), ETN),
        (("0074K0", "KODEX 미국나스닥", ""), ETF),
        (("069500", "", "ETF"), ETF),
        (("138930", "BNK금융지주", "KOSPI"), None),
    ],
)
def test_the_kind_of_a_paper_is_told_by_board_code_and_name(row, kind):
    assert kinds(*row) == (frozenset({kind}) if kind else frozenset())
    assert fund(*row) is (kind in {ETF, ETN})


def test_the_exchanges_own_list_agrees_on_every_preferred_share_and_spac():
    file = DATA / "listing_20260414.json.gz"
    if not file.exists():
        pytest.skip("no shared data beside this checkout")
    listed = json.loads(gzip.decompress(file.read_bytes()))["OutBlock_1"]
    for row in listed:
        found = kinds(row["ISU_SRT_CD"], row["ISU_ABBRV"])
        assert (PREFERRED in found) is (row["KIND_STKCERT_TP_NM"] != "보통주"), row
        assert (SPAC in found) >= row["SECT_TP_NM"].startswith("SPAC"), row
        assert not found & {ETF, ETN}, row
