"""What the simulators' process says of each market, and KRX's day as it can be given while it runs."""

import pytest

from core.simulators.__main__ import markets
from core.simulators.coins import listing as coins
from core.simulators.kis import KisSimulator
from core.simulators.kis_issues import listing
from core.simulators.kis_market import KrxMarket
from core.simulators.kis_time import ALWAYS, Phase, Timetable, date_of, midnight_of, span
from core.simulators.market import SimulatedMarket
from core.simulators.upbit import UpbitSimulator
from tests.simulators.kis.conftest import START, Hand, serving

DAY = date_of(START)
HOURS = "12:40:00-12:41:00/3"


def test_a_changed_day_holds_from_now_on_and_only_that_day():
    table = Timetable(ALWAYS, weekends=True)
    assert table.phase(START) is Phase.REGULAR

    table.change(DAY, span(HOURS))

    opens = midnight_of(DAY) + (12 * 60 + 40) * 60_000
    phases = [table.phase(opens + ms) for ms in (-3_001, -3_000, 0, 56_999, 57_000, 60_000)]
    assert phases == [Phase.SHUT, Phase.OPENING, Phase.REGULAR, Phase.REGULAR, Phase.CLOSING, Phase.SHUT]
    assert table.phase(opens + 86_400_000) is Phase.REGULAR


@pytest.mark.parametrize("text", ["", "09:00", "15:00-09:00", "a-b", "09:00-15:00/x"])
def test_hours_that_are_none_are_refused(text):
    with pytest.raises(ValueError):
        span(text)


async def test_the_control_side_gives_krx_another_day():
    async with serving(timetable=Timetable(ALWAYS, weekends=True)) as client:
        async with client.http.post(f"{client.sim.control_url}/day", json={"hours": HOURS}) as reply:
            assert reply.status == 200
            assert (await reply.json())["day"] == DAY
        async with client.http.post(f"{client.sim.control_url}/day", json={"hours": "soon"}) as reply:
            assert reply.status == 400

        assert client.sim.market.timetable.phase(START) is Phase.SHUT


async def test_each_market_is_told_as_a_system_needs_it():
    clock = Hand()
    stocks = KrxMarket(seed=3, start=START, issues=listing(4, []))
    async with (
        UpbitSimulator(SimulatedMarket(seed=3, start=START, coins=coins(3)), clock=clock) as upbit,
        KisSimulator(stocks, clock=clock) as kis,
    ):
        told = markets(upbit, kis)

    assert told["upbit"]["stream_url"] == upbit.stream_url
    assert told["krx"]["codes"] == list(stocks.lines)
    assert set(told["krx"]["secrets"]) == {"kis_app_key", "kis_app_secret"}
    assert told["krx"]["day_url"].startswith(told["krx"]["control_url"])
