"""KIS's frames and answers, every field list and code of reference/kis.md 7.2 to 7.8 (D1)."""

import random
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from core.domain.errors import Misconfigured, WireSurprise
from core.domain.events import (
    Acknowledged,
    Beat,
    Book,
    Drift,
    Echo,
    Inbound,
    MarketState,
    NoticeKind,
    OrderNotice,
    Trade,
)
from core.domain.policies import Environment
from core.domain.values import Instrument, Market, Side
from core.venues.kis.fields import BOOK, CURES, MOCK, NOTICE, STATE, TRADE, TRS
from core.venues.kis.notices import same_account
from core.venues.kis.stream import STREAM, Decoder, decode, request
from core.venues.spec import Channel, Cure, Topic
from tests.venues.kis.wirecraft import (
    ACCEPTED,
    BOOK_59,
    FILLED,
    KEY,
    PINGPONG,
    STATE_10,
    TRADE_2023,
    TRADE_2025,
    answer,
    book,
    frame,
    notice,
    sealed,
    state,
    trade,
)

REFERENCE = Path(__file__).parents[3] / ".." / "shared" / "reference" / "kis.md"
SAMSUNG = Instrument(Market.KRX, "005930")
TRADES = [name for name, tr in TRS.items() if tr.topic is Topic.TRADE]


def kst(text):
    """Epoch ms of `YYYY-MM-DD HH:MM:SS` in Korea."""
    return int((datetime.fromisoformat(text).replace(tzinfo=UTC) - timedelta(hours=9)).timestamp() * 1000)


SEEN = kst("2026-11-20 09:37:31")


def open_decoder(*names):
    """A decoder that has been given the keys of these streams."""
    decoder = Decoder()
    for name in names or ("H0STCNI0", "H0STCNI9"):
        decoder(answer(name, "HTSID"), SEEN)
    return decoder


# ---- trades ----------------------------------------------------------------------------------------------------------


def test_a_public_trade_frame_reads_as_it_is_printed():
    (found,) = decode(TRADE_2023, SEEN)
    assert found == Trade(
        instrument=SAMSUNG,
        price=71900.0,
        quantity=1.0,
        taker=Side.BUY,
        at=kst("2023-06-12 09:33:54"),
        seen=SEEN,
        sequence=19520 * 10**13 + 3052507,
        total=3052507,
    )
    (other,) = decode(TRADE_2025, SEEN)
    assert (other.price, other.quantity, other.total, other.at) == (67050.0, 200.0, 8293601, kst("2025-07-22 12:06:51"))


@pytest.mark.parametrize("tr", TRADES)
@pytest.mark.parametrize("width", [46, 47, 50])
@pytest.mark.parametrize("count", range(1, 21))
def test_every_record_of_a_frame_is_read_whatever_its_width(tr, width, count):
    """Width = fields / records: 46 before 2026-09-14, 47 since, and whatever is appended next."""
    rows = []
    for number in range(count):
        row = trade(STCK_PRPR=str(70_000 + number), CNTG_VOL=str(number + 1), ACML_VOL=str(1_000 + number))
        rows.append([*row, "x", "", "y"][:width])
    found = decode(frame(tr, *rows), SEEN)
    trades = [event for event in found if isinstance(event, Trade)]
    assert [(t.price, t.quantity, t.total) for t in trades] == [(70_000 + n, n + 1, 1_000 + n) for n in range(count)]
    assert [t.sequence for t in trades] == sorted({t.sequence for t in trades})
    drifts = [event for event in found if isinstance(event, Drift)]
    assert drifts == ([Drift(tr, 50, 47, frame(tr, *rows), SEEN)] if width == 50 else [])
    assert len(found) == count + len(drifts)


def test_every_field_of_a_trade_may_be_empty_but_those_that_are_read():
    read = {"MKSC_SHRN_ISCD", "STCK_CNTG_HOUR", "STCK_PRPR", "CNTG_VOL", "ACML_VOL", "BSOP_DATE"}
    for name in TRADE:
        row = frame("H0STCNT0", trade(**{name: ""}))
        if name in read:
            with pytest.raises(WireSurprise):
                decode(row, SEEN)
        else:
            assert isinstance(decode(row, SEEN)[0], Trade), name


@pytest.mark.parametrize(("code", "side"), [("1", Side.BUY), ("3", None), ("5", Side.SELL), ("", None)])
def test_the_side_that_crossed_is_the_taker_and_an_auction_has_none(code, side):
    (found,) = decode(frame("H0STCNT0", trade(CCLD_DVSN=code)), SEEN)
    assert found.taker is side


@pytest.mark.parametrize(
    ("code", "kind"), [("0", Trade), ("", Trade), ("A", Beat), ("B", Beat), ("C", Beat), ("D", Beat)]
)
def test_a_match_that_is_only_expected_is_no_trade(code, kind):
    (found,) = decode(frame("H0STCNT0", trade(HOUR_CLS_CODE=code)), SEEN)
    assert type(found) is kind


@pytest.mark.parametrize("code", ["1", "2", "3", "5"])
@pytest.mark.parametrize("phase", [a + b for a in "123478" for b in "012378"])
def test_a_trade_is_one_in_every_session(code, phase):
    (found,) = decode(frame("H0STCNT0", trade(MARKET_CLS_CODE=code, NEW_MKOP_CLS_CODE=phase)), SEEN)
    assert type(found) is Trade


def test_a_row_of_zeros_is_a_sign_of_life_and_no_trade():
    assert decode(frame("H0STCNT0", trade(STCK_PRPR="0", CNTG_VOL="0", ACML_VOL="0")), SEEN) == [Beat(SEEN)]


@pytest.mark.parametrize("price", ["-1", "nan", "inf", "1e300", "x", " ", "7.1.9"])
def test_a_price_that_cannot_be_does_not_read(price):
    with pytest.raises(WireSurprise):
        decode(frame("H0STCNT0", trade(STCK_PRPR=price)), SEEN)


@pytest.mark.parametrize("hour", ["240000", "096000", "090060", "9000", "0900000", "ab0000", "-10000"])
def test_a_time_of_day_that_cannot_be_does_not_read(hour):
    with pytest.raises(WireSurprise):
        decode(frame("H0STCNT0", trade(STCK_CNTG_HOUR=hour)), SEEN)


@pytest.mark.parametrize("day", ["20260231", "19991231", "21000101", "2026112", "2026112x"])
def test_a_date_that_cannot_be_does_not_read(day):
    with pytest.raises(WireSurprise):
        decode(frame("H0STCNT0", trade(BSOP_DATE=day)), SEEN)


@pytest.mark.parametrize("code", ["0074K0", "Q530036", "069500"])
def test_a_code_is_text_letters_and_all(code):
    (found,) = decode(frame("H0STCNT0", trade(MKSC_SHRN_ISCD=code)), SEEN)
    assert found.instrument == Instrument(Market.KRX, code)


def test_many_codes_never_fill_the_memory():
    for number in range(9_000):
        decode(frame("H0STCNT0", trade(MKSC_SHRN_ISCD=f"{number:06d}")), SEEN)
    (found,) = decode(TRADE_2023, SEEN)
    assert found.instrument == SAMSUNG


def test_cells_that_are_no_whole_number_of_records_do_not_read():
    with pytest.raises(WireSurprise):
        decode(b"0|H0STCNT0|002|" + TRADE_2023.split(b"|")[3], SEEN)
    with pytest.raises(WireSurprise):
        decode(frame("H0STCNT0", trade(), trade()).replace(b"|002|", b"|001|"), SEEN)
    with pytest.raises(WireSurprise):
        decode(frame("H0STCNT0", trade()).replace(b"|001|", b"|000|"), SEEN)


def test_trades_of_a_day_have_rising_ids_into_the_next_day():
    """Several trades share one second: what tells them apart is the volume of the day."""
    evening = trade(BSOP_DATE="20261119", STCK_CNTG_HOUR="153000", ACML_VOL="99999999999")
    morning = trade(BSOP_DATE="20261120", STCK_CNTG_HOUR="090000", ACML_VOL="1")
    last, first = (decode(frame("H0STCNT0", row), SEEN)[0] for row in (evening, morning))
    assert last.sequence < first.sequence < 2**63
    assert first.at == kst("2026-11-20 09:00:00")


# ---- books -----------------------------------------------------------------------------------------------------------


def test_a_public_book_reads_as_it_is_printed():
    (found,) = decode(BOOK_59, SEEN)
    assert isinstance(found, Book)
    assert found.instrument == SAMSUNG
    assert found.at == kst("2026-11-20 09:37:30")
    assert len(found.levels) == 10
    best, last = found.levels[0], found.levels[9]
    assert (best.ask, best.ask_size, best.bid, best.bid_size) == (71900, 91918, 71800, 95221)
    assert (last.ask, last.ask_size, last.bid, last.bid_size) == (72800, 104229, 70900, 158171)


@pytest.mark.parametrize(
    ("tr", "width", "drifts"),
    [
        ("H0STASP0", 59, False), ("H0STASP0", 62, False), ("H0STASP0", 63, False), ("H0STASP0", 64, True),
        ("H0UNASP0", 65, False), ("H0UNASP0", 66, False), ("H0UNASP0", 67, True),
        ("H0NXASP0", 62, False), ("H0NXASP0", 65, False), ("H0NXASP0", 66, True),
    ],
)  # fmt: skip
def test_a_book_is_read_by_place_whatever_its_tail(tr, width, drifts):
    row = (book(ASKP1="101", BIDP1="100", ASKP_RSQN1="5", BIDP_RSQN1="6") + ["9"] * 10)[:width]
    found, *rest = decode(frame(tr, row), SEEN)
    assert found.levels[0] == (found.levels[0].__class__)(100.0, 6.0, 101.0, 5.0)
    assert [type(event) for event in rest] == ([Drift] if drifts else [])


def test_steps_that_nobody_offers_are_left_off_and_an_empty_book_keeps_one():
    (two,) = decode(frame("H0STASP0", book(ASKP1="101", BIDP1="100", BIDP2="99")), SEEN)
    assert [(step.bid, step.ask) for step in two.levels] == [(100.0, 101.0), (99.0, 0.0)]
    (none,) = decode(frame("H0STASP0", book()), SEEN)
    assert (len(none.levels), none.bid, none.ask) == (1, 0.0, 0.0)


@pytest.mark.parametrize(
    "name", [f"{side}{step}" for side in ("ASKP", "BIDP", "ASKP_RSQN", "BIDP_RSQN") for step in range(1, 11)]
)
def test_every_price_and_size_of_a_book_must_be_an_amount(name):
    for text in ("", "-1", "nan", "inf"):
        with pytest.raises(WireSurprise):
            decode(frame("H0STASP0", book(**{name: text})), SEEN)


def test_the_rest_of_a_book_may_be_empty():
    for name in BOOK[2:3] + BOOK[43:]:
        assert isinstance(decode(frame("H0STASP0", book(**{name: ""})), SEEN)[0], Book)


@pytest.mark.parametrize(
    ("hour", "seen", "at"),
    [
        ("093730", "2026-11-20 09:37:31", "2026-11-20 09:37:30"),
        ("235959", "2026-11-21 00:00:03", "2026-11-20 23:59:59"),
        ("000001", "2026-11-20 23:59:58", "2026-11-21 00:00:01"),
    ],
)
def test_a_time_without_a_date_is_the_one_nearest_to_when_it_was_seen(hour, seen, at):
    (found,) = decode(frame("H0STASP0", book(BSOP_HOUR=hour)), kst(seen))
    assert found.at == kst(at)


# ---- market states ---------------------------------------------------------------------------------------------------


def test_the_public_market_state_reads_as_it_is_printed():
    (found,) = decode(STATE_10, SEEN)
    assert found == MarketState(
        instrument=Instrument(Market.KRX, "396300"), halted=False, interrupted=False, code="311", seen=SEEN
    )


@pytest.mark.parametrize("tr", ["H0STMKO0", "H0UNMKO0", "H0NXMKO0"])
@pytest.mark.parametrize(("width", "drifts"), [(10, False), (11, False), (12, True)])
def test_a_market_state_has_ten_or_eleven_fields(tr, width, drifts):
    found, *rest = decode(frame(tr, [*state(VI_CLS_CODE="Y"), "1"][:width]), SEEN)
    assert found.interrupted
    assert not found.halted
    assert [type(event) for event in rest] == ([Drift] if drifts else [])


HALTED = {"164", "174"}
CODES = "110 112 121 129 130 139 140 146 149 150 156 159 164 174 175 182 184 185 387 388 397 398 F01 F06 F07 F08 F09 F11 F16 F17 F18 P01"


@pytest.mark.parametrize("code", CODES.split())
def test_every_event_of_the_market_is_kept_and_only_a_halt_or_a_breaker_halts(code):
    (found,) = decode(frame("H0STMKO0", state(MKOP_CLS_CODE=code)), SEEN)
    assert (found.code, found.halted) == (code, code in HALTED)


@pytest.mark.parametrize("code", ["112", "121", "129", "311"])
def test_an_expected_event_is_told_where_there_is_no_other(code):
    (found,) = decode(frame("H0STMKO0", state(ANTC_MKOP_CLS_CODE=code)), SEEN)
    assert found.code == code


def test_a_halt_shows_in_its_own_flag_or_in_the_status():
    """A status is one value, so it can hide a halt and a halt can hide behind it."""
    assert decode(frame("H0STMKO0", state(TRHT_YN="Y", ISCD_STAT_CLS_CODE="55")), SEEN)[0].halted
    assert decode(frame("H0STMKO0", state(TRHT_YN="N", ISCD_STAT_CLS_CODE="58")), SEEN)[0].halted
    assert not decode(frame("H0STMKO0", state(ISCD_STAT_CLS_CODE="51")), SEEN)[0].halted


@pytest.mark.parametrize("name", ["TRHT_YN", "VI_CLS_CODE"])
def test_what_is_neither_yes_nor_no_does_not_read(name):
    with pytest.raises(WireSurprise):
        decode(frame("H0STMKO0", state(**{name: "?"})), SEEN)


# ---- own-order notices -----------------------------------------------------------------------------------------------


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


# ---- answers and requests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tr", TRS)
def test_an_answer_names_what_it_is_about(tr):
    (found,) = decode(answer(tr, "005930"), SEEN)
    assert found == Acknowledged(TRS[tr].topic.value, "005930", "OPSP0000", "SUBSCRIBE SUCCESS", SEEN)


def test_an_answer_about_nothing_that_we_know_is_still_one():
    body = b'{"header":{"tr_id":"(null)","tr_key":null,"encrypt":"N"},"body":{"rt_cd":"9","msg_cd":"OPSP8996","msg1":"ALREADY IN USE appkey   "}}'
    assert decode(body, SEEN) == [Acknowledged("(null)", "", "OPSP8996", "ALREADY IN USE appkey", SEEN)]
    missing = b'{"header":{"tr_id":"H0STCNT0"},"body":{"msg_cd":"OPSP9991","output":{"iv":null,"key":null}}}'
    assert decode(missing, SEEN) == [Acknowledged("trade", "", "OPSP9991", "", SEEN)]


def test_a_pingpong_goes_back_byte_for_byte():
    assert decode(PINGPONG, SEEN) == [Echo(PINGPONG, SEEN)]


CURED = {
    "OPSP0000": Cure.DONE, "OPSP0001": Cure.DONE, "OPSP0002": Cure.DONE, "OPSP0003": Cure.DONE,
    "OPSP0007": Cure.RETRY, "OPSP0008": Cure.FULL, "OPSP0009": Cure.RETRY, "OPSP0010": Cure.RENEW,
    "OPSP0011": Cure.RENEW, "OPSP8991": Cure.WRONG, "OPSP8992": Cure.WRONG, "OPSP8993": Cure.WRONG,
    "OPSP8994": Cure.WRONG, "OPSP8995": Cure.WRONG, "OPSP8996": Cure.IN_USE, "OPSP8997": Cure.WRONG,
    "OPSP8998": Cure.WRONG, "OPSP8999": Cure.RETRY, "OPSP9990": Cure.WRONG, "OPSP9991": Cure.WRONG,
    "OPSP9992": Cure.WRONG, "OPSP9993": Cure.WRONG, "OPSP9994": Cure.RENEW, "OPSP9995": Cure.WRONG,
    "OPSP9996": Cure.WRONG, "OPSP9997": Cure.WRONG, "OPSP9998": Cure.WRONG, "OPSP9999": Cure.WRONG,
}  # fmt: skip


@pytest.mark.parametrize(("code", "what"), CURED.items())
def test_every_code_says_what_to_do(code, what):
    assert STREAM.cure(code) is what


def test_a_code_that_nobody_wrote_down_is_unknown():
    assert STREAM.cure("OPSP7777") is Cure.UNKNOWN
    assert set(CURES) == set(CURED)


def sent(channels, ticket="key", *, words=request):
    return [msgspec.json.decode(message) for message in words(frozenset(channels), ticket)]


def test_a_registration_is_one_message_for_each_channel():
    two = sent([Channel(Topic.TRADE, "005930"), Channel(Topic.BOOK, "000660")])
    assert two[1] == {
        "header": {"approval_key": "key", "custtype": "P", "tr_type": "1", "content-type": "utf-8"},
        "body": {"input": {"tr_id": "H0STCNT0", "tr_key": "005930"}},
    }
    assert two[0]["body"]["input"] == {"tr_id": "H0STASP0", "tr_key": "000660"}
    (gone,) = sent([Channel(Topic.TRADE, "005930")], words=STREAM.release)
    assert gone["header"]["tr_type"] == "2"


@pytest.mark.parametrize("tr", TRS)
def test_every_stream_can_be_asked_for(tr):
    (message,) = sent([Channel(TRS[tr].topic, "005930", TRS[tr].detail)])
    assert message["body"]["input"]["tr_id"] == tr


def test_notices_are_those_of_the_environment_and_of_the_real_one_unless_named():
    assert {TRS["H0STCNI0"].detail, TRS["H0STCNI9"].detail} == {each.value for each in Environment}
    (message,) = sent([Channel(Topic.ORDERS, "HTSID")])
    assert message["body"]["input"] == {"tr_id": "H0STCNI0", "tr_key": "HTSID"}


@pytest.mark.parametrize("channel", [Channel(Topic.TICKER, "005930"), Channel(Topic.TRADE, "005930", "XX")])
def test_what_kis_does_not_stream_is_refused_before_it_is_asked_for(channel):
    with pytest.raises(Misconfigured, match="KIS streams no such thing"):
        request(frozenset([channel]), "key")


def test_the_mock_environment_serves_three_streams():
    served = {name for name, tr in TRS.items() if tr.topic in MOCK and tr.detail in ("", "mock")}
    assert served == {"H0STCNT0", "H0STASP0", "H0STCNI9"}
    assert STREAM.mock == MOCK


# ---- whatever comes --------------------------------------------------------------------------------------------------

SAMPLES = {
    "trade": TRADE_2023,
    "trades of 47": frame("H0UNCNT0", trade(), trade(ACML_VOL="3052508"), trade(ACML_VOL="3052509")),
    "book": BOOK_59,
    "state": STATE_10,
    "state of 11": frame("H0STMKO0", state()),
    "plain notice": frame("H0STCNI0", notice(ACNT_NAME="A", CNTG_ISNM40="B")),
    "paper notices": sealed("H0STCNI9", ACCEPTED, FILLED),
    "real notice": sealed("H0STCNI0", notice()),
    "answer": answer("H0STCNT0", "005930"),
    "refusal": answer("H0STCNT0", "005930", "OPSP0008", "MAX SUBSCRIBE OVER", keys=False),
    "pingpong": PINGPONG,
}


def survives(decoder, body):
    try:
        events = decoder(body, SEEN)
    except WireSurprise:
        return
    assert events
    assert all(isinstance(event, Inbound) for event in events)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_truncation_is_events_or_a_surprise(name):
    body, decoder = SAMPLES[name], open_decoder()
    assert not isinstance(decoder(body, SEEN)[-1], Drift)
    for cut in range(len(body)):
        survives(decoder, body[:cut])
        survives(decoder, body[cut + 1 :])


@pytest.mark.parametrize("name", SAMPLES)
def test_two_thousand_mutations_are_events_or_surprises(name):
    dice, decoder = random.Random(f"kis {name}"), open_decoder()
    tokens = [
        b"^",
        b"|",
        b"-",
        b".",
        b"nan",
        b"inf",
        b"1e999",
        b"\xff\xfe",
        "가".encode(),
        b"(null)",
        b"{",
        b'"',
        b"0" * 400,
        b"",
    ]
    for _ in range(2_000):
        body = bytearray(SAMPLES[name])
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(body)) if body else 0
            match dice.randrange(4):
                case 0:
                    body[at : at + 1] = bytes([dice.randrange(256)])
                case 1:
                    del body[at : at + dice.randint(1, 8)]
                case 2:
                    body[at:at] = body[at : at + dice.randint(1, 60)]
                case _:
                    body[at : at + dice.randint(0, 6)] = dice.choice(tokens)
        survives(decoder, bytes(body))


@pytest.mark.parametrize("body", [b"", b"0", b"2|H0STCNT0|001|", b"0|H0STXXX0|001|1", b"0|H0STCNT0|x|1", b"1|H0STCNT0|001|aa",
                                  b"[" * 5_000, b"{}", b'{"header":{"tr_id":"H0STCNT0"}}'])  # fmt: skip
def test_what_is_no_frame_is_a_surprise(body):
    with pytest.raises(WireSurprise):
        decode(body, SEEN)


# ---- the reference itself --------------------------------------------------------------------------------------------


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference is not beside this checkout")
class TestReference:
    def table(self, title):
        return re.split(r"\n### ", REFERENCE.read_text(encoding="utf-8").split(f"### {title}")[1])[0]

    def test_the_places_of_a_trade_are_those_of_the_reference(self):
        rows = dict(re.findall(r"\| (\d+) \| ([A-Z0-9_]+)(?= |\b)", self.table("7.5")))
        assert {int(place): name for place, name in rows.items()} == dict(enumerate(TRADE))

    def test_the_places_of_a_book_are_those_of_the_reference(self):
        text = self.table("7.6")
        for name in ("ASKP1", "BIDP1", "ASKP_RSQN1", "BIDP_RSQN1"):
            first = re.search(rf"\| (\d+)–\d+ \| {name}–10", text)
            assert first
            assert BOOK.index(name) == int(first[1])
        for first, names in re.findall(r"\| (\d+)(?:[–,][ \d]+)? \| ([A-Z][A-Z0-9_, ]+) \|", text):
            for place, name in enumerate(names.split(", ")):
                assert BOOK[int(first) + place] == name

    def test_the_places_of_a_market_state_and_a_notice_are_those_of_the_reference(self):
        states = re.findall(r"(?:^|· )(\d+) ([A-Z_]+)", self.table("7.7"), re.M)
        assert {int(place): name for place, name in states} == dict(enumerate(STATE))
        notices = re.findall(r"^\| (\d+) \| ([A-Z0-9_]+) \|", self.table("7.8"), re.M)
        assert {int(place): name for place, name in notices} == dict(enumerate(NOTICE))

    def test_every_code_of_the_reference_is_known(self):
        text = self.table("7.2")
        codes = set(re.findall(r"OPSP\d{4}", text))
        for first, rest in re.findall(r"OPSP(\d{4})((?: / \d{4})+)", text):
            codes |= {f"OPSP{first}"} | {f"OPSP{each}" for each in re.findall(r"\d{4}", rest)}
        for first, last in re.findall(r"OPSP(\d{4})–(\d{4})", text):
            codes |= {f"OPSP{number}" for number in range(int(first), int(last) + 1)}
        assert codes <= set(CURES)
        assert set(re.findall(r"^\| (\d{3}) ", self.table("7.7"), re.M)) <= set(CODES.split())
