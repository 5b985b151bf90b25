"""A simulated KIS whose clock only tests move, and a client's view of it over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import msgspec
import pytest

from core.domain.policies import Environment
from core.simulators.faults import Faults
from core.simulators.kis import KisSimulator
from core.simulators.kis_issues import listing
from core.simulators.kis_keys import KEYS, AppKey
from core.simulators.kis_limits import KisLimits, usual
from core.simulators.kis_market import KrxMarket
from core.simulators.kis_time import Timetable
from core.venues.kis.stream import Decoder

START = 1_790_134_742_000
"""Wednesday 2026-09-23 12:39:02 in Korea, a whole second."""

QUOTATIONS = "/uapi/domestic-stock/v1/quotations/"
TRADING = "/uapi/domestic-stock/v1/trading/"
BALANCE = dict.fromkeys(
    [
        "AFHR_FLPR_YN",
        "OFL_YN",
        "INQR_DVSN",
        "UNPR_DVSN",
        "FUND_STTL_ICLD_YN",
        "FNCG_AMT_AUTO_RDPT_YN",
        "PRCS_DVSN",
        "CTX_AREA_FK100",
        "CTX_AREA_NK100",
    ],
    "",
)
CCLD = {
    "SLL_BUY_DVSN_CD": "00", "PDNO": "", "ORD_GNO_BRNO": "", "ODNO": "", "CCLD_DVSN": "00", "INQR_DVSN": "01",
    "INQR_DVSN_1": "", "INQR_DVSN_3": "00", "EXCG_ID_DVSN_CD": "KRX", "CTX_AREA_FK100": "", "CTX_AREA_NK100": "",
}  # fmt: skip


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self, at: int = START) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


class Client:
    """One app key's view of one environment."""

    def __init__(self, sim: KisSimulator, clock: Hand, http: aiohttp.ClientSession, key: AppKey) -> None:
        self.sim, self.clock, self.http, self.key = sim, clock, http, key
        self.token = self.approval = ""

    # time

    def wait(self, seconds: float, step_s: float = 0.1) -> None:
        """Let the venue's time pass as the pump would."""
        for _ in range(round(seconds / step_s)):
            self.clock.at += round(step_s * 1000)
            self.sim.turn()

    async def until(self, done: Callable[[], bool], patience_s: float = 5.0) -> None:
        """Wait for a condition, at most `patience_s`."""
        async with asyncio.timeout(patience_s):
            while not done():  # noqa: ASYNC110 - the condition is another object's figure: nobody sets an event for it
                await asyncio.sleep(0.005)

    # REST

    async def send(self, method: str, path: str, headers: dict, query: dict | None = None, body: bytes = b""):
        async with self.http.request(
            method, self.sim.rest_url + path, params=query, data=body or None, headers=headers
        ) as reply:
            text = await reply.read()
            return reply.status, msgspec.json.decode(text), {name.lower(): word for name, word in reply.headers.items()}

    async def open(self, path: str, **body: str):
        """A call without a token."""
        headers = {"content-type": "application/json"}
        return await self.send("POST", path, headers, body=msgspec.json.encode(body))

    async def ask_token(self):
        return await self.open(
            "/oauth2/tokenP",
            grant_type="client_credentials", appkey=self.key.app_key, appsecret=self.key.app_secret,
        )  # fmt: skip

    async def ask_approval(self):
        return await self.open(
            "/oauth2/Approval",
            grant_type="client_credentials", appkey=self.key.app_key, secretkey=self.key.app_secret,
        )  # fmt: skip

    async def enter(self) -> Client:
        """Get a token and an approval key."""
        self.token = (await self.ask_token())[1]["access_token"]
        self.approval = (await self.ask_approval())[1]["approval_key"]
        return self

    def headers(self, tr_id: str, **more: str) -> dict[str, str]:
        return {
            "content-type": "application/json; charset=utf-8", "authorization": f"Bearer {self.token}",
            "appkey": self.key.app_key, "appsecret": self.key.app_secret, "tr_id": tr_id, "custtype": "P", **more,
        }  # fmt: skip

    def account(self, tr_id: str) -> str:
        """The id of an account call in this environment."""
        return tr_id if self.key.environment is Environment.REAL else "V" + tr_id[1:]

    async def get(self, path: str, tr_id: str, query: dict[str, str], **more: str):
        return await self.send("GET", path, self.headers(tr_id, **more), query)

    async def quote(self, name: str, tr_id: str, symbol: str = "005930", **query: str):
        base = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": symbol}
        return (await self.get(QUOTATIONS + name, tr_id, {**base, **query}))[1]

    async def multi(self, symbols: Sequence[str], tr_id: str = "FHKST11300006"):
        query = {}
        for number, symbol in enumerate(symbols, 1):
            query |= {f"FID_COND_MRKT_DIV_CODE_{number}": "J", f"FID_INPUT_ISCD_{number}": symbol}
        return await self.get(QUOTATIONS + "intstock-multprice", tr_id, query)

    @property
    def whose(self) -> dict[str, str]:
        return {"CANO": self.key.account[:8], "ACNT_PRDT_CD": self.key.account[8:]}

    async def statement(self, name: str, tr_id: str, **query: str):
        found = await self.get(TRADING + name, self.account(tr_id), {**self.whose, **query})
        self.breathe()
        return found[1]

    def breathe(self) -> None:
        """Let the limiter's second pass."""
        self.clock.at += 1001

    async def order(self, side: str = "buy", symbol: str = "005930", quantity: str = "1", price: str = "0", **more):
        """Place an order; the answer's body."""
        tr_id = self.account("TTTC0012U" if side == "buy" else "TTTC0011U")
        kind = "01" if price == "0" else "00"
        body = {
            **self.whose, "PDNO": symbol, "ORD_DVSN": kind, "ORD_QTY": quantity, "ORD_UNPR": price,
            "EXCG_ID_DVSN_CD": "KRX", **more,
        }  # fmt: skip
        return await self.post("order-cash", tr_id, body)

    async def change(self, number: str, way: str = "02", **more: str):
        body = {
            **self.whose, "KRX_FWDG_ORD_ORGNO": self.sim.books.branch, "ORGN_ODNO": number, "ORD_DVSN": "00",
            "RVSE_CNCL_DVSN_CD": way, "ORD_QTY": "0", "ORD_UNPR": "0", "QTY_ALL_ORD_YN": "Y", "EXCG_ID_DVSN_CD": "KRX",
            **more,
        }  # fmt: skip
        return await self.post("order-rvsecncl", self.account("TTTC0013U"), body)

    async def post(self, name: str, tr_id: str, body: dict[str, str], **more: str):
        found = await self.send("POST", TRADING + name, self.headers(tr_id, **more), body=msgspec.json.encode(body))
        self.breathe()
        return found[1]

    # stream

    def stream(self, **options: object) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
        return self.http.ws_connect(self.sim.stream_url, **options)

    def wish(self, tr_id: str, tr_key: str, tr_type: str = "1", **header: str) -> str:
        head = {"approval_key": self.approval, "custtype": "P", "tr_type": tr_type, "content-type": "utf-8", **header}
        return msgspec.json.encode({"header": head, "body": {"input": {"tr_id": tr_id, "tr_key": tr_key}}}).decode()

    async def register(self, socket, tr_id: str, tr_key: str, tr_type: str = "1", **header: str) -> dict:
        """Register, and give the answer; data before it is dropped."""
        await socket.send_str(self.wish(tr_id, tr_key, tr_type, **header))
        return await self.answer(socket)

    async def answer(self, socket) -> dict:
        while True:
            text = await self.text(socket)
            if text[0] == "{" and "PINGPONG" not in text:
                return msgspec.json.decode(text)

    async def text(self, socket) -> str:
        message = await socket.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return message.data

    async def drained(self, socket) -> list[str]:
        """Every data frame on its way: a message that is refused marks the end."""
        await socket.send_str("end")
        frames = []
        while True:
            text = await self.text(socket)
            if "OPSP9999" in text:
                return frames
            if text[0] in "01":
                frames.append(text)

    async def end_of(self, socket) -> aiohttp.WSMessage:
        """The message that ends a connection, data before it skipped."""
        while True:
            message = await socket.receive(timeout=5)
            if message.type is not aiohttp.WSMsgType.TEXT:
                return message

    def read(self, frames: Sequence[str], decoder: Decoder | None = None) -> list:
        """The events of frames, by the venue's own decoder."""
        reading = decoder or Decoder()
        return [event for frame in frames for event in reading(frame.encode(), self.clock.at)]


KEY_OF = {Environment.REAL: KEYS[0], Environment.MOCK: KEYS[2]}


@asynccontextmanager
async def serving(
    flavour: Environment = Environment.REAL,
    *,
    limits: dict | None = None,
    faults: Faults | None = None,
    timetable: Timetable | None = None,
    at: int = START,
    key: AppKey | None = None,
    entered: bool = True,
    vi_s: float = 120.0,
    funds: int = 10_000_000,
    count: int = 12,
    odd: bool = True,
) -> AsyncIterator[Client]:
    clock = Hand(at)
    issues = listing(count, [])[: None if odd else count]
    market = KrxMarket(seed=3, start=at, issues=issues, timetable=timetable, vi_s=vi_s)
    chosen = msgspec.structs.replace(usual(flavour), **{"order_reply_s": 0.0, "ccld_lag_s": 0.0, **(limits or {})})
    async with (
        KisSimulator(market, flavour=flavour, limits=chosen, faults=faults, clock=clock, funds=funds) as sim,
        aiohttp.ClientSession() as http,
    ):
        assert isinstance(chosen, KisLimits)
        client = Client(sim, clock, http, key or KEY_OF[flavour])
        yield await client.enter() if entered else client


@pytest.fixture(name="serving")
def serving_fixture() -> Callable[..., AbstractAsyncContextManager[Client]]:
    """Makes a simulator of either environment with limits, faults or a timetable of one's own."""
    return serving


@pytest.fixture
async def real() -> AsyncIterator[Client]:
    async with serving() as client:
        yield client


@pytest.fixture
async def mock() -> AsyncIterator[Client]:
    async with serving(Environment.MOCK) as client:
        yield client
