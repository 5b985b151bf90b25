"""Simulated Binance reads control messages and stream names as strictly as the reference says (I3)."""

import pytest

from core.simulators.binance_requests import Feed, Said, Wrong, feed, read


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("btcusdt@trade", Feed("BTCUSDT", "trade")),
        ("btcusdt@depth", Feed("BTCUSDT", "depth", "", slow=True)),
        ("btcusdt@depth@100ms", Feed("BTCUSDT", "depth")),
        ("btcusdt@depth20@100ms", Feed("BTCUSDT", "depth", "20")),
        ("btcusdt@kline_1w", Feed("BTCUSDT", "kline", "1w")),
        ("币安usdt@miniTicker", Feed("币安USDT", "miniTicker")),
        ("!miniTicker@arr", Feed("", "miniTicker")),
        ("BTCUSDT@trade", None),
        ("btcusdt@trades", None),
        ("btcusdt@depth7", None),
        ("btcusdt@depth@5ms", None),
        ("btcusdt@kline", None),
        ("btcusdt@kline_7m", None),
        ("btcusdt@trade@100ms", None),
        ("!ticker@arr", None),
        ("btcusdt", None),
        ("", None),
    ],
)
def test_a_streams_name_means_one_feed_or_none(name, found):
    assert feed(name) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":1}', Said("SUBSCRIBE", 1, ("a@trade",))),
        ('{"method":"UNSUBSCRIBE","params":[],"id":"x1"}', Said("UNSUBSCRIBE", "x1")),
        ('{"method":"LIST_SUBSCRIPTIONS"}', Said("LIST_SUBSCRIPTIONS", None)),
        ('{"method":"GET_PROPERTY","params":["combined"],"id":2}', Said("GET_PROPERTY", 2, ("combined",))),
        ('{"method":"SET_PROPERTY","params":["combined",true],"id":5}', Said("SET_PROPERTY", 5, ("combined",), True)),
    ],
)
def test_what_reads(text, said):
    assert read(text) == said


@pytest.mark.parametrize(
    ("text", "code", "id"),
    [
        ("nonsense", 3, None),
        ("[]", 2, None),
        ('{"id":1}', 2, 1),
        ('{"method":"SHOUT","id":1}', 2, 1),
        ('{"method":"SUBSCRIBE","params":"a@trade","id":1}', 2, 1),
        ('{"method":"SUBSCRIBE","params":[7],"id":1}', 2, 1),
        ('{"method":"SUBSCRIBE","params":["a@vanished"],"id":1}', 2, 1),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":1.5}', 2, None),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":true}', 2, None),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":"with blank"}', 2, None),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":"%s"}' % ("a" * 37), 2, None),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":1,"more":1}', 2, 1),
        ('{"method":"LIST_SUBSCRIPTIONS","params":["x"],"id":1}', 2, 1),
        ('{"method":"GET_PROPERTY","params":[],"id":1}', 2, 1),
        ('{"method":"GET_PROPERTY","params":["combined",true],"id":1}', 2, 1),
        ('{"method":"GET_PROPERTY","params":[1],"id":1}', 2, 1),
        ('{"method":"GET_PROPERTY","params":["colour"],"id":1}', 0, 1),
        ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}', 1, None),
        ('{"method":"SET_PROPERTY","params":["combined"],"id":1}', 1, None),
    ],
)
def test_what_does_not_read_is_answered_with_binances_own_code(text, code, id):
    wrong = read(text)

    assert isinstance(wrong, Wrong)
    assert (wrong.code, wrong.id) == (code, id)
    assert (b'"id"' in wrong.frame()) is (id is not None)
