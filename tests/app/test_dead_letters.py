"""F5: what nobody could handle is told, queue by queue."""

import pytest

from core.app.dead_letters import look
from core.domain.errors import Transient
from tests.watching import AT, Alerts


class Letters:
    def __init__(self, **depths):
        self.found = depths

    def depths(self):
        return self.found


def test_each_queue_that_is_not_empty_is_told_with_its_number_of_messages():
    alerts = Alerts()
    assert look(Letters(signals=2, alerts=0, jobs=1), alerts, AT) == {"signals": 2, "jobs": 1}
    assert [(alert.kind.value, alert.rule, alert.value) for alert in alerts.sent] == [
        ("dead_letters", "signals", 2.0),
        ("dead_letters", "jobs", 1.0),
    ]
    assert len({alert.topic for alert in alerts.sent}) == 2  # one cooldown for each queue (F3)
    assert all(alert.lasting for alert in alerts.sent)


def test_empty_queues_are_not_worth_a_word():
    alerts = Alerts()
    assert look(Letters(signals=0), alerts, AT) == {}
    assert alerts.sent == []


def test_queues_that_cannot_be_counted_are_a_failure_of_the_caller_s_to_log():
    class Away:
        def depths(self):
            raise Transient("the queue does not answer")

    with pytest.raises(Transient):
        look(Away(), Alerts(), AT)
