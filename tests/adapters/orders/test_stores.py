"""What a broker remembers (E8): one version after the other, one number for one order; notices in the order they came."""

from decimal import Decimal as D

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws
from msgspec.structs import replace

from core.adapters.dynamo.ledger import DynamoLedger
from core.adapters.dynamo.notices import DynamoNotices
from core.adapters.dynamo.sendings import DynamoSendings
from core.adapters.memory.notices import MemoryNotices
from core.adapters.memory.sendings import MemorySendings
from core.domain.errors import OrderExecutionError, Transient
from core.domain.events import NoticeKind, OrderNotice
from core.domain.sendings import Fate, Sending, Standing
from core.domain.values import Instrument, Market, Millis, Side
from tests.cloud import create
from tests.fakes import Counting

SAMSUNG, HYNIX = Instrument(Market.KRX, "005930"), Instrument(Market.KRX, "0074K0")
AT = Millis(1_790_046_000_123)


@pytest.fixture
def tables():
    with mock_aws():
        yield create()


@pytest.fixture(params=["memory", "dynamo"])
def sendings(request):
    if request.param == "memory":
        return MemorySendings()
    tables = request.getfixturevalue("tables")
    return DynamoSendings(tables.ledger, tables.client(), pause=lambda s: None, dice=lambda: 0.5)


@pytest.fixture(params=["memory", "dynamo"])
def board(request):
    if request.param == "memory":
        return MemoryNotices()
    tables = request.getfixturevalue("tables")
    return DynamoNotices(tables.state, tables.client(), pause=lambda s: None, dice=lambda: 0.5)


def sending(order="hoga-1", fate=Fate.SENT, version=1, **changes):
    base = Sending(
        order=order, instrument=SAMSUNG, side=Side.SELL, quantity=D(10), limit=None, at=AT, fate=fate, version=version,
        before=Standing(units=D(25), cost=D("1747500.5"), ordered=D(3), filled=D(0), value=D(0)),
    )  # fmt: skip
    return replace(base, **changes)


def notice(order="0000001562", kind=NoticeKind.FILLED, seen=AT, quantity=1, **changes):
    base = OrderNotice(
        instrument=SAMSUNG, account="1234567801", order=order, original="", side=Side.BUY, kind=kind,
        quantity=D(quantity), price=D(2200), at=Millis(seen - 500), seen=seen,
    )  # fmt: skip
    return replace(base, **changes)


def test_what_is_written_reads_back_exactly(sendings):
    assert sendings.read("hoga-1") is None
    assert sendings.write(sending())
    assert sendings.read("hoga-1") == sending()
    assert sendings.write(sending(fate=Fate.REFUSED, version=2, note="APBK0919", limit=D("70000.5")))
    assert sendings.read("hoga-1").limit == D("70000.5")


@pytest.mark.parametrize("version", [1, 3])
def test_only_the_version_after_the_stored_one_is_written(sendings, version):
    sendings.write(sending())
    assert not sendings.write(sending(fate=Fate.UNSENT, version=version))
    assert sendings.read("hoga-1") == sending()


@pytest.mark.parametrize("scope", ["all", "krx", "krx:005930", "krx:0074K0"])
def test_a_buy_is_not_noted_as_sent_into_a_halt_and_a_sale_is(tables, scope):
    """E10: the look at the halts is part of the last write before an order leaves, however long it had to wait."""
    client = Counting(tables.client())
    log = DynamoSendings(tables.ledger, client, pause=lambda s: None, dice=lambda: 0.5)
    DynamoLedger(tables.ledger, tables.client()).halt(scope, "news", AT)
    buy = sending("hoga-2", side=Side.BUY)
    if scope == "krx:0074K0":
        assert log.write(buy)
        assert not log.write(buy)
    else:
        with pytest.raises(OrderExecutionError, match=f"halted, {scope}: news"):
            log.write(buy)
        assert log.read("hoga-2") is None
    assert log.write(sending())
    assert client.calls["transact_write_items"] == 1 + (scope == "krx:0074K0")


def test_a_buy_whose_note_went_through_and_whose_reply_was_lost_was_noted(tables):
    client, lost = tables.client(), [ReadTimeoutError(endpoint_url="test")]

    class Lossy:
        def transact_write_items(self, **request):
            client.transact_write_items(**{**request, "ClientRequestToken": f"t{len(lost)}"})
            if lost:
                raise lost.pop()

    log = DynamoSendings(tables.ledger, Lossy(), pause=lambda s: None, dice=lambda: 0.5)
    assert log.write(sending(side=Side.BUY))


def test_a_first_version_needs_an_empty_place(sendings):
    assert not sendings.write(sending(version=2))
    assert sendings.read("hoga-1") is None


def test_a_number_belongs_to_one_order_for_ever(sendings):
    for order in ("hoga-1", "hoga-2"):
        sendings.write(sending(order))
    assert sendings.claim(sending("hoga-1", Fate.TAKEN, 2, venue_id="n-1-b"), "n-1")
    assert not sendings.claim(sending("hoga-2", Fate.TAKEN, 2, venue_id="n-1-b"), "n-1")
    assert sendings.read("hoga-2").fate is Fate.SENT
    assert sendings.claim(sending("hoga-2", Fate.TAKEN, 2, venue_id="n-2-b"), "n-2")


def test_a_claim_over_an_old_version_takes_no_number(sendings):
    sendings.write(sending())
    sendings.write(sending(fate=Fate.UNSENT, version=2))
    assert not sendings.claim(sending(fate=Fate.TAKEN, version=2), "n-1")
    sendings.write(sending("hoga-2"))
    assert sendings.claim(sending("hoga-2", Fate.TAKEN, 2), "n-1")


class LostReplies:
    """A client whose writes are not answered, as often as `lost` says; carried out or not."""

    def __init__(self, client, lost, carried_out=True):
        self._client, self.lost, self.carried_out = client, lost, carried_out

    def __getattr__(self, name):
        method = getattr(self._client, name)
        if name not in ("update_item", "transact_write_items"):
            return method

        def call(**request):
            reply = method(**request) if self.carried_out or not self.lost else None
            if self.lost:
                self.lost -= 1
                raise ReadTimeoutError(endpoint_url="http://test")
            return reply

        return call


def test_a_write_whose_reply_is_lost_is_known_as_its_own(tables):
    log = DynamoSendings(tables.ledger, LostReplies(tables.client(), 2), pause=lambda s: None, dice=lambda: 0.5)
    assert log.write(sending())
    other = DynamoSendings(tables.ledger, tables.client())
    assert not other.write(sending())


def test_a_table_that_never_answers_is_transient(tables):
    log = DynamoSendings(tables.ledger, LostReplies(tables.client(), 99, False), pause=lambda s: None, dice=lambda: 0.5)
    with pytest.raises(Transient):
        log.write(sending())


def test_notices_are_read_by_symbol_since_a_moment_in_their_order(board):
    accepted, filled = notice(kind=NoticeKind.ACCEPTED), notice(seen=Millis(AT + 3))
    board.put([accepted, filled, notice(instrument=HYNIX)])
    assert [n.kind for n in board.about(SAMSUNG, Millis(AT - 5000))] == [NoticeKind.ACCEPTED, NoticeKind.FILLED]
    assert [n.kind for n in board.about(SAMSUNG, Millis(AT + 1))] == [NoticeKind.FILLED]
    assert board.about(HYNIX, Millis(0))[0].quantity == 1


def test_the_account_of_a_notice_is_not_kept(board):
    board.put([notice()])
    assert board.about(SAMSUNG, Millis(0)) == [notice(account="")]


def test_two_fills_that_are_alike_are_two(board):
    board.put([notice(), notice()])
    assert len(board.about(SAMSUNG, Millis(0))) == 2


def test_notices_put_twice_after_a_lost_reply_are_there_once(tables):
    board = DynamoNotices(tables.state, tables.client())
    for _ in range(2):
        board.put([notice(), notice(), notice(kind=NoticeKind.ACCEPTED)])
    assert len(board.about(SAMSUNG, Millis(0))) == 3


def test_many_notices_come_page_after_page(tables, monkeypatch):
    client = tables.client()
    query = client.query
    board = DynamoNotices(tables.state, client)
    board.put([notice(seen=Millis(AT + n)) for n in range(7)])
    monkeypatch.setattr(client, "query", lambda **request: query(**request, Limit=3))
    assert len(board.about(SAMSUNG, Millis(0))) == 7


def test_a_note_that_the_table_cannot_take_is_no_halt():
    """A transaction may be cancelled for what no condition says: that is told as it is."""

    class Full:
        def transact_write_items(self, **request):
            why = [{"Code": "ValidationError", "Message": "too large"}, *({"Code": "None"} for _ in range(3))]
            answer = {"Error": {"Code": "TransactionCanceledException", "Message": ""}, "CancellationReasons": why}
            raise ClientError(answer, "TransactWriteItems")

    with pytest.raises(ClientError):
        DynamoSendings("ledger", Full()).write(sending(side=Side.BUY))
