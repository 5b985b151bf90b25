"""The gateway of the simulated KIS: keys, tokens, limits and environments, checked before any business. No sockets.

Source: reference/kis.md 1 to 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from random import Random
from typing import NamedTuple

import msgspec

from core.simulators.kis_answers import Answer, Declined, Reply, worded
from core.simulators.kis_house import House
from core.simulators.kis_keys import AppKey, Keyring, told
from core.simulators.kis_routes import PATHS, ROUTES, Route, for_accounts, translated
from core.simulators.limits import Recent
from core.simulators.served import Served

CONTENT = "application/json"


class Call(NamedTuple):
    """One HTTP request; header names are lower-case."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


class Gateway:
    """`answer` carries out one call; it raises nothing."""

    def __init__(self, house: House, keys: Keyring, served: Served, seed: int = 0) -> None:
        self._house, self._keys, self._served = house, keys, served
        self._windows: dict[str, Recent] = {}
        self._dice = Random(seed)

    def answer(self, call: Call, at: int) -> Reply:
        try:
            reply = self._open(call, at) or self._business(call, at)
        except Declined as declined:
            reply = declined.reply()
            self._served.refused(declined.code, at, call.path)
        return reply

    def refuse(self, code: str, status: int, text: str = "") -> Reply:
        """A refusal that a fault asks for."""
        return Declined(code, text or WORDS.get(code, ""), status).reply()

    # without a token --------------------------------------------------------------------------------------------

    def _open(self, call: Call, at: int) -> Reply | None:
        """The calls under /oauth2, and the hash of a body; None where it is another one."""
        if call.path not in ("/oauth2/tokenP", "/oauth2/revokeP", "/oauth2/Approval", "/uapi/hashkey"):
            return None
        if call.method != "POST":
            raise Declined("EGW00101", "잘못된 요청입니다.")
        if call.path == "/uapi/hashkey":
            return _plain({"BODY": decoded(call.body), "HASH": sha256(call.body).hexdigest()})
        body = decoded(call.body)
        self._served.called(call.path, "oauth", at)
        match call.path:
            case "/oauth2/tokenP":
                return _plain(told(self._keys.issue(self._granted(body, "appsecret"), at), at))
            case "/oauth2/Approval":
                return _plain({"approval_key": self._keys.approve(self._granted(body, "secretkey"), at)})
        self._keys.known(body.get("appkey", ""), body.get("appsecret", ""))
        self._keys.revoke(body.get("token", ""))
        return _plain({"code": 200, "message": "접근토큰 폐기에 성공하였습니다"})

    def _granted(self, body: Mapping[str, str], secret: str) -> AppKey:
        """The key of a token or approval call: one of the other environment gets its token too."""
        if body.get("grant_type") != "client_credentials":
            code = "EGW00116" if body.get("grant_type") else "EGW00115"
            raise Declined(code, "grant_type을 확인하세요.")
        return self._keys.known(body.get("appkey", ""), body.get(secret, ""))

    # business ---------------------------------------------------------------------------------------------------

    def _business(self, call: Call, at: int) -> Reply:
        key = self._admitted(call, at)
        self._served.called(call.path, "rest", at)
        self._within_limit(key, at)
        route, tr_id = self._routed(call, key)
        if route.ledger and self._dice.random() < self._house.limits.ledger_share:
            raise Declined("EGW00215", WORDS["EGW00215"])
        parameters = self._parameters(call, route)
        answer: Answer = route.handler(parameters, self._house, at)
        return worded(answer, tr_id)

    def _admitted(self, call: Call, at: int) -> AppKey:
        """Headers, key and token. Raises Declined."""
        headers = call.headers
        if not headers.get("content-type", "").startswith(CONTENT):
            raise Declined("EGW00132", "Content-Type이 유효하지 않습니다.")
        key = self._keys.known(headers.get("appkey", ""), headers.get("appsecret", ""))
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if not token:
            raise Declined("EGW00121", WORDS["EGW00121"])
        if scheme != "Bearer":
            raise Declined("EGW00205", "credentials_type이 유효하지 않습니다.(Bearer)")
        self._keys.bearer(token, key, at)
        if headers.get("custtype") not in ("P", "B"):
            raise Declined("EGW00208", "custtype이 유효하지 않습니다.")
        return key

    def _within_limit(self, key: AppKey, at: int) -> None:
        """Any second, not calendar seconds; what is refused is not counted."""
        window = self._windows.setdefault(key.app_key, Recent(self._house.limits.rest_per_s, 1000))
        if window.take(at)[1]:
            raise Declined("EGW00201", WORDS["EGW00201"])

    def _routed(self, call: Call, key: AppKey) -> tuple[Route, str]:
        """Which operation, and whether this environment has it for this key. Raises Declined."""
        if call.path not in PATHS:
            raise Declined("EGW00202", "GW라우팅 중 오류가 발생했습니다.")
        said = call.headers.get("tr_id", "")
        tr_id, for_mock = translated(said)
        route = ROUTES.get(tr_id)
        mock = self._house.mock
        if key.environment is not self._house.flavour:
            code = "EGW02007" if mock else "EGW02004"
            raise Declined(code, WORDS[code])
        if for_mock and not mock:
            raise Declined("EGW02004", WORDS["EGW02004"])
        if route is None:
            raise Declined("OPSQ0002", "없는 서비스 코드 입니다.")
        if mock and (not route.on_mock or (for_accounts(tr_id) and not for_mock)):
            raise Declined("EGW02006", WORDS["EGW02006"])
        if route.path != call.path or route.method != call.method:
            raise Declined("OPSQ0002", "없는 서비스 코드 입니다.")
        return route, said

    def _parameters(self, call: Call, route: Route) -> dict[str, str]:
        """Query keys in capitals, body keys as they come; tr_cont among them. Raises Declined."""
        paging = {"tr_cont": call.headers.get("tr_cont", "")}
        if route.method == "GET":
            return {name.upper(): text for name, text in call.query.items()} | paging
        body = decoded(call.body)
        if wrong := [name for name in body if name != name.upper()]:
            raise Declined("OPSQ2002", f"ERROR : INPUT FIELD NOT FOUND [{wrong[0]}]", 200, "2")
        if "hashkey" in call.headers and call.headers["hashkey"] != sha256(call.body).hexdigest():
            raise Declined("EGW00131", "유효하지 않은 hashkey입니다.")
        return body | paging


WORDS = {
    "EGW00121": "유효하지 않은 token 입니다.",
    "EGW00123": "기간이 만료된 token 입니다.",
    "EGW00201": "초당 거래건수를 초과하였습니다.",
    "EGW00215": "원장에서 허용 가능한 초당 거래건수를 초과하였습니다.",
    "EGW00301": "연결 시간이 초과되었습니다. 거래여부를 확인하시기 바랍니다.",
    "EGW00302": "거래시간이 초과되었습니다. 거래여부를 확인하시기 바랍니다.",
    "EGW02004": "실전투자 도메인은 모의투자 앱키로 호출하실 수 없습니다.",
    "EGW02006": "모의투자 TR 이 아닙니다.",
    "EGW02007": "해당 앱키는 모의투자용 앱키가 아닙니다.",
}


def decoded(body: bytes) -> dict[str, str]:
    """A body whose values are all text, numbers included. Raises Declined."""
    try:
        return msgspec.json.decode(body, type=dict[str, str])
    except msgspec.MsgspecError:
        raise Declined("EGW00101", "잘못된 요청입니다.") from None


def _plain(value: object) -> Reply:
    return Reply(200, msgspec.json.encode(value), {}, "")
