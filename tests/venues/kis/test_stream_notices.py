"""KIS's own-order notices, plain and encrypted, every field of reference/kis.md 7.8 (E8)."""

import re
from decimal import Decimal

import pytest

from core.domain.errors import WireSurprise
from core.domain.events import (
    Drift,
    NoticeKind,
    OrderNotice,
)
from core.domain.values import Instrument, Market, Side
from core.venues.kis.notices import same_account
from core.venues.kis.stream import STREAM, Decoder, decode
from tests.venues.kis.wirecraft import (
    ACCEPTED,
    FILLED,
    KEY,
    SEEN,
    answer,
    frame,
    kst,
    notice,
    open_decoder,
    sealed,
)


def test_captured_paper_notices_of_23_fields_read():
    """Zero-padded numbers; a time without a date; the account and the order number as they came."""
    decoder = open_decoder("H0STCNI9")
    assert decoder(sealed("H0STCNI9", ACCEPTED), SEEN) == [
        OrderNotice(
            instrument=Instrument(Market.KRX, "027360"),
            account="1234567801",
            order="0000001562",
            original="",
            side=Side.BUY,
            kind=NoticeKind.ACCEPTED,
            quantity=Decimal(1),
            price=Decimal(2200),
            at=kst("2026-11-20 09:27:01"),
            seen=SEEN,
            branch="00950",
        )
    ]
    (fill,) = decoder(sealed("H0STCNI9", FILLED), SEEN)
    assert (fill.kind, fill.order, fill.price) == (NoticeKind.FILLED, "0000005008", Decimal(43295))


def test_both_layouts_of_a_frame_of_several_read():
    decoder = open_decoder()
    two = decoder(sealed("H0STCNI9", ACCEPTED, FILLED), SEEN)
    assert [event.kind for event in two] == [NoticeKind.ACCEPTED, NoticeKind.FILLED]
    real = decoder(sealed("H0STCNI0", notice(), notice(CNTG_YN="2", CNTG_QTY="0000000004")), SEEN)
    assert [(event.kind, event.quantity) for event in real] == [(NoticeKind.ACCEPTED, 10), (NoticeKind.FILLED, 4)]


def test_the_portals_old_layout_of_23_fields_reads():
    row = [*notice()[:18], "삼성전자", "10", "", "삼성전자", "000071900"]
    (found,) = open_decoder()(sealed("H0STCNI0", row), SEEN)
    assert (found.order, found.price) == ("0000001562", Decimal(71900))


@pytest.mark.parametrize(("width", "drifts"), [(23, False), (24, True), (26, False), (29, True)])
def test_a_notice_is_read_up_to_the_name_whatever_follows(width, drifts):
    found, *rest = open_decoder()(sealed("H0STCNI0", (notice() + ["x"] * 5)[:width]), SEEN)
    assert found.quantity == 10
    assert [type(event) for event in rest] == ([Drift] if drifts else [])
    assert not rest or rest[0].body.startswith(b"1|H0STCNI0|001|")  # as it came: encrypted


def test_a_notice_of_fewer_than_23_fields_does_not_read():
    with pytest.raises(WireSurprise):
        open_decoder()(sealed("H0STCNI0", notice()[:22]), SEEN)


KINDS = [
    ({}, NoticeKind.ACCEPTED),
    ({"ACPT_YN": "2"}, NoticeKind.ACCEPTED),
    ({"CNTG_YN": "2", "ACPT_YN": "2"}, NoticeKind.FILLED),
    ({"ACPT_YN": "3", "ODER_COND": "1"}, NoticeKind.CANCELLED),
    ({"ACPT_YN": "3", "ODER_COND": "2"}, NoticeKind.CANCELLED),
    ({"RCTF_CLS": "1", "OODER_NO": "0000001561", "ACPT_YN": "2"}, NoticeKind.AMENDED),
    ({"RCTF_CLS": "2", "OODER_NO": "0000001561", "ACPT_YN": "2", "CNTG_UNPR": "000000000"}, NoticeKind.CANCELLED),
    ({"RFUS_YN": "1"}, NoticeKind.REJECTED),
    ({"RFUS_YN": "1", "RCTF_CLS": "2"}, NoticeKind.REJECTED),
]


@pytest.mark.parametrize(("cells", "kind"), KINDS)
def test_a_notice_says_what_happened(cells, kind):
    (found,) = open_decoder()(sealed("H0STCNI0", notice(**cells)), SEEN)
    assert found.kind is kind
    assert found.original == cells.get("OODER_NO", "")


@pytest.mark.parametrize(("code", "side"), [("01", Side.SELL), ("02", Side.BUY)])
def test_a_notice_says_which_side(code, side):
    (found,) = open_decoder()(sealed("H0STCNI0", notice(SELN_BYOV_CLS=code)), SEEN)
    assert found.side is side


@pytest.mark.parametrize("text", ["", "0000000000"])
def test_an_order_that_is_about_no_other_has_no_original(text):
    (found,) = open_decoder()(sealed("H0STCNI0", notice(OODER_NO=text)), SEEN)
    assert found.original == ""


@pytest.mark.parametrize(
    "cells",
    [{"ODER_NO": ""}, {"ACNT_NO": "x"}, {"SELN_BYOV_CLS": "03"}, {"CNTG_YN": "3"}, {"RCTF_CLS": "7"},
     {"CNTG_QTY": "-1"}, {"CNTG_UNPR": "NaN"}, {"CNTG_UNPR": "x"}, {"STCK_CNTG_HOUR": ""}],
)  # fmt: skip
def test_a_notice_that_cannot_be_is_a_surprise_that_quotes_nothing_of_it(cells):
    with pytest.raises(WireSurprise) as caught:
        open_decoder()(sealed("H0STCNI0", notice(**cells)), SEEN)
    assert caught.value.__cause__ is None
    assert not re.search("홍길동|1234567801|HTSID", str(caught.value))


def test_a_price_that_is_not_said_is_none():
    (found,) = open_decoder()(sealed("H0STCNI0", notice(CNTG_UNPR="")), SEEN)
    assert found.price == 0


def test_the_first_character_says_whether_a_frame_is_encrypted():
    (found,) = decode(frame("H0STCNI0", notice()), SEEN)
    assert found.quantity == 10


def test_a_key_belongs_to_its_stream_and_its_connection_and_the_newest_counts():
    decoder = open_decoder("H0STCNI0")
    with pytest.raises(WireSurprise, match="before its key"):
        decoder(sealed("H0STCNI9", ACCEPTED), SEEN)
    with pytest.raises(WireSurprise, match="before its key"):
        Decoder()(sealed("H0STCNI0", notice()), SEEN)
    new = "ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP"
    with pytest.raises(WireSurprise):
        decoder(sealed("H0STCNI0", notice(), key=new), SEEN)
    decoder(answer("H0STCNI0", "HTSID").replace(KEY.encode(), new.encode()), SEEN)
    assert decoder(sealed("H0STCNI0", notice(), key=new), SEEN)


def test_an_answer_whose_key_has_another_length_is_not_remembered():
    decoder = open_decoder("H0STCNI0")
    decoder(answer("H0STCNI0", "HTSID").replace(KEY.encode(), b"short"), SEEN)
    decoder(answer("H0STCNI0", "HTSID", keys=False), SEEN)
    assert decoder(sealed("H0STCNI0", notice()), SEEN)


def test_an_account_is_the_same_with_or_without_its_dash():
    assert same_account("1234567801", "12345678-01")
    assert same_account("1234567801", "12345678")
    assert same_account("1234567822", "12345678-22")
    assert not same_account("1234567801", "1234567822")
    assert STREAM.own is same_account
