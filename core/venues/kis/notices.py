"""Own-order notices: H0STCNI0 and H0STCNI9, decrypted and read (reference/kis.md 7.4, 7.8).

What is in them is personal (names, account): no error here quotes it.
"""

from __future__ import annotations

from base64 import b64decode
from decimal import Decimal

from core.domain.events import NoticeKind, OrderNotice
from core.domain.values import Millis, Side
from core.venues.kis.clock import STOCKS, around
from core.venues.kis.fields import NOTICE

ACCOUNT, ORDER, ORIGINAL, SIDE, CHANGE, CODE, QUANTITY, PRICE, HOUR, REFUSED, FILLED, ACCEPTED, BRANCH = (
    NOTICE.index(name)
    for name in (
        *("ACNT_NO", "ODER_NO", "OODER_NO", "SELN_BYOV_CLS", "RCTF_CLS", "STCK_SHRN_ISCD", "CNTG_QTY", "CNTG_UNPR"),
        *("STCK_CNTG_HOUR", "RFUS_YN", "CNTG_YN", "ACPT_YN", "BRNC_NO"),
    )
)
SIDES = {b"01": Side.SELL, b"02": Side.BUY}
BLOCK = 16


def decrypt(payload: bytes, key: bytes, iv: bytes) -> bytes:
    """The text of an encrypted payload: base64, AES-256-CBC, PKCS7. Raises ValueError for what is not one.

    The library is loaded with the first encrypted frame: most processes never see one.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    opened = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    padded = opened.update(b64decode(payload, validate=True)) + opened.finalize()
    rest = PKCS7(BLOCK * 8).unpadder()
    return rest.update(padded) + rest.finalize()


def notice(cells: list[bytes], seen: Millis) -> OrderNotice:
    """One record, of whichever layout. Raises ValueError, LookupError or ArithmeticError for what does not read."""
    return OrderNotice(
        instrument=STOCKS[cells[CODE]],
        account=_digits(cells[ACCOUNT]),
        order=_digits(cells[ORDER]),
        original=_digits(cells[ORIGINAL]) if cells[ORIGINAL].strip(b" 0") else "",
        side=SIDES[cells[SIDE]],
        kind=_kind(cells),
        quantity=_number(cells[QUANTITY]),
        price=_number(cells[PRICE]),
        at=around(cells[HOUR], seen),
        seen=seen,
        branch=cells[BRANCH].strip().decode("ascii"),
    )


def same_account(told: str, written: str) -> bool:
    """Whether a notice's account (8 + 2 digits as one text) is the one that its owner wrote, with or without a dash.

    >>> same_account("1234567801", "12345678-01"), same_account("1234567801", "12345678"), same_account("12", "1")
    (True, True, False)
    """
    digits = "".join(letter for letter in written if letter.isdigit())
    return told == (digits if len(digits) > 8 else digits + "01")


def _kind(cells: list[bytes]) -> NoticeKind:
    """ACPT_YN 2 (confirmed) comes with cancels; 3 is the rest of an IOC or FOK order that the exchange took back."""
    if cells[REFUSED] == b"1":
        return NoticeKind.REJECTED
    match cells[FILLED], cells[CHANGE], cells[ACCEPTED]:
        case b"2", _, _:
            return NoticeKind.FILLED
        case b"1", b"2", _:
            return NoticeKind.CANCELLED
        case b"1", b"1", _:
            return NoticeKind.AMENDED
        case b"1", b"0", b"3":
            return NoticeKind.CANCELLED
        case b"1", b"0", _:
            return NoticeKind.ACCEPTED
        case _:
            raise ValueError("a kind of notice that is not known")


def _digits(cell: bytes) -> str:
    """A number that is a name: kept as it came, zeros and all."""
    if not cell.isdigit():
        raise ValueError("not digits")
    return cell.decode("ascii")


def _number(cell: bytes) -> Decimal:
    """A quantity or price, zero-padded to its full width; none is said as an empty cell."""
    found = Decimal(cell.decode("ascii") or "0")
    if not (found.is_finite() and found >= 0):
        raise ValueError("not an amount")
    return found
