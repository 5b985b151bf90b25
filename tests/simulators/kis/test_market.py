"""The simulated KRX by itself: no sockets (reference/kis.md 9)."""

import pytest

from core.domain.values import DAY
from core.simulators.kis_issues import KNOWN, listing
from core.simulators.kis_market import KrxMarket
from core.simulators.kis_stories import DEMO
from core.simulators.kis_time import (
    ALWAYS,
    Phase,
    Timetable,
    clock_s,
    compressed,
    date_of,
    hours,
    midnight_of,
    official,
    spanning,
)
from tests.simulators.kis.conftest import START

NOON = midnight_of("20260923") + 12 * 3_600_000


def market(at=START, count=10, **more) -> KrxMarket:
    return KrxMarket(seed=5, start=at, issues=listing(count, []), **more)


def played(one: KrxMarket, until: int, step: int = 100):
    """Everything told up to a moment."""
    deals, states = [], []
    one.listeners.append(lambda turn: (deals.extend(turn.deals), states.extend(turn.states)))
    at = one.start
    while at < until:
        at = min(at + step, until)
        one.advance(at)
    return deals, states


def test_the_same_seed_tells_the_same_story_however_often_it_is_asked():
    fine, _ = played(market(), START + 20_000, 100)
    coarse, _ = played(market(), START + 20_000, 20_000)
    assert fine == coarse
    assert len(fine) > 50


def test_every_listener_is_told_of_everything():
    one = market()
    first, _ = played(one, START + 1000)
    heard = []
    one.listeners.append(lambda turn: heard.extend(turn.deals))
    one.advance(START + 5000)
    assert heard
    assert first[-len(heard) :] == heard


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ("08:29", Phase.SHUT), ("08:30", Phase.OPENING), ("09:00", Phase.REGULAR), ("15:20", Phase.CLOSING),
        ("15:30", Phase.SHUT), ("15:40", Phase.CLOSE_PRICE), ("16:00", Phase.AFTER), ("20:00", Phase.SHUT),
    ],
)  # fmt: skip
def test_an_ordinary_day_has_its_phases(text, phase):
    assert Timetable().phase(midnight_of("20260923") + round(clock_s(text) * 1000)) is phase


def test_holidays_weekends_late_opens_and_half_days_come_from_the_timetable():
    table = Timetable(
        holidays={"20260924"},
        special={"20260925": hours("10:00", "16:30"), "20260926": hours("09:00", "12:00"), "20260928": ()},
    )
    assert [day for day in ("20260923", "20260924", "20260926", "20260927", "20260928") if table.on(day)] == [
        "20260923",
        "20260926",
    ]
    late, half = table.on("20260925"), table.on("20260926")
    assert (late.opens - midnight_of("20260925"), half.closes - midnight_of("20260926")) == (
        10 * 3_600_000,
        12 * 3_600_000,
    )
    assert table.later("20260923", 2) == "20260926"


def test_the_official_table_knows_the_lunar_new_year():
    assert official().on("20270101") is None
    assert official().on("20261120") is not None


def test_a_day_that_runs_past_midnight_keeps_its_date():
    start = midnight_of("20260923") + DAY - 20_000
    table = Timetable(compressed(start), weekends=True)
    assert table.date(start + 40_000) == "20260923"
    assert table.phase(start + 40_000) is Phase.REGULAR
    assert date_of(start + 40_000) == "20260924"


def test_a_span_has_auctions_of_the_length_asked_for():
    start = clock_s("21:00:00")
    assert spanning(start, start + 100, 5) == (
        (start - 5, Phase.OPENING), (start, Phase.REGULAR), (start + 95, Phase.CLOSING), (start + 100, Phase.SHUT),
    )  # fmt: skip
    assert spanning(start, start + 100)[2][0] == start + 90


def test_nothing_trades_while_the_market_is_shut_and_a_night_passes_quickly():
    start = midnight_of("20260923") + 19 * 3_600_000 + 3_590_000
    one = market(start, count=2)
    deals, states = played(one, midnight_of("20260924") + 8 * 3_600_000 + 1_801_000, 3_600_000)
    assert {deal.phase for deal in deals} <= {Phase.AFTER}
    assert [state.phase for state in states if state.phase] == [Phase.SHUT, Phase.OPENING]
    stock = one.lines["005930"]
    assert (stock.date, stock.volume, stock.opening) == ("20260924", 0, 0)
    assert stock.reference == stock.last


def test_an_auction_prints_once_at_its_end_and_the_close_is_the_last_price():
    one = market(NOON, timetable=Timetable(compressed(NOON, opening_s=3, regular_s=5, closing_s=3)))
    deals, _ = played(one, NOON + 12_000)
    samsung = [deal for deal in deals if deal.symbol == "005930"]
    auctions = [deal for deal in samsung if deal.auction]
    assert [deal.phase for deal in auctions] == [Phase.OPENING, Phase.CLOSING]
    assert auctions[0].at == NOON + 3000
    assert (samsung[0], samsung[-1]) == (auctions[0], auctions[1])
    assert not [deal for deal in samsung if NOON + 8000 <= deal.at < NOON + 11_000]
    assert one.lines["005930"].opening == auctions[0].price


def test_a_jump_of_ten_percent_interrupts_trading_until_one_auction_price():
    one = market(vi_s=4)
    one.push("005930", 0.12, 1, START)
    deals, states = played(one, START + 10_000)
    begins, ends = [state.at for state in states if state.symbol == "005930"]
    assert ends - begins == 4000
    mine = [deal for deal in deals if deal.symbol == "005930" and begins <= deal.at <= ends]
    assert [(deal.at, deal.auction) for deal in mine] == [(ends, True)]
    assert one.lines["005930"].vi_price == mine[0].price
    assert one.lines["005930"].interruptions == 1


def test_no_price_leaves_the_day_s_limits_however_hard_it_is_pushed():
    one = market(vi_s=1)
    one.push("005930", 0.6, 1, START)
    one.push("000660", -0.6, 1, START)
    deals, _ = played(one, START + 15_000)
    up, down = one.lines["005930"], one.lines["000660"]
    assert (up.last, up.ask) == (up.upper, 0)
    assert (down.last, down.bid) == (down.lower, 0)
    assert all(one.lines[deal.symbol].lower <= deal.price <= one.lines[deal.symbol].upper for deal in deals)


def test_a_halt_stops_one_issue_and_is_told_once():
    one = market()
    one.flag("005930", "halted", raised=True)
    deals, states = played(one, START + 10_000)
    assert not [deal for deal in deals if deal.symbol == "005930"]
    assert [state.symbol for state in states].count("005930") == 1
    assert {deal.symbol for deal in deals} & {"000660"}


def test_the_stories_of_the_demo_are_about_listed_stocks_and_do_what_they_say():
    one = market(count=20, vi_s=3, timetable=Timetable(ALWAYS, weekends=True))
    average = {story.symbol: one.lines[story.symbol].average(20) for story in DEMO}
    one.play(DEMO, START)
    deals, states = played(one, START + 40_000)
    lows = {symbol: min(deal.price for deal in deals if deal.symbol == symbol) for symbol in ("035420", "247540")}
    assert lows["035420"] / average["035420"] - 1 == pytest.approx(-0.09, abs=0.02)
    assert lows["247540"] / average["247540"] - 1 == pytest.approx(-0.135, abs=0.02)
    assert {"277810", "028300"} <= {state.symbol for state in states}
    assert one.halted("028300", START + 40_000)
    assert "warning" in one.flags("086520", START + 40_000)


def test_250_ordinary_stocks_come_from_the_universe_that_the_venue_ships():
    issues = listing()
    stocks = issues[:250]
    assert len({issue.symbol for issue in issues}) == len(issues) > 250
    assert {issue.kind for issue in stocks} == {"stock"}
    assert {issue.board for issue in stocks} == {"KOSPI", "KOSDAQ"}
    assert len([row for row in KNOWN.split("\n") if row]) == 20
    assert [issue.symbol for issue in issues if not issue.symbol.isdigit()][-2:] == ["0074K0", "Q530031"]


async def test_stories_begin_and_prices_move_at_the_side_door(serving):
    async with serving(count=20) as client:
        _, told, _ = await client.send("POST", "/_sim/story", {}, body=b'{"name":"demo"}')
        assert (told["stories"], told["began"]) == (len(DEMO), client.clock.at)
        assert (await client.send("POST", "/_sim/story", {}, body=b'{"name":"romance"}'))[0] == 400
        body = b'{"symbol":"005930","move":-0.05,"over_s":1}'
        before = client.sim.market.lines["005930"].last
        assert (await client.send("POST", "/_sim/market", {}, body=body))[0] == 200
        client.wait(5)
        assert client.sim.market.lines["005930"].last / before - 1 == pytest.approx(-0.05, abs=0.01)
