"""From the lock to the order: who works on it, what a buy must fit into, and what became of the last one."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from core.app.barriers import losing, lost_enough
from core.app.checks import MARKED_MS
from core.app.crew import RETIRED, names
from core.app.gates.facts import Facts, Gate, Mark, amount, passed, seconds
from core.app.ports import Limits
from core.domain.errors import Refused
from core.domain.leases import MARGIN, Lock
from core.domain.orders import DONE, Order
from core.domain.sizing import Grid, TooSmall, size
from core.domain.values import ZERO, Millis, Side
from core.domain.workers import Status


def bought(facts: Facts) -> Iterator[Gate]:
    yield from _locked(facts)
    yield from _cooled(facts)
    yield _worker(facts)
    gate, cost = _sized(facts)
    yield gate
    yield from _risks(facts, cost)
    yield from _ordered(facts)


def _locked(facts: Facts) -> Iterator[Gate]:
    lock = facts.lock
    if lock is None:
        yield Gate("lock", Mark.PASS, "free", "", "never locked")
        return
    left = lock.ends + MARGIN - facts.at
    if lock.owner and left >= 0:
        yield Gate("lock", Mark.STOP, f"held by {lock.owner}", f"{seconds(left)} left", _intends(lock))
    elif lock.intent is not None:
        yield Gate("lock", Mark.STOP, "left behind, to be finished first", "", _intends(lock))
    else:
        yield Gate("lock", Mark.PASS, "free", "", f"fence {lock.fence}")
    if held := lock.position:
        detail = f"{held.quantity:f} at {held.price:f} by {held.worker} ({held.rule})"
        yield Gate("position", Mark.STOP, "held", "flat", detail)


def _intends(lock: Lock) -> str:
    return (
        f"{lock.intent.side.value} by {lock.intent.reason}, fence {lock.fence}"
        if lock.intent
        else f"fence {lock.fence}"
    )


def _cooled(facts: Facts) -> Iterator[Gate]:
    pause_ms, lost = facts.policy.risk.symbol_cooldown_s * 1000, facts.lock.lost if facts.lock else 0
    if pause_ms and lost:
        ago = facts.at - lost
        yield passed(ago > pause_ms, "after a loss", f"lost {seconds(ago)} ago", f"more than {seconds(pause_ms)}")


def _worker(facts: Facts) -> Gate:
    """One that has not started yet is started by the first buy; those over `workers.count` buy nothing any more."""
    count = facts.policy.workers.count
    wanted = [one for one in facts.workers if one.id in names(count)]
    busy = [one for one in wanted if one.status in (Status.HOLD, Status.EXIT) and one.note != RETIRED]
    free = count - max(len(busy), facts.account.positions)
    holding = " ".join(f"{one.id}:{one.symbol or one.status.value}" for one in busy)
    return passed(free > 0, "worker", f"{max(free, 0)} of {count} free", "1 or more", holding)


def _sized(facts: Facts) -> tuple[Gate, Decimal]:
    """Would what a worker may spend make an order at all? With what the order would take of the limits."""
    try:
        return _order_of_size(facts)
    except Refused as unknown:
        return Gate("size", Mark.STOP, unknown.found), ZERO


def _order_of_size(facts: Facts) -> tuple[Gate, Decimal]:
    """At the worst price that a buy accepts, as the order itself is sized (core/app/wishes.py)."""
    symbol, rules, risk = facts.symbol, facts.venue.rules, facts.policy.risk
    if facts.price <= 0.0:
        return Gate("size", Mark.WAIT, "no price is known"), ZERO
    price = Decimal(str(facts.signal.price if facts.signal else facts.price))
    worst = price * (1 + Decimal(str(risk.max_slippage)))
    limit = rules.floor_price(symbol, worst, Side.BUY, facts.at)
    limit = min(limit, facts.highest) if facts.highest is not None else limit
    budget = min(facts.policy.workers.capital, risk.per_symbol, risk.total_exposure)
    grid = Grid(
        lot=rules.lot(symbol),
        minimum=rules.minimum(symbol),
        maximum=rules.maximum(symbol),
        fee=rules.fee(symbol, Side.BUY, facts.at),
    )
    found = size(price, limit, budget, grid)
    bounds = f"{amount(grid.minimum)} to {amount(budget)}"
    if isinstance(found, TooSmall):
        return Gate("size", Mark.STOP, f"{amount(found.value, 2)} is all that the budget buys", bounds), ZERO
    return Gate("size", Mark.PASS, f"{amount(found.quantity)} for {amount(found.cost, 2)}", bounds), found.cost


def _risks(facts: Facts, cost: Decimal) -> Iterator[Gate]:
    """Each limit against what one more buy would make of it (E7)."""
    risk, account = facts.policy.risk, facts.account
    open_loss = max(ZERO, -facts.marked.unrealised) if risk.unrealised and facts.marked else ZERO
    limits = _limits(facts, cost, open_loss)
    if risk.unrealised:
        age = facts.at - facts.marked.at if facts.marked else None
        told = f"{seconds(age)} old" if age is not None else "never told"
        yield passed(age is not None and age <= MARKED_MS, "open loss", told, f"at most {seconds(MARKED_MS)}")
    lost = f"{amount(account.realised)}, open {amount(-open_loss)}" if open_loss else amount(account.realised)
    yield passed(not lost_enough(limits, account.realised), "daily loss", lost, f"above {amount(-risk.daily_loss)}")
    if risk.loss_streak:
        good = not losing(limits, account.streak, account.lost)
        yield passed(good, "losing streak", f"{account.streak} in a row", f"under {risk.loss_streak}")
    yield from _room(facts, limits.cost)


def _limits(facts: Facts, cost: Decimal, open_loss: Decimal) -> Limits:
    """What one more buy must fit into."""
    risk, pause_s = facts.policy.risk, facts.policy.risk.streak_pause_s
    return Limits(
        cost=cost,
        per_symbol=risk.per_symbol,
        total_exposure=risk.total_exposure,
        daily_loss=risk.daily_loss - open_loss,
        max_positions=risk.max_positions,
        day=facts.days.day_of(facts.at),
        streak=risk.loss_streak,
        streak_since=Millis(facts.at - round(pause_s * 1000)) if pause_s else Millis(0),
    )


def _room(facts: Facts, cost: Decimal) -> Iterator[Gate]:
    risk, account = facts.policy.risk, facts.account
    yield passed(
        account.positions < risk.max_positions, "positions", f"{account.positions} open", f"under {risk.max_positions}"
    )
    room = account.exposure + cost <= risk.total_exposure
    yield passed(
        room, "exposure", f"{amount(account.exposure)} + {amount(cost, 2)}", f"at most {amount(risk.total_exposure)}"
    )
    if facts.spent is not None and risk.currency_exposure is not None:
        spent, most = facts.spent, risk.currency_exposure
        name = f"exposure in {facts.policy.universe.quote}"
        yield passed(spent + cost <= most, name, f"{amount(spent)} + {amount(cost, 2)}", f"at most {amount(most)}")


def _ordered(facts: Facts) -> Iterator[Gate]:
    if not facts.orders:
        yield Gate("order", Mark.NONE, "none today")
        return
    last = facts.orders[-1]
    intent = facts.lock.intent if facts.lock else None
    mark = Mark.STOP if last.state not in DONE and intent and intent.order == last.id else Mark.NONE
    yield Gate("order", mark, _told(last), f"{len(facts.orders)} today", last.note)


def _told(order: Order) -> str:
    filled = f"{amount(order.filled)} of {amount(order.quantity)}"
    return f"{order.side.value} {order.state.value}, {filled} filled, by {order.reason}"
