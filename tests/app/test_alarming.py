"""One channel that fails keeps no alarm from the others (F1, F5)."""

import msgspec
import pytest

from core.app.alarming import alert, read, tell
from core.domain.errors import Refused, Transient
from core.domain.messages import Kind
from core.domain.values import Millis


class Chat:
    def __init__(self, fault=None):
        self.told, self.fault = [], fault

    def send(self, alert, picture):
        if self.fault:
            raise self.fault
        self.told.append(alert)


def notice(**more):
    fields = {"AlarmName": "hoga-dev-X", "NewStateValue": "ALARM", **more}
    return read(msgspec.json.encode(fields).decode())


def test_a_channel_that_fails_is_named_and_the_others_are_told():
    telegram, discord = Chat(Transient("down")), Chat()
    news = alert(notice(), Millis(7))

    failed = tell(news, ("telegram", "discord"), {"telegram": telegram, "discord": discord})

    assert list(failed) == ["telegram"]
    assert "down" in failed["telegram"]
    assert discord.told == [news]


def test_an_alarm_that_nobody_took_is_a_failure_of_the_function_itself():
    with pytest.raises(Transient):
        tell(alert(notice(), Millis(7)), ("telegram",), {"telegram": Chat(Transient("down"))})


def test_no_channel_at_all_is_nobodys_failure():
    assert tell(alert(notice(), Millis(7)), (), {}) == {}


def test_a_notice_without_a_readable_time_has_the_time_of_its_arrival():
    assert alert(notice(StateChangeTime="soon"), Millis(7)).at == 7
    assert alert(notice(StateChangeTime="1970-01-01T00:00:01.000+0000"), Millis(7)).at == 1000


def test_the_description_is_told_while_it_lasts_and_not_when_it_is_over():
    assert "what to do" in alert(notice(AlarmDescription="what to do"), Millis(0)).memo
    over = alert(notice(AlarmDescription="what to do", NewStateValue="OK"), Millis(0))
    assert "what to do" not in over.memo
    assert over.kind is Kind.RECOVERED


@pytest.mark.parametrize("text", ["", "hello", "[]", '{"AlarmName": 1}', '{"AlarmName": "x"}'])
def test_what_is_no_notice_is_refused(text):
    with pytest.raises(Refused):
        read(text)
