"""KIS's answers and requests (reference/kis.md 7.2, 7.3), and whatever else may come (D1)."""

import random

import msgspec
import pytest

from core.domain.errors import Misconfigured, WireSurprise
from core.domain.events import (
    Acknowledged,
    Drift,
    Echo,
    Inbound,
)
from core.domain.policies import Environment
from core.venues.kis.fields import CURES, MOCK, TRS
from core.venues.kis.stream import STREAM, decode, request
from core.venues.spec import Channel, Cure, Topic
from tests.venues.kis.wirecraft import (
    ACCEPTED,
    BOOK_59,
    FILLED,
    PINGPONG,
    SEEN,
    STATE_10,
    TRADE_2023,
    answer,
    frame,
    notice,
    open_decoder,
    sealed,
    state,
    trade,
)

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
