"""Tokens, approval keys and signatures (reference/kis.md 1.1 and 2)."""

import msgspec

from core.domain.errors import WireSurprise
from core.domain.values import DAY, SECOND, Millis
from core.venues.flow import Flow, Request
from core.venues.kis.figures import number, stamp
from core.venues.kis.refusals import read
from core.venues.spec import Issued, KeySpec

JSON = ("content-type", "application/json; charset=utf-8")
TOKEN_GAP_MS = 61_000
"""KIS allows one a minute, and answers 403 before; a second for clocks that differ."""
APPROVAL_GAP_MS = 1_100


class TokenSaid(msgspec.Struct):
    """`expires_in` is the one number of KIS's; the date beside it is Korean time without saying so."""

    access_token: str = ""
    access_token_token_expired: str = ""
    expires_in: float | str = 0

    def issued(self, seen: Millis) -> Issued:
        """The earlier of the two ends that KIS tells: a token issued again keeps its old one."""
        if not self.access_token:
            raise WireSurprise("KIS gave no token")
        lasts_s = number(str(self.expires_in))
        ends = [Millis(seen + round(lasts_s * SECOND))] if lasts_s > 0 else []
        date, _, time = self.access_token_token_expired.strip().partition(" ")
        if time:
            ends.append(stamp(date.replace("-", ""), time.replace(":", "")))
        return Issued(self.access_token, min(ends, default=Millis(seen + DAY)))


class ApprovalSaid(msgspec.Struct):
    approval_key: str = ""


def token(key: str, secret: str, seen: Millis) -> Flow[Issued]:
    """One call. It succeeds with a key of the other environment too: only the next question then fails."""
    body = {"grant_type": "client_credentials", "appkey": key, "appsecret": secret}
    reply = yield Request("POST", "/oauth2/tokenP", body=msgspec.json.encode(body), headers=(JSON,), group="rest")
    return read(reply, TokenSaid, secret=True).issued(seen)


def approval(key: str, secret: str, seen: Millis) -> Flow[Issued]:
    """One call. The field is called `secretkey` here and holds the app secret; the key lives for a day."""
    body = {"grant_type": "client_credentials", "appkey": key, "secretkey": secret}
    reply = yield Request("POST", "/oauth2/Approval", body=msgspec.json.encode(body), headers=(JSON,), group="rest")
    said = read(reply, ApprovalSaid, secret=True)
    if not said.approval_key:
        raise WireSurprise("KIS gave no approval key")
    return Issued(said.approval_key, Millis(seen + DAY))


def sign(request: Request, key: str, secret: str, token: str) -> Request:
    proof = (
        JSON,
        ("authorization", f"Bearer {token}"),
        ("appkey", key),
        ("appsecret", secret),
        ("custtype", "P"),
    )
    return msgspec.structs.replace(request, headers=(*request.headers, *proof))


KEYS = KeySpec(token=token, approval=approval, sign=sign, token_gap_ms=TOKEN_GAP_MS, approval_gap_ms=APPROVAL_GAP_MS)
