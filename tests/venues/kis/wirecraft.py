"""KIS frames as its reference prints them, and makers of more by field name (reference/kis.md 7.4 to 7.8)."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from core.domain.values import Instrument, Market
from core.venues.kis.fields import BOOK, NOTICE, STATE, TRADE
from core.venues.kis.stream import Decoder

KEY, IV = "0123456789abcdef0123456789ABCDEF", "fedcba9876543210"

TRADE_2023 = (
    b"0|H0STCNT0|001|005930^093354^71900^5^-100^-0.14^72023.83^72100^72400^71700^71900^71800^1^3052507^219853241700"
    b"^5105^6937^1832^84.90^1366314^1159996^1^0.39^20.28^090020^5^-200^090820^5^-500^092619^2^200^20230612^20^N^65945"
    b"^216924^1118750^2199206^0.05^2424142^125.92^0^^72100"
)
TRADE_2025 = (
    b"0|H0STCNT0|001|005930^120651^67050^5^-750^-1.11^67620.79^68100^68500^67000^67100^67000^200^8293601^560819903500"
    b"^25773^26194^421^67.01^4648298^3114657^1^0.38^46.80^090008^5^-1050^090433^5^-1450^100933^2^50^20250722^20^N"
    b"^122087^257541^794914^1365374^0.14^10573794^78.44^0^^68100"
)
BOOK_59 = (
    b"0|H0STASP0|001|005930^093730^0^71900^72000^72100^72200^72300^72400^72500^72600^72700^72800^71800^71700^71600"
    b"^71500^71400^71300^71200^71100^71000^70900^91918^117942^92673^79708^106729^141988^176192^113906^134077^104229"
    b"^95221^159371^220746^284657^212742^195370^182710^209747^376432^158171^1159362^2095167^0^0^0^0^525579^-72000^5"
    b"^-100.00^3159115^0^8^0^0^0"
)
STATE_10 = b"0|H0STMKO0|001|396300^N^(null)^^311^^^55^N^N"
ACCEPTED = "HTSID^1234567801^0000001562^^02^0^00^0^027360^0000000001^000002200^092701^0^1^1^00950^000000001^NAME^1Y^10^^아주IB투자^"
FILLED = "HTSID^1234567801^0000005008^^02^0^00^0^069500^0000000001^000043295^144700^0^2^2^00950^000000001^NAME^1Y^10^^KODEX200^000044000"


def trade(**cells):
    """One trade's 47 cells, those named in place of the ordinary ones."""
    plain = dict(zip(TRADE, [*TRADE_2023.decode().split("|")[3].split("^"), "2"], strict=True))
    return list((plain | cells).values())


def book(**cells):
    return list((dict.fromkeys(BOOK, "0") | {"MKSC_SHRN_ISCD": "005930", "BSOP_HOUR": "093730"} | cells).values())


def state(**cells):
    plain = dict.fromkeys(STATE, "") | {"MKSC_SHRN_ISCD": "005930", "TRHT_YN": "N", "VI_CLS_CODE": "N"}
    return list((plain | cells).values())


def notice(**cells):
    """One real own-order notice, 26 cells: an acceptance of a buy of 10 at 71,900 unless told otherwise."""
    plain = dict.fromkeys(NOTICE, "") | {
        "CUST_ID": "HTSID", "ACNT_NO": "1234567801", "ODER_NO": "0000001562", "SELN_BYOV_CLS": "02", "RCTF_CLS": "0",
        "ODER_KIND": "00", "ODER_COND": "0", "STCK_SHRN_ISCD": "005930", "CNTG_QTY": "0000000010",
        "CNTG_UNPR": "000071900", "STCK_CNTG_HOUR": "092701", "RFUS_YN": "0", "CNTG_YN": "1", "ACPT_YN": "1",
        "BRNC_NO": "06010", "ODER_QTY": "0000000010", "ACNT_NAME": "홍길동", "ORD_EXG_GB": "1", "POPUP_YN": "Y",
        "CNTG_ISNM40": "삼성전자", "ODER_PRC": "000071900",
    }  # fmt: skip
    return list((plain | cells).values())


def frame(tr, *records):
    """A plain data frame of these records."""
    cells = "^".join("^".join(record) for record in records)
    return f"0|{tr}|{len(records):03d}|{cells}".encode()


def sealed(tr, *records, key=KEY, iv=IV):
    """An encrypted frame, as own-order notices come; a record may also be one text."""
    text = "^".join(record if isinstance(record, str) else "^".join(record) for record in records).encode()
    pad = PKCS7(128).padder()
    lock = Cipher(algorithms.AES(key.encode()), modes.CBC(iv.encode())).encryptor()
    body = lock.update(pad.update(text) + pad.finalize()) + lock.finalize()
    return f"1|{tr}|{len(records):03d}|".encode() + b64encode(body)


def answer(tr, key, code="OPSP0000", text="SUBSCRIBE SUCCESS", *, keys=True):
    """The JSON answer to a registration."""
    output = f',"output":{{"iv":"{IV}","key":"{KEY}"}}' if keys else ""
    failed = "0" if code in {"OPSP0000", "OPSP0001"} else "1"
    return (
        f'{{"header":{{"tr_id":"{tr}","tr_key":"{key}","encrypt":"N"}},'
        f'"body":{{"rt_cd":"{failed}","msg_cd":"{code}","msg1":"{text}"{output}}}}}'
    ).encode()


PINGPONG = b'{"header":{"tr_id":"PINGPONG","datetime":"20261120093000"}}'


def kst(text):
    """Epoch ms of `YYYY-MM-DD HH:MM:SS` in Korea."""
    return int((datetime.fromisoformat(text).replace(tzinfo=UTC) - timedelta(hours=9)).timestamp() * 1000)


SEEN = kst("2026-11-20 09:37:31")
SAMSUNG = Instrument(Market.KRX, "005930")


def open_decoder(*names):
    """A decoder that has been given the keys of these streams."""
    decoder = Decoder()
    for name in names or ("H0STCNI0", "H0STCNI9"):
        decoder(answer(name, "HTSID"), SEEN)
    return decoder


EVENTS = "110 112 121 129 130 139 140 146 149 150 156 159 164 174 175 182 184 185 387 388 397 398 F01 F06 F07 F08 F09 F11 F16 F17 F18 P01"
"""MKOP_CLS_CODE: every event of the market that the reference lists."""
