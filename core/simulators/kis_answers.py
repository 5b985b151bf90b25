"""The shapes of KIS replies: envelope, paging, refusals. Source: reference/kis.md 1.2, 2, 3.2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

Row = dict[str, str]
T = TypeVar("T")

PADDED = 80
CONTEXT = 100


class Answer(NamedTuple):
    """What a business call gives back: `blocks` are output, output1, output2; `more` is the tr_cont header."""

    blocks: Mapping[str, Any]
    code: str = "MCA00000"
    text: str = "정상처리 되었습니다!"
    more: str = ""


class Reply(NamedTuple):
    """One HTTP answer."""

    status: int
    body: bytes
    headers: dict[str, str]
    code: str


class Declined(Exception):
    """A refusal as KIS words it. `status` is HTTP's: gateways say 500, business refusals 200."""

    def __init__(self, code: str, text: str, status: int = 500, result: str = "1") -> None:
        super().__init__(text)
        self.code, self.text, self.status, self.result = code, text, status, result

    def reply(self) -> Reply:
        if self.code == "EGW00133":  # the token call refuses in a shape of its own
            body = msgspec.json.encode({"error_code": self.code, "error_description": self.text})
        else:
            body = msgspec.json.encode({"rt_cd": self.result, "msg_cd": self.code, "msg1": self.text})
        return Reply(self.status, body, {}, self.code)


def refused(code: str, text: str) -> Declined:
    """A business refusal: HTTP 200, rt_cd 1, msg1 padded as KIS does."""
    return Declined(code, text.ljust(PADDED), 200)


def worded(answer: Answer, tr_id: str) -> Reply:
    """An answer as it goes out."""
    body = {**answer.blocks, "rt_cd": "0", "msg_cd": answer.code, "msg1": answer.text.ljust(PADDED)}
    headers = {"tr_id": tr_id, "tr_cont": answer.more, "gt_uid": ""}
    return Reply(200, msgspec.json.encode(body), headers, answer.code)


class Page(NamedTuple):
    """One page's rows, the reply's tr_cont and its context keys."""

    rows: Sequence[Any]
    more: str
    contexts: Row


def paged(rows: Sequence[T], size: int, query: Mapping[str, str]) -> Page:
    """Cut out the page that the call asks for: `tr_cont: N` goes on where the opaque context says.

    Raises:
        Declined: the context is not one that was given out.
    """
    going_on = query.get("tr_cont") == "N"
    begins = _begins(query.get("CTX_AREA_NK100", "").strip()) if going_on else 0
    ends = begins + size
    last = ends >= len(rows)
    more = ("E" if begins else "D") if last else ("M" if begins else "F")
    context = f"{query.get('CANO', '')}^{query.get('ACNT_PRDT_CD', '')}^N^N^"
    follow = "" if last else f"{ends}^KRX^{ends * 7919 % 10**8:08d}^"
    keys = {"ctx_area_fk100": context.ljust(CONTEXT), "ctx_area_nk100": follow.ljust(CONTEXT)}
    return Page(rows[begins:ends], more, keys)


def _begins(context: str) -> int:
    first, *rest = context.split("^")
    if not first.isdigit() or len(rest) != 3 or rest[1] != f"{int(first) * 7919 % 10**8:08d}":
        raise refused("KIOK0560", "조회 이후에 자료가 변경되었습니다. 다시 조회하세요.")
    return int(first)


def sign(price: float, base: float) -> str:
    """prdy_vrss_sign without the limits: 2 up, 3 flat, 5 down."""
    return "2" if price > base else "5" if price < base else "3"


def percent(price: float, base: float) -> str:
    """Change in per cent, two decimals; 0.00 where there is no base."""
    return f"{(price / base - 1) * 100:.2f}" if base and price else "0.00"
