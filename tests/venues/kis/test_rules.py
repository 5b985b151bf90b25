"""E3, G1: price steps, limits, lots, fees and taxes of KRX, by date and board. Source: reference/kis.md 9."""

import gzip
import json
from decimal import Decimal as D
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import Refused
from core.domain.policies import MarketPolicy, RestPolicy, StreamPolicy, TermsPolicy, UniversePolicy
from core.domain.values import Market, Side
from core.venues.kis.rules import RULES, rules, tailored
from core.venues.kis.ticks import day
from core.venues.kis.universe import SHIPPED, Row

DATA = Path(__file__).parents[3] / ".." / "shared" / "data" / "krx"
NOW, THEN = day("2026-11-20"), day("2021-01-22")
BOARDS = {
    "111110": Row("111110", "shares", "KOSPI"),
    "222220": Row("222220", "growth", "KOSDAQ"),
    "333330": Row("333330", "young", "KONEX"),
    "444440": Row("444440", "KODEX 200", "ETF"),
    "Q55555": Row("Q55555", "", "ETN"),
}
OURS = rules(TermsPolicy(), BOARDS)
prices = st.integers(1, 5_000_000).map(D)
moments = st.sampled_from([day("2014-03-03"), THEN, day("2023-01-25"), NOW])
symbols = st.sampled_from(sorted(BOARDS))
sides = st.sampled_from(list(Side))


@pytest.mark.parametrize(
    ("price", "step"),
    [
        (1, 1), (1_999, 1), (2_000, 5), (4_999, 5), (5_000, 10), (19_999, 10), (20_000, 50), (49_999, 50),
        (50_000, 100), (199_999, 100), (200_000, 500), (499_999, 500), (500_000, 1_000), (2_000_000, 1_000),
    ],
)  # fmt: skip
def test_since_2023_all_boards_have_one_table(price, step):
    for symbol in ("111110", "222220", "333330"):
        assert OURS.tick(symbol, D(price), NOW) == step
        assert OURS.tick(symbol, D(price), day("2023-01-25")) == step


@pytest.mark.parametrize(
    ("price", "kospi", "kosdaq"),
    [
        (999, 1, 1), (1_000, 5, 5), (4_999, 5, 5), (5_000, 10, 10), (10_000, 50, 50), (50_000, 100, 100),
        (99_999, 100, 100), (100_000, 500, 100), (500_000, 1_000, 100),
    ],
)  # fmt: skip
def test_before_2023_kosdaq_and_konex_had_smaller_steps_at_the_top(price, kospi, kosdaq):
    before = day("2023-01-24")
    assert OURS.tick("111110", D(price), before) == kospi
    assert OURS.tick("222220", D(price), before) == kosdaq
    assert OURS.tick("333330", D(price), before) == kosdaq


def test_funds_and_notes_move_by_five_and_by_one_under_2000_since_2023_unless_the_owner_says_otherwise():
    for symbol in ("444440", "Q55555"):
        assert [OURS.tick(symbol, D(price), NOW) for price in (1_999, 2_000, 300_000)] == [1, 5, 5]
        assert OURS.tick(symbol, D(1_999), THEN) == 5
        assert rules(TermsPolicy(fine_funds=False), BOARDS).tick(symbol, D(1_999), NOW) == 5


@given(symbol=symbols, price=prices, side=sides, at=moments)
def test_a_legal_price_is_a_multiple_of_its_own_step_and_crosses_no_further(symbol, price, side, at):
    step = OURS.tick(symbol, price, at)
    if side is Side.BUY and price < step:
        return
    legal = OURS.floor_price(symbol, price, side, at)

    assert legal % OURS.tick(symbol, legal, at) == 0
    assert (legal <= price) if side is Side.BUY else (legal >= price)
    assert abs(legal - price) < step
    assert OURS.floor_price(symbol, legal, side, at) == legal


def test_no_price_is_left_under_the_smallest_step_or_at_nothing():
    with pytest.raises(Refused):
        OURS.floor_price("444440", D(3), Side.BUY, THEN)
    with pytest.raises(Refused):
        OURS.floor_price("111110", D(0), Side.SELL, NOW)


@pytest.mark.parametrize("symbol", ["KRW-BTC", "00593", "0059300", "", "삼성전자"])
def test_what_is_no_code_is_refused(symbol):
    with pytest.raises(Refused):
        RULES.tick(symbol, D(1_000), NOW)


@given(symbol=symbols, reference=st.integers(100, 5_000_000).map(D), at=moments)
def test_limits_are_legal_prices_within_the_percentage_and_hold_the_reference(symbol, reference, at):
    reference = OURS.floor_price(symbol, reference, Side.BUY, at)
    share = D("0.15") if at < day("2015-06-15") or symbol == "333330" else D("0.3")
    lowest, highest = OURS.bounds(symbol, reference, at)

    assert reference * (1 - share) <= lowest <= reference <= highest <= reference * (1 + share)
    for limit in (lowest, highest):
        assert limit % OURS.tick(symbol, limit, at) == 0


def test_limits_are_those_of_the_portals_sample():
    """000660 of long ago: reference 128,500, highest 167,000, lowest 90,000 (reference/kis.md 5.2)."""
    assert OURS.bounds("111110", D(128_500), day("2022-01-03")) == (D(90_000), D(167_000))


@pytest.mark.parametrize(
    ("file", "at"),
    [("day_KOSPI_20210122", THEN), ("day_KOSDAQ_20210122", THEN), ("day_ALL_20201230", day("2020-12-30"))],
)
def test_every_price_of_a_real_day_is_on_its_step_and_within_its_limits(file, at):
    path = DATA / f"{file}.json.gz"
    if not path.exists():
        pytest.skip("no shared data beside this checkout")
    listed = json.loads(gzip.decompress(path.read_bytes()))["OutBlock_1"]
    figure = lambda text: D(text.replace(",", ""))
    board = {"KOSPI": "111110", "KOSDAQ": "222220", "KONEX": "333330"}
    at_the_limit = 0
    for row in listed:
        symbol, close = board[row.get("MKT_NM", "KOSPI").split()[0]], figure(row["TDD_CLSPRC"])
        low, high = figure(row["TDD_LWPRC"]) or close, figure(row["TDD_HGPRC"]) or close
        lowest, highest = OURS.bounds(symbol, close - figure(row["CMPPREVDD_PRC"]), at)
        assert close % OURS.tick(symbol, close, at) == 0, row
        assert lowest <= low <= high <= highest, row
        at_the_limit += high == highest
    assert at_the_limit


def test_a_real_funds_prices_are_multiples_of_five():
    path = DATA / "etf_069500_2020H1.json.gz"
    if not path.exists():
        pytest.skip("no shared data beside this checkout")
    for row in json.loads(gzip.decompress(path.read_bytes()))["output"]:
        close = D(row["TDD_CLSPRC"].replace(",", ""))
        assert OURS.floor_price("444440", close, Side.BUY, THEN) == close


@pytest.mark.parametrize(
    ("since", "shares", "konex"),
    [
        ("2026-01-01", "0.002", "0.001"), ("2025-12-31", "0.0015", "0.001"), ("2024-06-03", "0.0018", "0.001"),
        ("2023-06-01", "0.002", "0.001"), ("2022-06-02", "0.0023", "0.001"), ("2020-06-01", "0.0025", "0.001"),
        ("2018-06-01", "0.003", "0.003"), ("1990-01-03", "0", "0"),
    ],
)  # fmt: skip
def test_a_sale_is_taxed_by_date_and_board_and_a_buy_never(since, shares, konex):
    at = day(since)
    assert OURS.tax("111110", Side.SELL, at) == OURS.tax("222220", Side.SELL, at) == D(shares)
    assert OURS.tax("333330", Side.SELL, at) == D(konex)
    assert {OURS.tax(symbol, Side.BUY, at) for symbol in BOARDS} == {D(0)}


def test_funds_and_notes_are_exempt_unless_the_owner_says_otherwise():
    taxed = rules(TermsPolicy(funds_taxed=True), BOARDS)
    for symbol in ("444440", "Q55555"):
        assert OURS.tax(symbol, Side.SELL, NOW) == 0
        assert taxed.tax(symbol, Side.SELL, NOW) == D("0.002")


def test_fees_are_the_brokers_and_the_owners_where_he_says():
    assert OURS.fee("111110", Side.BUY, NOW) == OURS.fee("111110", Side.SELL, NOW) == D("0.000140527")
    assert OURS.fee("444440", Side.BUY, NOW) == D("0.000147")
    mine = rules(TermsPolicy(fee=0.0008, fund_fee=0.0009), BOARDS)
    assert (mine.fee("111110", Side.BUY, NOW), mine.fee("Q55555", Side.BUY, NOW)) == (D("0.0008"), D("0.0009"))


def test_one_share_is_an_order_and_there_is_no_largest():
    assert (RULES.lot("005930"), RULES.minimum("005930"), RULES.maximum("005930")) == (1, 0, D("Infinity"))


def test_the_chart_is_found_by_the_code_of_six():
    assert RULES.link("0126Z0").endswith("code=0126Z0")
    assert RULES.link("Q530031").endswith("code=530031")


def test_a_symbol_that_no_list_has_counts_as_an_ordinary_share_of_kospi():
    assert RULES.tax("987650", Side.SELL, NOW) == D("0.002")
    assert RULES.tick("987650", D(150_000), THEN) == 500
    assert OURS.tick("247540", D(150_000), THEN) == 100  # shipped: KOSDAQ
    assert SHIPPED["247540"].board == "KOSDAQ"


def test_rules_are_tailored_to_the_owners_list_and_terms():
    policy = MarketPolicy(
        rest=RestPolicy(url="https://x"),
        stream=StreamPolicy(url="wss://x"),
        universe=UniversePolicy(listed=(("123450", "mine", "ETF"),)),
        terms=TermsPolicy(fund_fee=0.001),
    )
    mine = tailored(policy)
    assert mine.fee("123450", Side.BUY, NOW) == D("0.001")
    assert mine.tax("123450", Side.SELL, NOW) == 0
    assert Market.KRX.value == "krx"
