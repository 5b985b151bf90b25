"""What must come about once nobody interferes any more: within `exp + margin` the next who comes is granted (10), and
then the books say what the venue says."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from core.adapters.dynamo.items import lock_of
from core.adapters.dynamo.ledger import DynamoLedger
from core.domain.leases import MARGIN, Lock
from core.domain.orders import DONE, Order
from core.domain.values import ZERO, Market, Side
from core.domain.workers import Status
from tests.model.actors import LEASE_MS, LEDGER, Task
from tests.model.system import Machine, State_, lock_item

RUNS = 2
SKEW = 10_000


def settled(state: State_, machine: Machine) -> Iterator[tuple[int, str]]:
    """What is still wrong after two undisturbed runs of the sweep, the second with nothing left to do."""
    later = state.now
    for run in range(RUNS):
        later += LEASE_MS + MARGIN + 2 * SKEW
        state = _swept(replace(state, now=later), machine, f"sweep/{run}")
    item = lock_item(state.rows)
    if item is None:
        return
    lock = lock_of(item)
    if lock.intent is not None or lock.owner:
        yield 10, f"{lock.owner or 'nobody'} still has {lock.intent.order if lock.intent else 'the lock'} open"
    yield from _booked(lock, [order for _, order in state.log], machine.tables(state))


def _swept(state: State_, machine: Machine, owner: str) -> State_:
    point = machine.root(Task(owner, None), state.now)
    while point.call is not None:
        reply, state = machine.done(state, point.call)
        point = machine.told(state, point, reply)
    return state


def _booked(lock: Lock, log: list[Order], table: Any) -> Iterator[tuple[int, str]]:
    ledger = DynamoLedger(LEDGER, table)
    bought = sum((_signed(order) for order in log), ZERO)
    held = lock.position.quantity if lock.position else ZERO
    if bought != held:
        yield 3, f"the venue holds {bought}, the books hold {held}"
    if left := [order.id for order in ledger.open_orders(Market.UPBIT)]:
        yield 10, f"orders are open in the books: {left}"
    if strange := [order.id for order in log if (row := ledger.order(order.id)) is None or row.state not in DONE]:
        yield 3, f"the books do not know what the venue took: {strange}"
    account = ledger.account(Market.UPBIT, "any")
    cost = lock.position.cost + lock.position.fees if lock.position else ZERO
    if (account.exposure, account.positions) != (cost, int(lock.position is not None)):
        yield 10, f"the account counts {account.exposure} in {account.positions} positions, {cost} is held"
    holding = [worker.symbol for worker in ledger.workers(Market.UPBIT) if worker.status is Status.HOLD]
    if len(holding) != int(lock.position is not None):
        yield 10, f"workers hold {holding}"


def _signed(order: Order) -> Decimal:
    return order.filled if order.side is Side.BUY else -order.filled
