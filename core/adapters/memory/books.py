"""Locks and ledger in one process, for replay and unit tests: two ports over the same books, empty at first."""

from core.adapters.memory.leases import MemoryLeases
from core.adapters.memory.ledger import MemoryLedger
from core.adapters.memory.state import Books


class MemoryBooks:
    """`leases` and `ledger` see each other's writes, as the two tables do in one transaction."""

    def __init__(self) -> None:
        books = Books()
        self.leases = MemoryLeases(books)
        self.ledger = MemoryLedger(books)
