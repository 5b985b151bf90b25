"""A scripted KIS account behind the order line: one dictionary of orders, and troubles that happen when told to."""

import json
from collections import Counter
from decimal import Decimal as D
from itertools import count

from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.notices import MemoryNotices
from core.adapters.memory.sendings import MemorySendings
from core.adapters.order_line import OrderLine, Shared
from core.adapters.venue_broker import VenueBroker
from core.domain.errors import UnknownOutcome
from core.domain.events import NoticeKind, OrderNotice
from core.domain.orders import Order, order_id
from core.domain.phases import Phase
from core.domain.policies import DayPolicy, Environment
from core.domain.sessions import always_open
from core.domain.values import Instrument, Market, Millis, Side
from core.venues.flow import Response
from core.venues.kis.figures import clock, day
from core.venues.kis.orders import ORDERS
from core.venues.ordering import Depot
from tests.fakes import RULES

NUMBER = "12345678-01"
AT = Millis(1_790_046_000_000)  # 2026-09-22 12:00 in Korea
SAMSUNG = Instrument(Market.KRX, "005930")
REAL, MOCK = Environment.REAL, Environment.MOCK


class Hands:
    """A clock that moves when something pauses, or when told to."""

    def __init__(self, at=AT):
        self.at = at

    def clock(self):
        return self.at

    def monotonic(self):
        return self.at / 1000

    def pause(self, seconds):
        self.at = Millis(self.at + round(seconds * 1000))

    later = pause


class Kis:
    """Takes requests as the wire would.

    fills     part of each order that is filled at once, 1 where nothing is said; `price` what at
    lost      "request" or "reply" for each coming order POST: which of the two gets lost
    answers   (status, body) given to the coming order POSTs instead of taking them
    empty     the daily list has totals and no rows, as mock's may
    hidden    order numbers that no list shows
    sums      the totals follow the orders
    silent    questions that are in maintenance
    counts    the list says how many units were taken back or given back
    """

    def __init__(self, environment=REAL, hands=None):
        self.environment, self.hands = environment, hands or Hands()
        self.orders, self.held, self.fills, self.price = {}, Counter(), D(1), D(70_000)
        self.lost, self.answers, self.empty, self.hidden, self.sums = [], [], False, set(), True
        self.rejects, self.counts = False, False
        self.silent = set()
        self.posts, self.calls, self.notices = [], Counter(), []
        self.board = None
        self._numbers = count(1569157)

    def __call__(self, request):
        name = request.path.rpartition("/")[2]
        self.calls[name] += 1
        headers = dict(request.headers)
        assert headers["tr_id"].startswith("V") == (self.environment is MOCK)
        if name in self.silent:
            return Response(500, b'{"rt_cd":"1","msg_cd":"","msg1":""}')
        match name:
            case "order-cash":
                return self._posted(request, self._take)
            case "order-rvsecncl":
                return self._posted(request, self._change)
            case "inquire-daily-ccld":
                return self._daily(dict(request.query))
            case "inquire-psbl-rvsecncl":
                return self._open()
            case "inquire-balance":
                return self._balance()
            case _:
                return ok({"output": {"nrcvb_buy_qty": "142", "max_buy_qty": "300"}})

    def _posted(self, request, act):
        body = json.loads(request.body)
        assert all(isinstance(value, str) for value in body.values())
        self.posts.append(body)
        if self.answers:
            status, answer = self.answers.pop(0)
            return Response(status, json.dumps(answer).encode())
        lost = self.lost.pop(0) if self.lost else ""
        if lost == "request":
            raise UnknownOutcome("the venue did not answer")
        reply = act(body, "sell" if dict(request.headers)["tr_id"].endswith("11U") else "buy")
        if lost == "reply":
            raise UnknownOutcome("the venue did not answer")
        return reply

    def _take(self, body, side):
        number = f"{next(self._numbers):010d}"
        quantity = D(body["ORD_QTY"])
        order = {
            "number": number, "symbol": body["PDNO"], "side": Side(side), "quantity": quantity, "price": body["ORD_UNPR"],
            "filled": D(0), "gone": D(0), "original": "", "at": self.hands.at, "value": D(0), "rejected": self.rejects,
        }  # fmt: skip
        self.orders[number] = order
        self.tell(order, NoticeKind.ACCEPTED, quantity, D(body["ORD_UNPR"]))
        if not self.rejects:
            self.fill(number, (quantity * self.fills).to_integral_value())
        if body["ORD_DVSN"] in ("11", "42", "45") and not self.rejects:
            order["gone"] = quantity - order["filled"]
        return ok(self._receipt(number), "APBK0013" if self.environment is REAL else "40600000")

    def _change(self, body, _):
        order = self.orders[body["ORGN_ODNO"]]
        left = order["quantity"] - order["filled"] - order["gone"]
        if not left:
            return Response(
                200, json.dumps({"rt_cd": "7", "msg_cd": "40330000", "msg1": "정정/취소할 수량이 없습니다."}).encode()
            )
        number = f"{next(self._numbers):010d}"
        order["gone"] += left
        self.orders[number] = {**order, "number": number, "original": order["number"], "quantity": left, "filled": D(0),
                               "gone": left, "value": D(0), "at": self.hands.at}  # fmt: skip
        self.tell(self.orders[number], NoticeKind.CANCELLED, left, D(0))
        return ok(self._receipt(number))

    def _receipt(self, number):
        return {"output": {"KRX_FWDG_ORD_ORGNO": "06010", "ODNO": number, "ORD_TMD": clock(self.hands.at)}}

    def fill(self, number, quantity, price=None):
        order, price = self.orders[number], price or self.price
        if not quantity:
            return
        order["filled"] += quantity
        order["value"] += quantity * price
        self.held[order["symbol"]] += quantity if order["side"] is Side.BUY else -quantity
        self.tell(order, NoticeKind.FILLED, quantity, price)

    def tell(self, order, kind, quantity, price):
        notice = OrderNotice(
            instrument=Instrument(Market.KRX, order["symbol"]), account="1234567801", order=order["number"],
            original=order["original"], side=order["side"], kind=kind, quantity=quantity, price=price,
            at=Millis(self.hands.at // 1000 * 1000), seen=self.hands.at,
        )  # fmt: skip
        self.notices.append(notice)
        if self.board:
            self.board.put([notice])

    def hand_made(self, symbol="005930", side=Side.BUY, quantity=10, price="70000"):
        """The owner's own order in the same account."""
        return self._take({"PDNO": symbol, "ORD_QTY": str(quantity), "ORD_UNPR": price, "ORD_DVSN": "00"}, side.value)

    def _daily(self, query):
        side = {"01": Side.SELL, "02": Side.BUY}[query["SLL_BUY_DVSN_CD"]]
        assert query["EXCG_ID_DVSN_CD"] == "KRX"
        found = [
            order for order in self.orders.values()
            if order["side"] is side and order["symbol"] == query["PDNO"] and query["ODNO"] in ("", order["number"])
            and query["INQR_STRT_DT"] <= day(order["at"]) <= query["INQR_END_DT"]
        ]  # fmt: skip
        new = [order for order in found if not order["original"]]
        totals = {
            "tot_ord_qty": str(sum(o["quantity"] for o in new)) if self.sums else "0",
            "tot_ccld_qty": str(sum(o["filled"] for o in new)) if self.sums else "0",
            "tot_ccld_amt": str(sum(o["value"] for o in new)) if self.sums else "0",
        }
        shown = [] if self.empty else [self._row(o) for o in found if o["number"] not in self.hidden]
        code = "KIOK0510" if shown else "70070000"
        return ok({"output1": shown, "output2": totals}, code)

    def _row(self, order):
        left = order["quantity"] - order["filled"] - order["gone"]
        return {
            "ord_dt": day(order["at"]), "ord_gno_brno": "06010", "odno": order["number"], "orgn_odno": order["original"],
            "sll_buy_dvsn_cd": "02" if order["side"] is Side.BUY else "01", "pdno": order["symbol"],
            "ord_qty": str(order["quantity"]), "ord_unpr": order["price"], "ord_tmd": clock(order["at"]),
            "tot_ccld_qty": str(order["filled"]), "tot_ccld_amt": str(order["value"]), "cncl_yn": "",
            "cncl_cfrm_qty": str(order["gone"]) if self.counts else "0",
            "rmn_qty": "0" if order["rejected"] else str(left),
            "rjct_qty": str(left) if order["rejected"] else "0", "excg_id_dvsn_Cd": "KRX",
        }  # fmt: skip

    def _open(self):
        assert self.environment is REAL
        waiting = [o for o in self.orders.values() if o["quantity"] > o["filled"] + o["gone"] and not o["rejected"]]
        keep = (
            "ord_gno_brno",
            "odno",
            "orgn_odno",
            "sll_buy_dvsn_cd",
            "pdno",
            "ord_qty",
            "ord_unpr",
            "ord_tmd",
            "tot_ccld_qty",
        )
        return ok({"output": [{k: v for k, v in self._row(o).items() if k in keep} for o in waiting]})

    def _balance(self):
        today = [o for o in self.orders.values() if day(o["at"]) == day(self.hands.at)]
        rows = [
            {
                "pdno": symbol, "hldg_qty": str(units), "ord_psbl_qty": str(units), "pchs_amt": str(units * self.price),
                "thdt_buyqty": str(sum(o["filled"] for o in today if o["symbol"] == symbol and o["side"] is Side.BUY)),
                "thdt_sll_qty": str(sum(o["filled"] for o in today if o["symbol"] == symbol and o["side"] is Side.SELL)),
            }
            for symbol, units in self.held.items()
        ]  # fmt: skip
        return ok({"output1": rows, "output2": [{"dnca_tot_amt": "0"}]})


def ok(body, code="KIOK0510"):
    return Response(200, json.dumps({"rt_cd": "0", "msg_cd": code, "msg1": "정상".ljust(80), **body}).encode())


class Signer:
    """Adds a header; `renewals` counts the tokens that were not accepted."""

    def __init__(self):
        self.renewals = 0

    def __call__(self, request):
        return request

    def renew(self):
        self.renewals += 1


class Bench:
    """A scripted account, its notices, and as many brokers on them as a test needs."""

    def __init__(self, environment=REAL, hands=None, notices=False):
        self.hands = hands or Hands()
        self.kis = Kis(environment, self.hands)
        self.sendings, self.board, self.signer = MemorySendings(), MemoryNotices(), Signer()
        if notices:
            self.kis.board = self.board
        self.phase = Phase.REGULAR
        self.days = always_open(DayPolicy(ends="09:00"))

    def broker(self, **changes):
        parts = {"sendings": self.sendings, "board": self.board, **changes}
        limits = ORDERS.limits[self.kis.environment]
        line = OrderLine(
            self.kis, self.signer, ORDERS.judge, Shared(MemoryBudget(), Market.KRX, limits, 1.0, ""), self.hands.clock,
            self.hands.pause, lambda: 0.5,
        )  # fmt: skip
        return VenueBroker(
            ORDERS, line, lambda: Depot(number=NUMBER, environment=self.kis.environment), parts["sendings"],
            parts["board"], RULES, lambda: self.days, lambda instrument, at: self.phase, self.hands.clock,
        )  # fmt: skip

    def write(self, order, broker):
        """What the end of an order has to write of it, as the locks' tables do (core/app/closing.py)."""
        taking = broker.taking(order)
        assert taking is None or self.sendings.take(taking)

    def order(self, side=Side.BUY, quantity=10, *, limit=70_000, signal="s", leg=0, symbol="005930"):
        on = Instrument(Market.KRX, symbol)
        return Order(
            id=order_id(on, signal, side, leg), instrument=on, side=side, quantity=D(quantity), reference=D(70_000),
            signal=signal, leg=leg, worker="w-01", reason="fall", at=self.hands.at,
            limit=None if limit is None else D(limit),
        )  # fmt: skip
