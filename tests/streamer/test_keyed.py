"""A whole station on a simulated KIS: one session a key, 41 registrations, refusals, notices, halts (D1, D4, D5, D6, E12)."""

import asyncio
from decimal import Decimal

import msgspec
import pytest

from core.domain.errors import Misconfigured
from core.domain.events import NoticeKind
from core.domain.leases import Intent, Lock
from core.domain.messages import Kind as AlertKind
from core.domain.policies import Environment, KeyPolicy
from core.domain.values import Instrument, Market, Side
from core.simulators.faults import Fault, Kind, Planned
from core.simulators.kis import KisSimulator
from core.simulators.kis_limits import KisLimits, usual
from core.venues.kis import VENUE
from streamer.supervisor import supervise
from tests.streamer.conftest import until
from tests.streamer.krx import MOCK_KEY, REAL_KEY, KrxWorld, clock, krx

IN_USE = "OPSP8996"


def limits(**changes):
    return msgspec.structs.replace(KisLimits(), slot_kept_s=0.0, **changes)


@pytest.fixture
async def kis():
    async with KisSimulator(krx(), clock=clock, limits=limits()) as simulator:
        yield simulator


@pytest.fixture
async def worlds():
    made = []
    yield lambda *args, **kwargs: made.append(KrxWorld(*args, **kwargs)) or made[-1]
    for world in made:
        await world.kill()


async def test_it_registers_what_is_wanted_and_counts_only_what_was_confirmed(kis, worlds, tmp_path):
    world = worlds(tmp_path, kis)
    world.target(*world.symbols(5))
    station = await world.on_air()
    await until(lambda: station.pump.subscribed == tuple(sorted(world.symbols(5))), "all five")
    await until(lambda: station._engine.trades > 20, "trades")
    await until(lambda: kis.log.counts["most registrations held"] == 15, "everything about each")
    assert world.credentials.given == [("real_key", "")]
    assert not kis.log.refusals
    assert kis.log.gaps_ms["registrations"] >= 100
    assert station.pump.quarantine.count == station.pump.aside.drifts == 0
    await until(lambda: station._engine.books > 0, "books")
    assert station._engine.skipped == station._engine.duplicates == 0


async def test_the_forty_one_are_shared_out_and_the_cut_off_are_named(kis, worlds, tmp_path, caplog):
    """D4: the symbols that are cut stay covered by the scan, and everybody can see which."""
    world = worlds(tmp_path, kis)
    world.change(max_ws_subs=60)
    symbols = world.symbols(50)
    world.target(*symbols)
    station = await world.on_air()
    await until(lambda: len(station.pump.subscribed) == 41, "forty-one")
    assert set(station.pump.cut) == set(symbols[41:])
    await until(lambda: world.health() and set(world.health().cut) == set(symbols[41:]), "the cut in the level")
    assert any(symbols[45] in getattr(record, "symbols", "") for record in caplog.records)
    world.hold(symbols[49])
    await until(lambda: symbols[49] in station.pump.subscribed, "the held one")
    assert not kis.log.refusals
    assert kis.log.counts["most registrations held"] == 41


async def test_a_symbol_with_an_open_order_is_seen_before_all_others(kis, worlds, tmp_path):
    world = worlds(tmp_path, kis)
    world.change(max_ws_subs=60)
    symbols = world.symbols(50)
    world.target(*symbols)
    about = Instrument(Market.KRX, symbols[49])
    intent = Intent(
        order="o",
        side=Side.BUY,
        signal="s",
        leg=0,
        worker="w",
        quantity=Decimal(1),
        reference=Decimal(1),
        reason="fall",
        at=clock(),
    )
    world.books.leases._put(Lock(instrument=about, fence=1, intent=intent))
    station = await world.on_air()
    await until(lambda: symbols[49] in station.pump.subscribed, "the open order's symbol")
    assert station.pump.firm == (symbols[49],)


async def test_refused_as_already_in_use_it_comes_back_without_a_storm_and_fills_the_gap(kis, worlds, tmp_path):
    """Must hold: dropped, refused while the server keeps the old session, then accepted. (Here 5 s instead of 20.)"""
    kis.limits = kis.stream._limits = msgspec.structs.replace(kis.limits, slot_kept_s=5.0)
    kis.stream._desk.slots._limits = kis.limits
    world = worlds(tmp_path, kis, backoff_s=(0.2, 0.4, 0.8))
    world.target(*world.symbols(8))
    station = await world.on_air()
    await until(lambda: len(station.pump.subscribed) == 8 and station._engine.trades, "all eight")
    await until(lambda: station.pump.links[0].session.settled, "a quiet line")
    before = kis.log.counts["registrations"]
    asked = len(world.quotes.asked)
    kis.faults.cause(Planned(fault=Fault(kind=Kind.DROP)), clock())
    await until(lambda: kis.log.refusals[IN_USE], "a refusal")
    await until(lambda: station.pump.gaps == 1, "data again")
    refused = kis.log.refusals[IN_USE]
    assert refused < 12
    await until(lambda: station.pump.links[0].session.settled, "everything again")
    assert kis.log.counts["registrations"] - before == 24 + refused, "one try for each refusal, then each once"
    assert kis.log.gaps_ms["registrations"] >= 100
    assert set(kis.log.refusals) == {IN_USE}
    await until(lambda: len(world.quotes.asked) > asked, "the back-fill")
    assert len(world.credentials.current) == 1


async def test_an_approval_key_that_is_not_known_any_more_is_renewed_once(kis, worlds, tmp_path):
    world = worlds(tmp_path, kis)
    world.target(*world.symbols(2))
    station = await world.on_air()
    await until(lambda: len(station.pump.subscribed) == 2, "both")
    old = world.credentials.current["real_key"]
    kis.keys.disapprove()
    kis.faults.cause(Planned(fault=Fault(kind=Kind.DROP)), clock())
    await until(lambda: world.credentials.current["real_key"] != old, "another key")
    await until(lambda: len(station.pump.subscribed) == 2, "both again")
    assert [refused for _, refused in world.credentials.given if refused] == [old]
    assert kis.log.refusals == {"OPSP0011": 1}


async def test_without_an_approval_key_nothing_is_opened(kis, worlds, tmp_path):
    world = worlds(tmp_path, kis)
    world.credentials.down = True
    world.target(*world.symbols(2))
    station = await world.on_air()
    await until(lambda: station.pump.reconnects >= 3, "some tries")
    assert kis.log.connections == 0
    world.credentials.down = False
    await until(lambda: len(station.pump.subscribed) == 2, "both")


@pytest.mark.parametrize(("code", "told"), [("OPSP0007", False), ("OPSP8999", False), ("OPSP7777", True)])
async def test_a_registration_that_was_not_taken_is_made_again(kis, worlds, tmp_path, code, told):
    kis.faults.cause(Planned(fault=Fault(kind=Kind.REGISTER, count=1, code=code)), clock())
    world = worlds(tmp_path, kis)
    world.target(*world.symbols(2))
    station = await world.on_air()
    await until(lambda: len(station.pump.subscribed) == 2, "both")
    assert station.pump.aside.refused == 1
    await until(lambda: len(station.outbox) == 0, "the outbox")
    assert [alert.rule for alert in world.alerts.sent if alert.kind is AlertKind.WIRE] == ([code] if told else [])


async def test_a_smaller_cap_is_learned_and_the_first_ones_keep_their_places(kis, worlds, tmp_path):
    kis.stream._desk = kis.stream._desk._replace(limits=limits(registrations=3))
    world = worlds(tmp_path, kis)
    world.target(*world.symbols(10))
    station = await world.on_air()
    await until(lambda: kis.log.refusals["OPSP0008"] and len(station.pump.cut) == 7, "the cap")
    assert len(station.pump.subscribed) == 3
    assert kis.log.refusals["OPSP0008"] == 1
    await until(lambda: any(alert.rule == "OPSP0008" for alert in world.alerts.sent), "an alert")


async def test_frames_that_have_grown_are_read_counted_and_told_once_with_a_sample(worlds, tmp_path):
    """D1: KIS appends fields."""
    async with KisSimulator(krx(), clock=clock, limits=limits(trade_cells=50)) as kis:
        world = worlds(tmp_path, kis)
        world.target(*world.symbols(3))
        station = await world.on_air()
        await until(lambda: station.pump.aside.drifts > 20, "grown frames")
        assert station._engine.trades >= station.pump.aside.drifts
        assert station.pump.quarantine.count == 0
        await until(lambda: len(station.outbox) == 0, "the outbox")
        (alert,) = [alert for alert in world.alerts.sent if alert.kind is AlertKind.WIRE]
        assert "H0STCNT0 has 50 fields, 47 are known: 0|H0STCNT0|" in alert.memo
        assert len((tmp_path / "quarantine-krx.jsonl").read_text().splitlines()) == 1
        station.teller.say()
        assert any('"GrownFrames"' in line for line in world.lines)
        await world.kill()


async def test_a_halted_symbol_is_known_and_is_not_bought(kis, worlds, tmp_path):
    world = worlds(tmp_path, kis)
    (symbol, _) = world.symbols(2)
    world.target(*world.symbols(2))
    station = await world.on_air()
    await until(lambda: kis.log.counts["most registrations held"] == 6, "the states")
    kis.market.flag(symbol, "halted", raised=True)
    await until(lambda: station._engine.halted == {symbol}, "the halt")
    await until(lambda: world.health().halted == (symbol,), "the halt in the level")
    kis.market.flag(symbol, "halted", raised=False)
    await until(lambda: not station._engine.halted, "the end of the halt")


async def test_notices_of_our_orders_reach_the_board_whatever_else_is_on_the_line(worlds, tmp_path):
    """Quotes of the real market, orders in the mock environment: two sessions, and the notices come decrypted."""
    market = krx()
    async with (
        KisSimulator(market, clock=clock, limits=limits()) as real,
        KisSimulator(
            market,
            clock=clock,
            flavour=Environment.MOCK,
            limits=msgspec.structs.replace(usual(Environment.MOCK), slot_kept_s=0.0),
        ) as mock,
    ):
        world = worlds(tmp_path, real, mock, orders=mock)
        world.target(*world.symbols(2))
        station = await world.on_air()
        await until(lambda: mock.log.counts["most registrations held"] == 1, "the notices' registration")
        await until(lambda: len(station.pump.subscribed) == 2, "both")
        assert "HOGASIM" not in station.pump.subscribed
        symbol = world.symbols(1)[0]
        buy(mock, symbol)
        await until(lambda: len(world.board.about(Instrument(Market.KRX, symbol), 0)) >= 2, "both notices")
        kinds = [notice.kind for notice in world.board.about(Instrument(Market.KRX, symbol), 0)]
        assert kinds[0] is NoticeKind.ACCEPTED
        assert NoticeKind.FILLED in kinds
        assert station._keys.lane.foreign == 0
        await world.kill()


def buy(sim, symbol):
    """A market order at the simulator, whoever sent it."""
    sim.books.place(symbol, "02", "01", 3, 0, clock())


async def test_notices_of_another_account_are_counted_and_go_nowhere(worlds, tmp_path):
    async with KisSimulator(krx(), clock=clock, limits=limits()) as kis:
        world = worlds(tmp_path, kis, orders=kis)
        world.secrets.texts["kis_account"] = "70000002-01"
        station = await world.on_air()
        await until(lambda: kis.log.counts["most registrations held"] == 1, "the notices' registration")
        symbol = world.symbols(1)[0]
        buy(kis, symbol)
        await until(lambda: station._keys.lane.foreign >= 1, "a notice of somebody else")
        assert world.board.about(Instrument(Market.KRX, symbol), 0) == []
        await world.kill()


async def test_a_wrong_id_for_notices_does_not_end_the_market_data(kis, worlds, tmp_path, caplog):
    """KIS ends the connection without a word where the HTS id is wrong."""
    world = worlds(tmp_path, kis, orders=kis, hts_id="WRONG")
    world.target(*world.symbols(2))
    station = await world.on_air()
    await until(lambda: len(station.pump.subscribed) == 2, "both")
    assert kis.log.refusals == {"wrong HTS id": 3}
    assert any(
        "the registration of orders may be what breaks the line" in str(getattr(r, "why", "")) for r in caplog.records
    )
    assert not any("WRONG" in str(vars(record)) for record in caplog.records)


async def test_secrets_that_cannot_be_read_yet_hold_nothing_else_up(kis, worlds, tmp_path):
    world = worlds(tmp_path, kis, orders=kis, hts_id=None)
    world.target(*world.symbols(2))
    station = await world.on_air()
    await until(lambda: len(station.pump.subscribed) == 2, "both")
    world.secrets.texts["kis_hts_id"] = "HOGASIM"
    await until(lambda: station._keys.seats.hts_id == "HOGASIM", "the id")
    await until(lambda: kis.log.counts["most registrations held"] == 7, "the notices' registration")


async def test_two_keys_are_two_sessions(kis, worlds, tmp_path):
    """D5"""
    second = KeyPolicy(app_key="second_key", app_secret="s")
    world = worlds(tmp_path, kis, keys=(REAL_KEY, second))
    world.change(max_ws_subs=60)
    world.target(*world.symbols(60))
    station = await world.on_air()
    await until(lambda: len(station.pump.subscribed) == 60, "sixty")
    assert station.pump.cut == ()
    assert not kis.log.refusals
    assert kis.log.open == 2


async def test_the_mock_environment_is_asked_only_for_what_it_serves(worlds, tmp_path):
    async with KisSimulator(krx(), clock=clock, flavour=Environment.MOCK) as mock:
        world = worlds(tmp_path, mock, keys=(MOCK_KEY,))
        world.target(*world.symbols(3))
        station = await world.on_air()
        await until(lambda: mock.log.counts["most registrations held"] == 6, "trades and books")
        assert len(station.pump.subscribed) == 3
        assert not mock.log.refusals
        await world.kill()


async def test_a_market_that_needs_keys_and_has_none_stops_the_program(kis, tmp_path):
    world = KrxWorld(tmp_path, kis, keys=())
    with pytest.raises(Misconfigured, match="`keys` names none"):
        world.station()
    ports = world_ports(world)
    assert await supervise([(VENUE, world.policy)], ports, asyncio.Event(), tmp_path, tmp_path / "beat") == 2


def world_ports(world):
    kept = []
    world.policy = msgspec.structs.replace(world.policy, keys=(REAL_KEY,))
    kept.append(world.station()._ports)
    world.policy = msgspec.structs.replace(world.policy, keys=())
    return kept[0]
