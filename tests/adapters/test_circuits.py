"""F5: a circuit that opens is told once, and what could not be told breaks nothing."""

from core.adapters.circuits import tell_open
from core.adapters.memory.queue import MemoryAlerts
from core.domain.errors import Transient
from core.domain.messages import Kind
from core.domain.values import Market


def test_the_alert_names_the_market_and_the_endpoint():
    alerts = MemoryAlerts()
    tell_open(alerts, Market.UPBIT, "/v1/ticker", 1_000)
    (alert,) = alerts.sent
    assert (alert.kind, alert.market, alert.rule) == (Kind.CIRCUIT, Market.UPBIT, "/v1/ticker")
    assert alert.topic == "upbit#circuit#/v1/ticker"


def test_a_queue_that_does_not_answer_is_logged_and_nothing_more(caplog):
    class Silent:
        def send(self, alerts):
            raise Transient("the queue does not answer")

    tell_open(Silent(), Market.UPBIT, "/v1/ticker", 1_000)
    assert "nobody could be told" in caplog.text
