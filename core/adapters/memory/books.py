"""Locks and ledger in one process, for replay and unit tests: three ports over the same books, empty at first."""

from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.leases import MemoryLeases
from core.adapters.memory.ledger import MemoryLedger
from core.adapters.memory.state import Books


class MemoryBooks:
    """All of them see each other's writes, as the two tables do in one transaction."""

    def __init__(self, budget: MemoryBudget | None = None) -> None:
        books = Books()
        self.leases = MemoryLeases(books, budget)
        self.ledger = MemoryLedger(books)
        self.sendings = books.sendings
