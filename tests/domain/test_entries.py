"""D9, D10: a rule speaks on the edge, once, and only where a buy may be."""

from msgspec.structs import replace

from core.domain.effects import Announce, Emit
from core.domain.entries import Entries
from core.domain.messages import Kind
from core.domain.policies import RulePolicy
from core.domain.signals import Side
from core.domain.values import MINUTE, Millis

FALL = RulePolicy(name="fall", kind="fall", params={"minutes": 1, "fall": 0.1})
SURGE = RulePolicy(name="surge", kind="surge", params={"minutes": 1, "times": 2, "average": 2, "fall": 0})
CLOSED = RulePolicy(name="closed", kind="breakout", enabled=False)


def ids(effects):
    return [effect.signal.id for effect in effects if type(effect) is Emit]


def test_a_signal_says_what_was_measured_and_until_when(desk):
    made = desk.engine()

    emit, announce = made.step(desk.trade(5, 101))

    signal = emit.signal
    assert (signal.instrument, signal.side, signal.rule, signal.name) == (desk.coin(), Side.BUY, "breakout", "coin A")
    assert (signal.price, signal.value, signal.threshold) == (101.0, 101.0, 100.0)
    assert (signal.at, signal.seen, signal.expires) == (desk.T0 + 5, desk.T0 + 12, desk.T0 + 30_005)
    assert signal.id == f"upbit:KRW-A:buy:breakout:{(desk.T0 + 5) // MINUTE}"
    alert = announce.alert
    assert type(announce) is Announce
    assert (alert.id, alert.kind, alert.rule, alert.condition) == (
        signal.id,
        Kind.SIGNAL,
        "breakout",
        "price > previous high",
    )
    assert (alert.link, alert.chart, alert.name, alert.at) == ("https://chart/KRW-A", (101.0,), "coin A", signal.at)
    assert made.signals == 1


def test_a_condition_that_lasts_speaks_once_and_again_after_it_was_over(desk):
    made = desk.engine()

    assert len(ids(made.step(desk.trade(0, 101)))) == 1
    assert ids(made.step(desk.trade(1, 102))) == ids(made.step(desk.trade(61_000, 103))) == []
    assert ids(made.step(desk.trade(61_001, 99))) == []
    assert len(ids(made.step(desk.trade(61_002, 101)))) == 1


def test_a_condition_that_flickers_within_a_minute_speaks_once(desk):
    made = desk.engine()
    spoken = [ids(made.step(desk.trade(n, 101 if n % 2 else 99))) for n in range(20)]

    assert sum(map(len, spoken)) == 1


def test_nothing_is_bought_that_is_not_safe_and_the_edge_is_kept_until_it_is(desk):  # A3
    made = desk.engine()
    made.safe(None)
    assert ids(made.step(desk.trade(0, 101))) == []
    made.safe(frozenset({"KRW-B"}))
    assert ids(made.step(desk.trade(1, 102))) == []

    made.safe(frozenset({"KRW-A"}))
    assert len(ids(made.step(desk.trade(2, 103)))) == 1


def test_what_became_true_while_held_is_no_news_after_the_sale(desk):
    made = desk.engine()
    made.hold([desk.position()], desk.T0)
    assert ids(made.step(desk.trade(0, 101))) == []
    made.hold([], desk.T0)

    assert ids(made.step(desk.trade(1, 102))) == []
    made.step(desk.trade(2, 99))
    assert len(ids(made.step(desk.trade(3, 101)))) == 1


def test_a_gap_in_what_the_rule_looks_at_refuses_the_signal(desk):
    made = desk.engine([FALL])
    made.step(desk.trade(0, 100))
    made.gap("KRW-A", desk.T0 + 10_000, desk.T0 + 50_000)
    assert ids(made.step(desk.trade(60_000, 80))) == []
    assert ids(made.step(desk.trade(60_001, 79))) == []

    assert len(ids(made.step(desk.trade(171_000, 60)))) == 1
    assert made.turned_away == 1
    assert [(away.rule, away.why.partition(":")[0]) for away in made.refusals()] == [("fall", "gapped")]
    assert made.refusals() == []


def test_a_trade_that_comes_later_than_its_signal_would_last_gives_none_and_is_counted(desk):
    """D8: stale."""
    made = desk.engine([FALL])
    made.step(desk.trade(0, 100))
    late = replace(desk.trade(60_000, 80), seen=desk.T0 + 60_000 + round(FALL.expires_s * 1000))

    assert ids(made.step(late)) == []
    assert [away.why.partition(":")[0] for away in made.refusals()] == ["stale"]
    assert len(ids(made.step(desk.trade(60_001, 79)))) == 1


def test_two_rules_speak_for_themselves(desk):
    made = desk.engine([FALL, RulePolicy(name="low", kind="disparity", params={"base": "daily", "threshold": -0.08})])
    made.step(desk.trade(0, 100))

    effects = made.step(desk.trade(60_000, 80))

    assert [effect.signal.rule for effect in effects if type(effect) is Emit] == ["fall", "low"]
    assert made.signals == 2


def test_a_rule_that_is_switched_off_says_nothing(desk):
    made = desk.engine([CLOSED])

    assert ids(made.step(desk.trade(0, 101))) == []
    assert made.snapshot("KRW-A").marks == []


def test_a_rule_on_volume_speaks_without_a_change_of_the_price(desk):
    made = desk.engine([SURGE])
    for minute in range(4):
        made.step(desk.trade(minute * 60_000, 100))

    assert ids(made.step(desk.trade(180_001, 100, quantity=0.5))) == []
    assert len(ids(made.step(desk.trade(180_002, 100, quantity=0.5)))) == 1


def test_a_rule_of_which_nothing_is_known_keeps_its_edge_until_it_is_known_to_be_false(desk):
    both = [FALL, RulePolicy(name="low", kind="disparity", params={"base": "daily", "threshold": -0.08})]
    made = desk.engine(both)
    made.step(desk.trade(0, 100))
    made.step(desk.trade(60_000, 80))
    state = made.snapshot("KRW-A")
    state.marks[0] = None

    made.step(desk.trade(60_001, 79))

    assert state.armed == [False, False]


def test_a_signal_is_live_while_its_condition_holds_or_until_it_expires(desk):  # D9
    made = desk.engine()
    made.step(desk.trade(0, 101))
    at = Millis(desk.T0 + 3_600_000)
    assert [signal.rule for signal in made.buyable(at)] == ["breakout"]

    made.step(desk.trade(1, 99))
    assert len(made.buyable(Millis(desk.T0 + 29_999))) == 1
    assert made.buyable(Millis(desk.T0 + 30_000)) == []
    made.tick(Millis(desk.T0 + 29_999))
    assert made.snapshot("KRW-A").live[0] is not None
    made.tick(Millis(desk.T0 + 30_000))
    assert made.snapshot("KRW-A").live == [None]


def test_what_is_not_safe_is_not_buyable_and_what_is_held_stays_to_be_ranked(desk):
    made = desk.engine()
    made.step(desk.trade(0, 101))
    made.step(desk.trade(0, 101, symbol="KRW-B"))
    assert [signal.instrument.symbol for signal in made.buyable(desk.T0)] == ["KRW-A", "KRW-B"]

    made.safe(frozenset({"KRW-A"}))
    assert [signal.instrument.symbol for signal in made.buyable(desk.T0)] == ["KRW-A"]
    made.hold([desk.position(price="101")], desk.T0)
    assert [signal.instrument.symbol for signal in made.buyable(desk.T0)] == ["KRW-A"]


def test_without_rules_no_price_is_of_interest(desk):
    entries = Entries((), str)
    made = desk.engine([])
    made.step(desk.trade(0, 1e9))

    assert (entries.minutes, entries.by_volume) == (0, False)
    assert made.snapshot("KRW-A").low == -made.snapshot("KRW-A").high == -float("inf")
