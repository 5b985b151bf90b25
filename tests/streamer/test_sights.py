"""What `hoga why` needs of the streamer is written every few rounds, not every one."""

from core.domain.engine import Engine
from core.domain.values import Market, Millis
from streamer.sights import EVERY, Sights
from tests.domain.test_sight import AT, POLICY, trade


def test_the_level_is_written_in_the_first_round_and_then_every_few():
    engine = Engine(Market.UPBIT, POLICY, lambda symbol: "")
    engine.step(trade(100.0, 0.0))
    sights = Sights(Market.UPBIT, engine)
    cooldowns = {"KRW-OLD": Millis(AT - 1), "KRW-NEW": Millis(AT + 1)}

    rounds = [sights.due(("KRW-NONE", "KRW-BTC"), cooldowns, AT) for _ in range(2 * EVERY)]

    assert [len(levels) for levels in rounds] == [1, *[0] * (EVERY - 1)] * 2
    (level,) = rounds[0]
    assert [one.symbol for one in level.sights] == ["KRW-BTC"]
    assert level.cooldowns == {"KRW-NEW": AT + 1}
