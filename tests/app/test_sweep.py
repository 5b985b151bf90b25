"""E1, E2, E4, E8, F5: what a sweep does, and what it says of it."""

from contextlib import suppress
from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.app import sweep
from core.app.desk import Ending
from core.app.trade import handle
from core.domain.errors import PositionError, Transient, UnknownOutcome
from core.domain.leases import Granted
from core.domain.levels import StreamHealth, Targets
from core.domain.orders import State
from core.domain.sessions import always_open
from core.domain.values import Market, Millis
from core.domain.workers import Status, Worker
from tests.app.world import Before, World, take
from tests.fakes import AAA, Died, buy, sell
from tests.watching import Quotes

# ---- what a sweep says and does ------------------------------------------------------------------------------------


def test_a_quiet_sweep_puts_the_workers_to_work_and_says_nothing():  # E2
    world = World()
    swept = world.sweep()
    assert (swept.resumed, swept.strays, swept.adopted, swept.freed, swept.exits, swept.faults) == ((),) * 6
    assert (swept.waiting, swept.silent) == (0, False)
    assert [worker.status for worker in world.books.ledger.workers(Market.UPBIT)] == [Status.SCAN] * 3
    assert world.told.kinds == []


def test_an_intent_whose_owner_may_be_at_work_is_left_alone():
    world = World()
    with suppress(Died):
        handle(buy(at=world.hands.at, expires_s=600), world.mortal(Before("place")))
    swept = sweep.run(world.desk(), Quotes())
    assert (swept.waiting, swept.resumed) == (1, ())
    assert [verdict.outcome for verdict in world.sweep().resumed] == [Ending.BOUGHT]


def test_an_order_that_stays_unknown_is_told():  # F5
    world = World()
    world.broker.before["place"] = UnknownOutcome("time-out")
    handle(buy(expires_s=600), world.desk())
    world.broker.before["find"] = Transient("no connection")
    world.sweep()
    assert world.told.kinds == ["unresolved"]
    assert "no connection" in world.told.sent[0].memo


def test_one_symbol_that_fails_does_not_keep_the_others_waiting():
    world = World()
    for symbol in ("KRW-AAA", "KRW-BBB"):
        with suppress(Died):
            handle(buy(symbol, expires_s=600), world.mortal(Before("place")))

    class Broken:
        def __getattr__(self, name):
            return getattr(world.broker, name)

        def place(self, order, at):
            if order.instrument == AAA:
                raise PositionError("cannot be")
            return world.broker.place(order, at)

    swept = world.sweep(replace(world.desk(), broker=Broken()))
    assert [(fault.instrument, fault.found[:9]) for fault in swept.faults] == [(AAA, "cannot be")]
    assert [verdict.outcome for verdict in swept.resumed] == [Ending.BOUGHT]
    assert world.told.kinds == ["bought", "streamer_silent", "unresolved"]


def test_an_open_order_that_no_lock_is_about_is_shown_to_a_person():
    world = World()
    world.bought()

    class Stray:
        def __getattr__(self, name):
            return getattr(world.books.ledger, name)

        def open_orders(self, market):
            return [replace(found, id="hoga-stray") for found in world.books.ledger.orders(market, "2026-09-21")]

        def order(self, key):
            known = world.books.ledger.orders(Market.UPBIT, "2026-09-21")[0]
            return replace(known, state=State.OPEN)

    swept = world.sweep(replace(world.desk(), ledger=Stray()))
    assert swept.strays == (world.books.ledger.orders(Market.UPBIT, "2026-09-21")[0].id,)
    assert "unresolved" in world.told.kinds


def test_an_index_that_is_behind_shows_no_strays():
    world = World()
    world.bought()

    class Behind:
        def __getattr__(self, name):
            return getattr(world.books.ledger, name)

        def open_orders(self, market):
            return world.books.ledger.orders(market, "2026-09-21")

    assert world.sweep(replace(world.desk(), ledger=Behind())).strays == ()


def test_a_position_whose_worker_was_stopped_gets_another():  # E2
    world = World()
    world.bought()
    owner = next(w for w in world.books.ledger.workers(Market.UPBIT) if w.status is Status.HOLD)
    world.books.ledger.move(owner, Status.EXIT, world.hands.at)
    swept = world.sweep()
    adoption = swept.adopted[0]
    assert (adoption.instrument, adoption.was) == (AAA, owner.id)
    assert adoption.worker not in ("", owner.id)
    assert world.lock.position.worker == adoption.worker
    assert world.sweep().adopted == ()
    assert handle(sell(at=world.hands.at), world.desk()).outcome is Ending.SOLD


def test_a_position_whose_worker_lost_it_gets_the_same_one_back():
    world = World()
    world.bought()
    owner = next(w for w in world.books.ledger.workers(Market.UPBIT) if w.status is Status.HOLD)
    world.books.ledger.move(owner, Status.SCAN, world.hands.at)
    assert world.sweep().adopted[0].worker == owner.id


def test_with_no_worker_free_a_position_without_one_is_told():
    world = World()
    world.bought()
    for worker in world.books.ledger.workers(Market.UPBIT):
        world.books.ledger.move(worker, Status.EXIT, world.hands.at)
    assert [adoption.worker for adoption in world.sweep().adopted] == [""]
    assert "no worker is free to own it" in "".join(alert.memo for alert in world.told.sent)


@pytest.mark.parametrize("symbol", ["KRW-AAA", "KRW-BBB"])
def test_a_worker_that_holds_nothing_is_free_again(symbol):
    world = World()
    world.bought()
    world.books.leases.adopt(world.lock, next(w for w in free(world)), world.hands.at)
    if symbol == "KRW-BBB":
        world.hands.later(1)
        handle(sell(at=world.hands.at), world.desk())
    assert len(world.sweep().freed) == 1
    assert len(free(world)) == (2 if symbol == "KRW-AAA" else 3)


def free(world):
    return [worker for worker in world.books.ledger.workers(Market.UPBIT) if worker.status is Status.SCAN]


def test_a_worker_at_hold_for_a_symbol_without_an_item_is_free_again():
    world = World()
    lost = Worker(id="w-01", market=Market.UPBIT, status=Status.HOLD, capital=Decimal(1), symbol="KRW-GONE")
    world.books.ledger.register(lost)
    assert world.sweep().freed == ("w-01",)


# ---- the streamer is silent ----------------------------------------------------------------------------------------


def health(at, subscribed=("KRW-AAA",), last_data=None, started=None, **more):
    """As the streamer says it: alive since well before, its data as old as told, and heard of AAA when data came."""
    data = at if last_data is None else last_data
    since = min(at, data) - 120_000 if started is None else started
    return StreamHealth(
        market=Market.UPBIT, at=at, host="h", started=Millis(since), last_data=data, subscribed=subscribed,
        connected=True, reconnects=0, messages=0, surprises=0, late=0, duplicates=0, gaps=0, signals=0,
        latency_p50_ms=0.0, latency_p99_ms=0.0, **{"heard": {"KRW-AAA": data}, **more},
    )  # fmt: skip


def looked(world, price, level=None, desk=None):
    desk = desk or world.desk()
    quotes = Quotes("KRW-AAA")
    quotes.prices["KRW-AAA"] = price
    if level is not None:
        desk.shelf.write(level)
    return sweep.run(desk, quotes), quotes


@pytest.mark.parametrize(("price", "reason"), [(96.9, "stop_loss"), (105.1, "take_profit")])
def test_while_the_streamer_is_silent_the_sweep_sells_at_stop_and_take(price, reason):  # E4, E8
    world = World()
    world.bought()
    swept, _ = looked(world, price, health(Millis(world.hands.at - 20_001)))
    assert swept.silent
    assert [(verdict.outcome, verdict.trip.exit) for verdict in swept.exits] == [(Ending.SOLD, reason)]
    assert world.told.kinds == ["bought", "sold", "streamer_silent"]  # told last: it stands in the way of no sale
    assert world.told.sent[2].memo == "20 s"


def test_a_streamer_that_was_never_seen_is_silent_once_there_is_something_to_watch():
    world = World()
    world.bought()
    swept, _ = looked(world, 100.0)
    assert (swept.silent, swept.exits) == (True, ())
    assert world.told.sent[-1].memo == "never seen"


def test_targets_that_nobody_streams_are_a_silence_too():
    world = World()
    desk = world.desk()
    desk.shelf.write(Targets(market=Market.UPBIT, at=world.hands.at, version=1, candidates=()))
    swept, quotes = looked(world, 100.0, desk=desk)
    assert swept.silent
    assert quotes.asked == []


def test_a_streamer_that_lives_watches_its_own_exits():
    world = World()
    world.bought()
    swept, quotes = looked(world, 50.0, health(Millis(world.hands.at - 20_000)))
    assert (swept.silent, swept.exits, quotes.asked) == (False, (), [])


@pytest.mark.parametrize(("subscribed", "silent"), [(("KRW-AAA",), True), ((), True)])
def test_a_streamer_that_speaks_but_has_no_data_is_silent_where_it_should_have_some(subscribed, silent):
    """Also where a dead connection has emptied what is subscribed."""
    world = World()
    world.bought()
    old = Millis(world.hands.at - 60_000)
    swept, _ = looked(world, 50.0, health(world.hands.at, subscribed, old))
    assert swept.silent is silent
    assert [verdict.outcome for verdict in swept.exits] == [Ending.SOLD]
    assert world.told.sent[-1].memo == "60 s"


def test_a_streamer_with_nothing_to_stream_is_not_silent_however_old_its_data():
    world = World()
    desk = world.desk()
    desk.shelf.write(Targets(market=Market.UPBIT, at=world.hands.at, version=1, candidates=()))
    swept, _ = looked(world, 50.0, health(world.hands.at, (), Millis(0), Millis(0)), desk)
    assert swept.silent is False


def test_an_exchange_that_is_down_is_a_silence_though_nothing_is_held_yet():
    world = World()
    desk = world.desk()
    desk.shelf.write(Targets(market=Market.UPBIT, at=world.hands.at, version=1, candidates=()))
    old = Millis(world.hands.at - 60_000)
    swept, _ = looked(world, 50.0, health(world.hands.at, (), old, wanted=("KRW-AAA",)), desk)
    assert (swept.silent, swept.exits) == (True, ())


def test_one_dead_connection_does_not_hide_behind_the_others():
    world = World()
    world.bought()
    at = world.hands.at
    dead = health(at, ("KRW-BBB",), at, wanted=("KRW-AAA", "KRW-BBB"), heard={"KRW-AAA": Millis(at - 30_000)})
    swept, quotes = looked(world, 50.0, dead)
    assert swept.silent
    assert [verdict.outcome for verdict in swept.exits] == [Ending.SOLD]
    assert quotes.asked == [("tickers", ("KRW-AAA",))]
    assert world.told.sent[-1].memo == "30 s"


def test_a_connection_lost_a_moment_ago_is_looked_after_without_a_word():
    world = World()
    world.bought()
    swept, _ = looked(world, 50.0, health(world.hands.at, ()))
    assert (swept.silent, len(swept.exits)) == (False, 1)
    assert world.told.kinds == ["bought", "sold"]


def test_a_held_symbol_that_is_subscribed_and_quiet_is_looked_at_without_a_word():
    world = World()
    world.bought()
    at = world.hands.at
    swept, _ = looked(world, 50.0, health(at, heard={"KRW-AAA": Millis(at - 60_000)}))
    assert (swept.silent, len(swept.exits)) == (False, 1)
    assert world.told.kinds == ["bought", "sold"]


def test_before_its_first_data_a_streamer_is_as_old_as_its_start():
    world = World()
    world.bought()
    at = world.hands.at
    young, _ = looked(world, 100.0, health(at, last_data=Millis(0), started=at, heard={}))
    assert young.silent is False
    old, _ = looked(world, 100.0, health(at, last_data=Millis(0), started=at - 25_000, heard={}))
    assert old.silent
    assert world.told.sent[-1].memo == "25 s"


def test_a_market_that_has_just_opened_is_not_silent_for_its_night():  # B6
    """Nothing came since the last close: that is waited for from the opening on."""
    world = World()
    world.bought()
    at, desk = world.hands.at, world.desk()
    opens = lambda after: lambda day, told: replace(always_open(day), opens=lambda moment: Millis(at - after))
    night = health(at, last_data=Millis(at - 64_800_000), wanted=("KRW-AAA",))
    young, _ = looked(world, 50.0, night, replace(desk, rules=replace(desk.rules, calendar=opens(19_000))))
    assert (young.silent, young.exits) == (False, ())
    old, _ = looked(world, 50.0, night, replace(desk, rules=replace(desk.rules, calendar=opens(21_000))))
    assert (old.silent, len(old.exits)) == (True, 1)


class Mute:
    """Alerts that cannot be sent."""

    def send(self, alerts):
        raise Transient("the queue does not answer")


def test_a_sweep_that_cannot_tell_does_its_work_and_says_so():
    world = World()
    world.bought()
    price_fell = Quotes("KRW-AAA")
    price_fell.prices["KRW-AAA"] = 50.0

    class Selling:
        """The sale's own word goes out: what is tried here is the sweep's."""

        def send(self, alerts):
            if alerts[0].kind.value != "sold":
                Mute().send(alerts)

    swept = sweep.run(replace(world.desk(), alerts=Selling()), price_fell)
    assert (swept.silent, [verdict.outcome for verdict in swept.exits]) == (True, [Ending.SOLD])
    assert "the queue does not answer" in swept.untold


# ---- our books and the venue's -------------------------------------------------------------------------------------


def told_otherwise(world, units):
    """The venue says that it holds so many AAA."""
    world.broker.holdings = lambda market: {"KRW-AAA": Decimal(units), "KRW-OWN": Decimal(7)}


@pytest.mark.parametrize("units", ["0.5", "0", "99999"])
def test_units_that_the_venue_tells_otherwise_are_told_and_nothing_is_done(units):
    world = World()
    world.bought()
    before = world.lock
    told_otherwise(world, units)
    swept, _ = looked(world, 100.0, health(world.hands.at))
    assert [(each.instrument, each.booked, each.found) for each in swept.differs] == [
        (AAA, before.position.quantity, Decimal(units))
    ]
    assert world.told.kinds == ["bought", "unresolved"]
    assert "the venue holds" in world.told.sent[-1].memo
    assert world.lock == before
    assert swept.exits == ()


def test_books_that_agree_are_not_worth_a_word():
    world = World()
    world.bought()
    swept, _ = looked(world, 100.0, health(world.hands.at))
    assert (swept.differs, swept.uncounted) == ((), "")
    assert world.told.kinds == ["bought"]


def test_a_venue_that_does_not_say_what_it_holds_stops_nothing():
    world = World()
    world.bought()

    def away(market):
        raise Transient("no connection")

    world.broker.holdings = away
    swept, _ = looked(world, 100.0, health(world.hands.at))
    assert (swept.differs, swept.uncounted[:13]) == ((), "no connection")
    assert world.told.kinds == ["bought"]


def test_with_nothing_held_the_venue_is_asked_in_every_tenth_minute_only():
    world, asked = World(), []

    def asking(market):
        asked.append(world.hands.at)
        return {}

    world.broker.holdings = asking
    desk = replace(world.desk(), broker=world.broker)
    for _ in range(40):
        world.sweep(desk)  # every 30 s
    first, *later = asked  # what is there before we begin is its owner's own
    assert first < later[0]
    assert len(later) == 4  # two sweeps in each of two such minutes
    assert {at // 60_000 % 10 for at in later} == {0}


def test_units_left_of_what_was_traded_today_are_told_and_the_owners_own_are_not():
    world = World()
    world.bought()
    handle(sell(at=world.hands.at), world.desk())
    told_otherwise(world, "0.5")
    world.hands.at = Millis(world.hands.at - world.hands.at % 600_000 + 600_000)
    swept = sweep.run(world.desk(), Quotes("KRW-AAA"))
    assert [(each.instrument, each.booked) for each in swept.differs] == [(AAA, Decimal(0))]


def test_a_symbol_that_moved_while_the_venue_was_asked_is_left_to_the_next_run():
    world = World()
    world.bought()

    def moving(market):
        handle(sell(at=world.hands.at), world.desk())
        return {}

    world.broker.holdings = moving
    swept, _ = looked(world, 100.0, health(world.hands.at))
    assert swept.differs == ()


def test_a_position_that_someone_works_on_is_not_sold_beside_him():
    world = World()
    world.bought()
    held = take(world.desk(), sell(at=world.hands.at))
    assert isinstance(held, Granted)
    swept, _ = looked(world, 50.0)
    assert swept.exits == ()


def test_prices_that_cannot_be_had_are_told():
    world = World()
    world.bought()
    quotes = Quotes("KRW-AAA")
    quotes.trouble["tickers"] = Transient("no connection")
    swept = sweep.run(world.desk(), quotes)
    assert [fault.found[:13] for fault in swept.faults] == ["no connection"]
    assert world.told.kinds == ["bought", "streamer_silent", "unresolved"]


def test_a_symbol_without_a_price_is_left_to_the_next_run():
    world = World()
    world.bought()
    swept = sweep.run(world.desk(), Quotes("KRW-BBB"))
    assert (swept.silent, swept.exits, swept.faults) == (True, (), ())


def test_an_exit_that_fails_does_not_keep_the_others_waiting():
    world = World()
    world.bought()
    handle(buy("KRW-BBB", at=world.hands.at), world.desk())
    world.hands.later(1)
    quotes = Quotes("KRW-AAA", "KRW-BBB")
    quotes.prices = {"KRW-AAA": 50.0, "KRW-BBB": 50.0}

    class Broken:
        def __getattr__(self, name):
            return getattr(world.broker, name)

        def place(self, order, at):
            if order.instrument == AAA:
                raise PositionError("cannot be")
            return world.broker.place(order, at)

    swept = sweep.run(replace(world.desk(), broker=Broken()), quotes)
    assert [fault.instrument for fault in swept.faults] == [AAA]
    assert [verdict.instrument.symbol for verdict in swept.exits] == ["KRW-BBB"]


def test_outside_the_session_nobody_is_silent_and_no_exit_is_watched():  # B6
    world = World()
    world.bought()
    desk = world.desk()
    shut = lambda day, told: replace(always_open(day), is_open=lambda at: False)
    swept, quotes = looked(world, 50.0, desk=replace(desk, rules=replace(desk.rules, calendar=shut)))
    assert (swept.silent, swept.exits, quotes.asked) == (False, (), [])
    assert world.told.kinds == ["bought"]
