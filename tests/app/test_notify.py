"""F1, F3, F4: one delivery to one channel: once within its cooldown, again after a failure, never lost in silence."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.memory.cooldowns import MemoryCooldowns
from core.app.notify import HOLD_MS, PATIENCE_MS, TRIES, Delivered, cooldown_key, deliver
from core.domain.errors import Misconfigured, RateLimited, Refused, Transient
from core.domain.messages import Alert, Delivery, Kind
from core.domain.values import Instrument, Market, Millis

BTC = Instrument(Market.UPBIT, "KRW-BTC")
COOLDOWN = 600_000


class Channel:
    """Takes what it is sent, after the troubles that it was told to have."""

    def __init__(self, *troubles):
        self.troubles, self.sent, self.tries = list(troubles), [], 0

    def send(self, alert, picture):
        self.tries += 1
        if self.troubles:
            raise self.troubles.pop(0)
        self.sent.append((alert.id, picture))


def alert(id="a", *, kind=Kind.SIGNAL, rule="fall", lasting=True, instrument=BTC):
    return Alert(id=id, kind=kind, at=Millis(0), market=Market.UPBIT, instrument=instrument, rule=rule, lasting=lasting)


def send(one, channel, cooldowns, at=0, *, name="log", pauses=None):
    return deliver(
        Delivery(name, one),
        notifiers={name: channel},
        cooldowns=cooldowns,
        picture=lambda each: b"png",
        pause=([] if pauses is None else pauses).append,
        cooldown_ms=COOLDOWN,
        at=Millis(at),
    )


def test_an_alert_goes_out_with_its_picture():
    channel = Channel()
    assert send(alert(), channel, MemoryCooldowns()) is Delivered.SENT
    assert channel.sent == [("a", b"png")]


def test_a_condition_that_lasts_is_told_once_in_its_cooldown_and_again_after_it():
    channel, cooldowns = Channel(), MemoryCooldowns()
    told = [send(alert(f"a{n}"), channel, cooldowns, n * 60_000) is Delivered.SENT for n in range(21)]
    assert [n for n, sent in enumerate(told) if sent] == [0, 10, 20]


def test_another_symbol_kind_rule_or_channel_has_a_cooldown_of_its_own():
    channel, cooldowns = Channel(), MemoryCooldowns()
    others = [
        alert("b", instrument=Instrument(Market.UPBIT, "KRW-ETH")),
        alert("c", kind=Kind.APPROACHING),
        alert("d", rule="disparity"),
    ]
    assert all(send(each, channel, cooldowns) is Delivered.SENT for each in [alert(), *others])
    assert send(alert(), channel, cooldowns, name="telegram") is Delivered.SENT


def test_a_single_fact_is_told_each_time_it_happens_and_each_only_once():
    channel, cooldowns = Channel(), MemoryCooldowns()
    for at, id, told in ((0, "x", True), (1, "y", True), (2, "x", False), (10 * COOLDOWN, "x", False)):
        done = send(alert(id, kind=Kind.BOUGHT, lasting=False), channel, cooldowns, at)
        assert (done is Delivered.SENT) is told


@pytest.mark.parametrize(
    "trouble", [Transient("away"), Refused("no"), RateLimited("later", after_ms=60_000), RateLimited("later")]
)
def test_what_fails_may_be_tried_again_by_the_same_alert_and_by_no_other(trouble):
    channel, cooldowns = Channel(trouble), MemoryCooldowns()
    with pytest.raises(type(trouble)):
        send(alert(), channel, cooldowns)
    assert send(alert("other"), channel, cooldowns, 1_000) is Delivered.SUPPRESSED
    assert send(alert(), channel, cooldowns, 180_000) is Delivered.SENT
    assert send(alert(), channel, cooldowns, 181_000) is Delivered.SUPPRESSED


def test_a_short_rate_limit_is_sat_out():
    channel, pauses = Channel(RateLimited("later", after_ms=700), RateLimited("later", after_ms=PATIENCE_MS - 700)), []
    assert send(alert(), channel, MemoryCooldowns(), pauses=pauses) is Delivered.SENT
    assert sum(pauses) == pytest.approx(PATIENCE_MS / 1000)


def test_a_service_that_keeps_asking_for_pauses_gets_the_queue_s_patience():
    channel, pauses = Channel(*[RateLimited("later", after_ms=100)] * (TRIES + 2)), []
    with pytest.raises(RateLimited):
        send(alert(), channel, MemoryCooldowns(), pauses=pauses)
    assert (channel.tries, pauses) == (TRIES, [0.1] * (TRIES - 1))


def test_pauses_that_add_up_to_more_than_the_patience_are_the_queue_s():
    channel, pauses = Channel(*[RateLimited("later", after_ms=PATIENCE_MS // 2)] * TRIES), []
    with pytest.raises(RateLimited):
        send(alert(), channel, MemoryCooldowns(), pauses=pauses)
    assert len(pauses) == 2


def test_a_channel_that_is_not_set_up_is_a_fault_of_the_settings():
    with pytest.raises(Misconfigured, match="channel=pager"):
        deliver(
            Delivery("pager", alert()),
            notifiers={},
            cooldowns=MemoryCooldowns(),
            picture=lambda each: None,
            pause=lambda seconds: None,
            cooldown_ms=COOLDOWN,
            at=Millis(0),
        )


def test_a_lost_mark_leaves_no_claim_for_another_alert():
    cooldowns = MemoryCooldowns()
    cooldowns.sent(Delivery("log", alert("never claimed")), Millis(0))
    assert cooldowns.claim(Delivery("log", alert("a")), COOLDOWN, Millis(1))
    cooldowns.sent(Delivery("log", alert("another")), Millis(2))
    cooldowns.free(Delivery("log", alert("another")))
    assert cooldowns.claim(Delivery("log", alert("a")), COOLDOWN, Millis(1 + HOLD_MS))


@pytest.mark.parametrize("lasting", [True, False])
def test_an_alert_that_is_in_the_queue_twice_is_heard_once_also_while_the_first_waits_for_its_turn(lasting):
    """F3: two functions had it at once; one sat out a pause, and both were heard."""
    cooldowns, one = MemoryCooldowns(), alert(lasting=lasting)

    class Waiting(Channel):
        def send(self, alert, picture):
            with pytest.raises(Transient, match="on its way already"):
                send(one, self, cooldowns, at=5_000)
            super().send(alert, picture)

    channel = Waiting()
    assert send(one, channel, cooldowns, at=0) is Delivered.SENT
    assert send(one, channel, cooldowns, at=7_000) is Delivered.SUPPRESSED
    assert len(channel.sent) == 1


def test_an_alert_whose_sender_died_is_sent_by_its_next_delivery():
    channel, cooldowns = Channel(), MemoryCooldowns()
    assert cooldowns.claim(Delivery("log", alert()), COOLDOWN, Millis(0))
    assert send(alert(), channel, cooldowns, HOLD_MS) is Delivered.SENT


@given(st.lists(st.tuples(st.integers(0, 120_000), st.sampled_from("ab"), st.booleans()), max_size=60))
def test_no_topic_is_ever_told_twice_within_a_cooldown(steps):
    channel, cooldowns, at, times = Channel(), MemoryCooldowns(), 0, {}
    for n, (pause, rule, fails) in enumerate(steps):
        at += pause
        channel.troubles = [Transient("away")] if fails else []
        one = alert(f"{rule}{n}", rule=rule)
        try:
            if send(one, channel, cooldowns, at) is Delivered.SENT:
                times.setdefault(cooldown_key(Delivery("log", one)), []).append(at)
        except Transient:
            pass
    for told in times.values():
        assert all(later - earlier >= COOLDOWN for earlier, later in pairwise(told))
