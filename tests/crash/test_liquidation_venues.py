"""E6: the forced liquidation with the product's own brokers against the simulated accounts: partial fills, lost answers,
an outage of a minute within the window, a symbol that the venue refuses. It ends with the venue's own zero, or says."""

import pytest
from msgspec.structs import replace

from core.app import liquidate
from core.app.liquidate import Liquidating
from core.app.trade import handle
from core.domain.messages import Kind as Told
from core.domain.values import Millis, Side
from core.simulators.faults import Fault, Kind, Planned
from tests.adapters.orders.floors import BinanceFloor, D, Served, UpbitFloor
from tests.crash.grounds import Ground

FLOORS = {"upbit": UpbitFloor, "binance": BinanceFloor}
RUN_S = 51


@pytest.fixture(params=FLOORS)
def ground(request, monkeypatch):
    """One position, three minutes before the day's end."""
    with Served(FLOORS[request.param]) as floor:
        ground = Ground(floor, monkeypatch)
        bought = handle(ground.signal(Side.BUY, "before"), ground.desk())
        assert bought.outcome == "bought", bought
        desk = ground.desk(**ground.day())
        ground.clock.at = desk.days.closes(ground.clock()) - 180_000
        yield ground


def run(ground):
    """One call of the function; the next one comes with the next minute."""
    began = ground.clock()
    desk = replace(ground.desk(**ground.day()), deadline_ms=Millis(RUN_S * 1000))
    done = liquidate.run(desk)
    ground.clock.at = max(ground.clock.at, began + 60_000)
    return done


def sales(ground):
    return [order for order in ground.floor.sent(Side.SELL) if order.filled]


def flat(ground, done):
    """Flat as the venue says, one position's worth sold, and the books are the venue's."""
    assert (done.outcome, done.left) == (Liquidating.FLAT, {})
    ground.clock.sleep(5)
    ground.sweep()
    assert ground.trouble() == {}
    assert ground.floor.units < D("0.0001") or ground.lock().dust == ground.floor.units


def test_a_quiet_end_of_the_day_is_flat_in_one_run_and_one_order(ground):
    flat(ground, run(ground))
    assert len(sales(ground)) == 1
    assert [alert.kind for alert in ground.told.sent if alert.kind is Told.UNSOLD] == []  # a part of a lot is no alarm


def test_what_is_filled_in_part_is_sold_in_further_rounds(ground):
    ground.floor.books.share = D("0.4")
    first = run(ground)
    ground.floor.books.share = D(1)
    flat(ground, first if first.outcome is Liquidating.FLAT else run(ground))
    assert len(sales(ground)) > 1


@pytest.mark.parametrize("kind", [Kind.LOST_REPLY, Kind.LOST_REQUEST])
def test_a_lost_answer_is_settled_in_the_same_run_with_one_order_filled(ground, kind):
    ground.floor.cause(kind)
    began = ground.clock()
    done = run(ground)
    flat(ground, done)
    assert len(sales(ground)) == 1
    assert ground.clock() - began < 90_000


def test_an_outage_of_a_minute_leaves_nothing_overnight(ground):
    fault = Fault(kind=Kind.REFUSE, for_s=60.0)
    ground.floor.sim.faults.cause(Planned(fault=fault), ground.clock())
    ends = ground.clock() + 180_000
    done = run(ground)
    assert done.outcome is Liquidating.LEFT
    assert [alert.kind for alert in ground.told.sent if alert.kind is Told.UNSOLD]
    while done.outcome is not Liquidating.FLAT and ground.clock() < ends:
        done = run(ground)
    flat(ground, done)
    assert ground.clock() < ends
    assert len(sales(ground)) == 1


def test_a_symbol_that_the_venue_refuses_is_told_by_name_and_sold_once_it_trades_again(ground):
    fault = Fault(kind=Kind.HTTP, status=400, for_s=55.0, path=ground.floor.path)
    ground.floor.sim.faults.cause(Planned(fault=fault), ground.clock())
    assert run(ground).outcome is Liquidating.LEFT
    told = [alert for alert in ground.told.sent if alert.kind is Told.UNSOLD and alert.instrument is None]
    assert ground.on.symbol in told[-1].memo
    flat(ground, run(ground))
