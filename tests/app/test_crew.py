"""E2: workers are put to work once, and a signal finds a free one."""

from core.app.crew import candidates, enlist, names
from core.domain.values import Market
from core.domain.workers import Status
from tests.fakes import AT, buy, desk_of, policy


def test_every_missing_worker_is_registered_and_scans():
    desk = desk_of()
    assert [(worker.id, worker.status) for worker in enlist(desk, AT)] == [(name, Status.SCAN) for name in names(3)]


def test_an_idle_worker_starts_and_one_that_was_stopped_stays_so():
    desk = desk_of()
    desk.ledger.register(new("w-01", Status.IDLE))
    desk.ledger.register(new("w-02", Status.EXIT))
    assert [worker.status for worker in enlist(desk, AT)] == [Status.SCAN, Status.EXIT, Status.SCAN]


def test_with_all_at_work_nothing_is_written():
    desk = desk_of()
    first = enlist(desk, AT)
    assert enlist(desk, AT + 5) == first


def test_the_first_candidate_costs_no_look_and_the_rest_are_free_and_each_once():
    desk = desk_of()
    tried = candidates(buy().id, desk, AT)
    first = next(tried)
    assert desk.ledger.workers(Market.UPBIT) == []
    rest = [worker.id for worker in tried]
    assert sorted(rest) == names(3)
    assert rest[0] == first.id


def test_different_signals_begin_at_different_workers():
    desk = desk_of()
    firsts = {next(candidates(f"signal-{number}", desk, AT)).id for number in range(50)}
    assert firsts == set(names(3))


def new(name, status):
    from core.domain.workers import Worker

    return Worker(id=name, market=Market.UPBIT, status=status, capital=policy().workers.capital)
