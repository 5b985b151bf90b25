"""Orders at the simulated KIS: what is accepted, refused, filled and changed (reference/kis.md 8.2, 8.3; E3, E8, E9)."""

import pytest

from core.domain.policies import Environment
from core.simulators.kis_depth import depth
from core.simulators.kis_time import Timetable, compressed, hours, midnight_of

REAL, MOCK = Environment.REAL, Environment.MOCK
SAMSUNG, THIN, HALTED, ETF = "005930", "900010", "900005", "069500"


def at_time(text: str) -> int:
    """Epoch ms of HH:MM on the test's Wednesday."""
    hour, minute = text.split(":")
    return midnight_of("20260923") + (int(hour) * 60 + int(minute)) * 60_000


@pytest.mark.parametrize(
    ("flavour", "side", "code", "branch"),
    [(REAL, "buy", "APBK0013", "06010"), (MOCK, "buy", "40600000", "00950"), (MOCK, "sell", "40590000", "00950")],
)
async def test_an_accepted_order_is_answered_in_upper_case(serving, flavour, side, code, branch):
    async with serving(flavour) as client:
        client.sim.books.hold(SAMSUNG, 5, 150_000)
        body = await client.order(side)
        assert (body["rt_cd"], body["msg_cd"]) == ("0", code)
        assert body["output"] == {"KRX_FWDG_ORD_ORGNO": branch, "ODNO": "0000000001", "ORD_TMD": "123902"}


async def test_a_market_buy_fills_at_the_offers_and_the_books_know(real):
    stock = real.sim.market.lines[SAMSUNG]
    asked = stock.ask
    await real.order(quantity="7")
    books = real.sim.books.report()
    assert books["holdings"] == {SAMSUNG: 7}
    assert books["cash"] == 10_000_000 - 7 * asked - books["fees"]
    assert books["fees"] == round(7 * asked * 0.000140527)
    assert real.sim.log.counts["orders"] == real.sim.log.counts["fills"] == 1


async def test_a_sale_pays_fee_and_tax_and_its_proceeds_can_be_spent_at_once(real):
    real.sim.books.hold(SAMSUNG, 5, 150_000)
    bid, before = real.sim.market.lines[SAMSUNG].bid, real.sim.books.spendable
    await real.order("sell", quantity="5")
    books = real.sim.books.report()
    assert books["taxes"] == round(5 * bid * 0.002)
    assert real.sim.books.spendable == before + 5 * bid - books["fees"] - books["taxes"]
    assert books["holdings"] == {}


async def test_an_order_larger_than_the_best_step_eats_into_the_book(serving):
    async with serving(funds=10**13) as client:
        size = sum(step.size for step in _asks(client)[:3])
        await client.order(quantity=str(size))
        (order,) = client.sim.books.orders.values()
        assert [one.price for one in order.executions] == [step.price for step in _asks(client)[:3]]
        assert order.filled == size


def _asks(client):
    return depth(client.sim.market.lines[SAMSUNG]).asks


@pytest.mark.parametrize("flavour", [REAL, MOCK])
async def test_a_market_buy_blocks_the_upper_limit_price(serving, flavour):
    async with serving(flavour) as client:
        stock = client.sim.market.lines[SAMSUNG]
        quantity = 10_000_000 // stock.upper
        assert 10_000_000 // stock.ask > quantity
        refused = await client.order(quantity=str(quantity + 1))
        assert refused["msg_cd"] == ("APBK0919" if flavour is REAL else "40100000")
        assert client.sim.books.orders == {}
        limited = await client.order(quantity=str(quantity + 1), price=str(stock.bid))
        assert limited["rt_cd"] == "0"


async def test_a_resting_buy_keeps_its_cash_until_it_is_cancelled(mock):
    stock = mock.sim.market.lines[SAMSUNG]
    low = stock.shift(stock.bid, -9)
    number = (await mock.order(quantity="10", price=str(low)))["output"]["ODNO"]
    assert mock.sim.books.spendable == 10_000_000 - 10 * low
    await mock.change(number)
    assert mock.sim.books.spendable == 10_000_000


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"symbol": "ZZZZZZ"}, "APBK0656"), ({"quantity": "0"}, "APBK0918"), ({"quantity": "1.5"}, "APBK0918"),
        ({"price": "151150"}, "APBK0918"), ({"price": "1"}, "APBK0918"), ({"price": "9999000"}, "APBK0918"),
        ({"ORD_DVSN": "99"}, "APBK0918"), ({"ORD_DVSN": "01", "ORD_UNPR": "150000"}, "APBK0918"),
        ({"symbol": HALTED}, "APBK0918"), ({"side": "sell"}, "APBK0400"), ({"quantity": "100000"}, "APBK0919"),
        ({"EXCG_ID_DVSN_CD": "NASDAQ"}, "APBK0918"), ({"EXCG_ID_DVSN_CD": "NXT"}, "APBK0918"),
        ({"EXCG_ID_DVSN_CD": "NXT", "symbol": ETF, "ORD_DVSN": "15"}, "APBK0918"),
        ({"EXCG_ID_DVSN_CD": "SOR", "ORD_DVSN": "02", "ORD_UNPR": "150000"}, "APBK0918"),
        ({"ORD_DVSN": "41", "ORD_UNPR": "150000"}, "APBK0918"), ({"CANO": "99999999"}, "OPSQ2000"),
        ({"ORD_UNPR": "-5"}, "APBK0918"),
    ],
)  # fmt: skip
async def test_what_the_exchange_would_not_take_is_refused_and_leaves_nothing(real, words, code):
    body = await real.order(**words)
    assert (body["rt_cd"] != "0", body["msg_cd"]) == (True, code)
    assert real.sim.books.orders == {}
    assert real.sim.log.refusals[code] == 1


async def test_mock_takes_orders_for_krx_only_and_from_an_enrolled_account_only(serving):
    async with serving(MOCK) as client:
        assert (await client.order(EXCG_ID_DVSN_CD="SOR"))["msg_cd"] == "40100000"
    async with serving(MOCK, limits={"enrolled": False}) as client:
        assert (await client.order())["msg_cd"] == "40910000"


@pytest.mark.parametrize(
    ("flavour", "moment", "kind", "code"),
    [
        (MOCK, "08:50", "01", "40570000"), (MOCK, "16:30", "00", "40570000"), (MOCK, "15:25", "01", "40600000"),
        (REAL, "08:50", "01", "APBK0013"), (REAL, "08:50", "03", "APBK0918"), (REAL, "07:00", "01", "APBK0918"),
        (REAL, "15:25", "01", "APBK0013"), (REAL, "15:25", "13", "APBK0918"), (REAL, "15:35", "01", "APBK0918"),
        (REAL, "15:45", "06", "APBK0013"), (REAL, "15:45", "01", "APBK1943"), (REAL, "08:35", "05", "APBK0013"),
        (REAL, "16:30", "01", "APBK3013"), (REAL, "16:30", "45", "APBK0013"), (REAL, "21:00", "45", "APBK0918"),
    ],
)  # fmt: skip
async def test_each_phase_takes_its_own_kinds_of_order(serving, flavour, moment, kind, code):
    async with serving(flavour, at=at_time(moment)) as client:
        price = {"ORD_UNPR": str(client.sim.market.lines[SAMSUNG].bid)} if kind == "00" else {}
        assert (await client.order(ORD_DVSN=kind, **price))["msg_cd"] == code


async def test_the_after_market_takes_no_funds(serving):
    async with serving(at=at_time("16:30")) as client:
        assert (await client.order(symbol=ETF, ORD_DVSN="45"))["msg_cd"] == "APBK3013"


async def test_a_limit_order_rests_until_the_market_comes_to_it(real):
    stock = real.sim.market.lines[SAMSUNG]
    low = stock.shift(stock.bid, -2)
    await real.order(quantity="3", price=str(low))
    (order,) = real.sim.books.orders.values()
    assert order.filled == 0
    real.sim.market.push(SAMSUNG, -0.01, 1, real.clock.at)
    real.wait(6)
    assert order.filled == 3
    assert {one.price for one in order.executions} == {low}


async def test_immediate_or_cancel_and_fill_or_kill_leave_nothing_behind(real):
    stock = real.sim.market.lines[SAMSUNG]
    for number, kind in enumerate(("11", "12"), 1):
        await real.order(quantity="1", price=str(stock.shift(stock.bid, -5)), ORD_DVSN=kind)
        order = real.sim.books.orders[f"{number:010d}"]
        assert (order.filled, order.open) == (0, 0)
    await real.order(quantity="1", price=str(stock.ask), ORD_DVSN="12")
    assert real.sim.books.report()["holdings"] == {SAMSUNG: 1}


async def test_fills_may_come_in_pieces(serving):
    async with serving(limits={"fill_most": 2}) as client:
        await client.order(quantity="5")
        (order,) = client.sim.books.orders.values()
        assert [one.quantity for one in order.executions] == [2, 2, 1]


async def test_a_cancel_has_a_number_of_its_own_and_a_second_one_is_refused(mock):
    stock = mock.sim.market.lines[SAMSUNG]
    number = (await mock.order(price=str(stock.shift(stock.bid, -9))))["output"]["ODNO"]
    answer = await mock.change(number)
    assert answer["rt_cd"] == "0"
    assert answer["output"]["ODNO"] != number
    assert mock.sim.books.orders[number].open == 0
    again = await mock.change(number)
    assert (again["rt_cd"], again["msg_cd"]) == ("1", "40330000")


async def test_a_filled_or_an_unknown_order_cannot_be_cancelled(mock):
    number = (await mock.order())["output"]["ODNO"]
    assert (await mock.change(number))["msg_cd"] == "40330000"
    assert (await mock.change("0000009999"))["msg_cd"] == "40330000"


async def test_an_amended_order_lives_on_under_its_new_number_only(mock):
    stock = mock.sim.market.lines[SAMSUNG]
    number = (await mock.order(quantity="4", price=str(stock.shift(stock.bid, -9))))["output"]["ODNO"]
    answer = await mock.change(number, "01", ORD_UNPR=str(stock.ask))
    moved = mock.sim.books.orders[answer["output"]["ODNO"]]
    assert (moved.original, moved.filled) == (number, 4)
    assert (await mock.change(number))["msg_cd"] == "40330000"


async def test_an_amend_must_be_affordable_and_legal(mock):
    stock = mock.sim.market.lines[SAMSUNG]
    low = stock.lower
    quantity = 10_000_000 // low - 1
    number = (await mock.order(quantity=str(quantity), price=str(low)))["output"]["ODNO"]
    assert (await mock.change(number, "01", ORD_UNPR=str(stock.ask)))["msg_cd"] == "40100000"
    assert (await mock.change(number, "01", ORD_UNPR=str(low + 1)))["msg_cd"] == "40100000"
    assert mock.sim.books.orders[number].open == quantity


async def test_part_of_an_order_can_be_cancelled(real):
    stock = real.sim.market.lines[SAMSUNG]
    number = (await real.order(quantity="10", price=str(stock.shift(stock.bid, -9))))["output"]["ODNO"]
    await real.change(number, QTY_ALL_ORD_YN="N", ORD_QTY="4")
    assert real.sim.books.orders[number].open == 6


async def test_the_branch_must_be_right_on_real_and_may_be_empty_on_mock(real, mock):
    for client in (real, mock):
        stock = client.sim.market.lines[SAMSUNG]
        await client.order(price=str(stock.shift(stock.bid, -9)))
    assert (await real.change("1", KRX_FWDG_ORD_ORGNO=""))["msg_cd"] == "APBK0918"
    assert (await mock.change("1", KRX_FWDG_ORD_ORGNO=""))["rt_cd"] == "0"


async def test_orders_wait_for_the_auction_and_fill_at_its_one_price(serving):
    async with serving(at=at_time("08:59")) as client:
        stock = client.sim.market.lines[SAMSUNG]
        await client.order(quantity="2")
        await client.order(quantity="3", price=str(stock.shift(stock.bid, 5)))
        await client.order(quantity="3", price=str(stock.shift(stock.bid, -9)))
        client.wait(60)
        first, second, third = client.sim.books.orders.values()
        assert (first.filled, second.filled, third.filled) == (2, 3, 0)
        assert {one.price for order in (first, second) for one in order.executions} == {stock.opening}


async def test_what_waits_at_the_close_expires_without_a_word(serving):
    async with serving(at=at_time("15:29")) as client:
        stock = client.sim.market.lines[SAMSUNG]
        await client.order(price=str(stock.lower))
        client.wait(65)
        (order,) = client.sim.books.orders.values()
        assert (order.open, order.filled, order.cancelled) == (0, 0, False)
        assert client.sim.books.spendable == 10_000_000


async def test_an_interruption_holds_market_orders_back_until_its_auction(serving):
    async with serving(vi_s=5) as client:
        stock = client.sim.market.lines[SAMSUNG]
        client.sim.market.push(SAMSUNG, 0.11, 1, client.clock.at)
        client.wait(3)
        assert stock.interrupted
        assert (await client.order(ORD_DVSN="13"))["msg_cd"] == "APBK0918"
        await client.order(quantity="2")
        (order,) = client.sim.books.orders.values()
        assert order.filled == 0
        client.wait(6)
        assert not stock.interrupted
        assert order.filled == 2


async def test_a_compressed_day_opens_trades_closes_and_takes_no_more(serving):
    start = at_time("22:00")
    timetable = Timetable(compressed(start, opening_s=5, regular_s=20, closing_s=5), weekends=True)
    async with serving(at=start, timetable=timetable) as client:
        await client.order(quantity="1")
        client.wait(6)
        assert client.sim.books.report()["holdings"] == {SAMSUNG: 1}
        client.wait(20)
        await client.order("sell")
        client.wait(6)
        assert client.sim.books.report()["holdings"] == {}
        assert (await client.order())["msg_cd"] == "APBK0918"


async def test_a_half_day_closes_early(serving):
    timetable = Timetable(special={"20260923": hours("09:00", "12:00", after=False)})
    async with serving(at=at_time("11:55"), timetable=timetable) as client:
        assert (await client.order())["rt_cd"] == "0"
        client.clock.at = at_time("12:01")
        assert (await client.order())["msg_cd"] == "APBK0918"


@pytest.mark.parametrize(("exchange", "kind"), [("NXT", "15"), ("NXT", "11"), ("SOR", "01"), ("SOR", "11")])
async def test_an_order_for_another_exchange_keeps_its_name_in_every_list(real, exchange, kind):
    limited = {} if kind in ("15", "01") else {"price": str(real.sim.market.lines[SAMSUNG].ask)}
    body = await real.order(EXCG_ID_DVSN_CD=exchange, ORD_DVSN=kind, **limited)
    assert body["rt_cd"] == "0"
    (order,) = real.sim.books.orders.values()
    assert (order.exchange, order.filled) == (exchange, 1)


async def test_what_waits_at_one_exchange_cannot_be_cancelled_at_another(real):
    low = str(real.sim.market.lines[SAMSUNG].shift(real.sim.market.lines[SAMSUNG].bid, -9))
    number = (await real.order(price=low, EXCG_ID_DVSN_CD="NXT"))["output"]["ODNO"]
    assert (await real.change(number))["rt_cd"] != "0"
    assert (await real.change(number, EXCG_ID_DVSN_CD="NXT"))["rt_cd"] == "0"
    assert {order.exchange for order in real.sim.books.orders.values()} == {"NXT"}


@pytest.mark.parametrize(("time", "code"), [("09:00", "APBK0918"), ("09:01", "APBK0013"), ("15:21", "APBK0918")])
async def test_the_other_exchange_opens_later_and_ends_with_the_closing_auction(serving, time, code):
    """NXT's main market is 09:00:30 to 15:20."""
    async with serving(REAL, at=at_time(time)) as client:
        assert (await client.order(EXCG_ID_DVSN_CD="NXT", ORD_DVSN="15"))["msg_cd"] == code
