"""What the simulated stream understands, and the exact words with which it declines (reference/upbit.md 4.2, 4.3)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.simulators.upbit_requests import Ask, ListAll, Ping, Subscribe, Wrong, read
from core.simulators.upbit_wire import Format

KNOWN = frozenset({"KRW-BTC", "KRW-ETH"})


def said(*parts):
    return read(msgspec.json.encode(list(parts)).decode(), KNOWN)


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("hello", '{"error":{"name":"WRONG_FORMAT","message":"Format 이 맞지 않습니다."}}'),
        ('{"ticket":"a"}', '{"error":{"name":"WRONG_FORMAT","message":"Format 이 맞지 않습니다."}}'),
        ('[{"ticket":"a"},{"type":"trade","codes":["KRW-BTC"]},{"format":"XML"}]', '{"error":{"name":"WRONG_FORMAT","message":"Format 이 맞지 않습니다."}}'),
        ('[{"type":"trade","codes":["KRW-BTC"]}]', '{"error":{"name":"NO_TICKET","message":"티켓이 존재하지 않거나, 유효하지 않습니다."}}'),
        ('[{"ticket":""},{"type":"trade","codes":["KRW-BTC"]}]', '{"error":{"name":"NO_TICKET","message":"티켓이 존재하지 않거나, 유효하지 않습니다."}}'),
        ('[{"ticket":"a"}]', '{"error":{"name":"NO_TYPE","message":"type 필드가 존재하지 않습니다."}}'),
        ('[{"ticket":"a"},{"codes":["KRW-BTC"]}]', '{"error":{"name":"NO_TYPE","message":"type 필드가 존재하지 않습니다."}}'),
        ('[{"ticket":"a"},{"type":"trade"}]', '{"error":{"name":"NO_CODES","message":"codes 필드가 존재하지 않습니다."}}'),
        ('[{"ticket":"a"},{"type":"trade","codes":[]}]', '{"error":{"name":"INVALID_PARAM","message":"codes 필드가 비어 있습니다."}}'),
        ('[{"ticket":"a"},{"type":"nope","codes":["KRW-BTC"]}]', '{"error":{"name":"INVALID_PARAM","message":"nope 은 지원하지 않는 타입입니다."}}'),
        ('[{"ticket":"a"},{"type":"candle.2m","codes":["KRW-BTC"]}]', '{"error":{"name":"INVALID_PARAM","message":"candle.2m 은 지원하지 않는 타입입니다."}}'),
        ('[{"ticket":"a"},{"type":"myOrder"}]', '{"error":{"name":"INVALID_AUTH","message":"인증 정보가 올바르지 않습니다."}}'),
    ],
)  # fmt: skip
def test_each_refusal_has_its_own_words(text, frame):
    wrong = read(text, KNOWN)
    assert isinstance(wrong, Wrong)
    assert wrong.frame().decode() == frame


def test_unknown_and_lower_case_codes_are_left_out_in_silence():
    got = said({"ticket": "a"}, {"type": "trade", "codes": ["KRW-BTC", "krw-eth", "KRW-NONE", 5]})
    assert got == Subscribe([Ask("trade", {"KRW-BTC": 30})], Format.DEFAULT)


@pytest.mark.parametrize(("suffix", "units"), [("", 30), (".1", 1), (".5", 5), (".15", 15), (".30", 30), (".7", 30)])
def test_a_suffix_asks_for_book_units(suffix, units):
    got = said({"ticket": "a"}, {"type": "orderbook", "codes": [f"KRW-BTC{suffix}"]})
    assert got.asks[0].codes == {"KRW-BTC": units}


def test_the_suffix_means_nothing_to_other_types():
    assert said({"ticket": "a"}, {"type": "trade", "codes": ["KRW-BTC.5"]}).asks[0].codes == {}


@pytest.mark.parametrize(
    ("field", "snapshot", "realtime"),
    [
        ("is_only_snapshot", True, False),
        ("isOnlySnapshot", True, False),
        ("is_only_realtime", False, True),
        ("isOnlyRealtime", False, True),
    ],
)
def test_one_kind_alone_can_be_asked_for_in_both_spellings(field, snapshot, realtime):
    got = said({"ticket": "a"}, {"type": "trade", "codes": ["KRW-BTC"], field: True}).asks[0]
    assert (got.snapshot, got.realtime) == (snapshot, realtime)


def test_the_format_may_stand_second_as_in_2021():
    got = said({"ticket": "a"}, {"format": "SIMPLE"}, {"type": "trade", "codes": ["KRW-BTC"], "level": "x"})
    assert got.style is Format.SIMPLE


def test_a_listing_and_a_text_ping_are_understood():
    assert said({"ticket": "a"}, {"method": "LIST_SUBSCRIPTIONS"}) == ListAll("a", None)
    assert said({"ticket": "a"}, {"method": "LIST_SUBSCRIPTIONS"}, {"format": "SIMPLE"}) == ListAll("a", Format.SIMPLE)
    assert read("PING", KNOWN) == Ping()


@given(st.text())
def test_any_text_is_understood_or_declined(text):
    assert isinstance(read(text, KNOWN), Subscribe | ListAll | Ping | Wrong)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["trade", "KRW-BTC", "PING"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["ticket", "type", "codes", "format", "method", "level", "is_only_snapshot"])


@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=4), max_size=4))
def test_any_array_of_objects_is_understood_or_declined(parts):
    assert isinstance(said(*parts), Subscribe | ListAll | Ping | Wrong)
