"""F1, F2, F4 on the wire: what Telegram and Discord are sent, and what their answers mean."""

import json

import pytest

from core.adapters.chat import Answer, verdict
from core.adapters.discord import DiscordNotifier
from core.adapters.logchannel import LogNotifier
from core.adapters.secrets import Secret
from core.adapters.telegram import TelegramNotifier
from core.domain.errors import Misconfigured, RateLimited, Refused, Transient
from core.domain.messages import Alert, Kind
from core.domain.policies import DiscordPolicy, TelegramPolicy
from core.domain.values import Instrument, Market, Millis
from core.domain.wording import render, units

ALERT = Alert(
    id="a",
    kind=Kind.SIGNAL,
    at=Millis(1767312903000),
    market=Market.UPBIT,
    instrument=Instrument(Market.UPBIT, "KRW-BTC"),
    name="비트코인",
    memo="메모",
)
PNG = b"\x89PNG picture"


@pytest.fixture
def telegram(service, secrets):
    return TelegramNotifier(TelegramPolicy(url=service.url, chat="42"), secrets, "ko")


@pytest.fixture
def discord(secrets):
    return DiscordNotifier(DiscordPolicy(), secrets, "ko")


@pytest.fixture(params=["telegram", "discord"])
def channel(request):
    return request.getfixturevalue(request.param)


def test_telegram_is_sent_the_text_for_its_chat(service, telegram, canary):
    telegram.send(ALERT, None)
    (asked,) = service.asked
    assert asked.path == f"/bot{canary}/sendMessage"
    body = json.loads(asked.body)
    assert (body["chat_id"], body["text"]) == ("42", render(ALERT, "ko"))


def test_discord_is_sent_the_text_and_may_mention_nobody(service, discord, canary):
    service.will_say(204)
    discord.send(ALERT, None)
    (asked,) = service.asked
    assert asked.path == f"/api/webhooks/99/{canary}"
    assert json.loads(asked.body) == {"content": render(ALERT, "ko"), "allowed_mentions": {"parse": []}}


def test_a_picture_goes_with_its_words(service, telegram, discord):
    telegram.send(ALERT, PNG)
    discord.send(ALERT, PNG)
    photo, file = service.asked
    assert photo.path.endswith("/sendPhoto")
    for asked, words in ((photo, b'name="photo"'), (file, b'name="files[0]"')):
        assert asked.kind.startswith("multipart/form-data")
        assert PNG in asked.body
        assert words in asked.body
        assert "비트코인".encode() in asked.body


def test_a_picture_that_is_refused_leaves_the_words(service, channel):
    service.will_say(400, {"description": "PHOTO_INVALID_DIMENSIONS", "message": "too large"})
    channel.send(ALERT, PNG)
    first, second = service.asked
    assert PNG in first.body
    assert second.kind == "application/json"


def test_no_message_is_longer_than_the_channel_takes(service, telegram, discord):
    long = Alert(id="l", kind=Kind.TEST, at=Millis(0), memo="가🚀" * 5000)
    telegram.send(long, None)
    discord.send(long, None)
    telegram.send(long, PNG)
    text, content, photo = service.asked
    assert units(json.loads(text.body)["text"]) <= 4096
    assert units(json.loads(content.body)["content"]) <= 2000
    caption = photo.body.split(b'name="caption"\r\n\r\n')[1].split(b"\r\n--")[0].decode()
    assert units(caption) <= 1024


def test_telegram_s_pause_is_read_from_its_parameters(service, telegram):
    service.will_say(429, {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": 7}})
    with pytest.raises(RateLimited) as caught:
        telegram.send(ALERT, None)
    assert caught.value.after_ms == 7000


def test_discord_s_pause_has_decimals(service, discord):
    service.will_say(429, {"message": "You are being rate limited.", "retry_after": 0.652, "global": False})
    with pytest.raises(RateLimited) as caught:
        discord.send(ALERT, None)
    assert caught.value.after_ms == 652


def test_a_pause_may_be_in_the_header_alone_or_unreadable(service, channel):
    service.will_say(429, {}, Retry_After="3")
    service.will_say(429, {}, Retry_After="soon")
    for after_ms in (3000, None):
        with pytest.raises(RateLimited) as caught:
            channel.send(ALERT, None)
        assert caught.value.after_ms == after_ms


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, Misconfigured), (404, Misconfigured), (400, Refused), (403, Refused), (500, Transient), (302, Transient)],
)
def test_each_answer_has_its_consequence(service, channel, status, error):
    service.will_say(status, {"description": "why", "message": "why"})
    with pytest.raises(error):
        channel.send(ALERT, None)


def test_the_service_s_reason_is_told():
    error = verdict("Telegram", Secret("s3cret"), Answer(400, b'{"description":"chat not found s3cret"}'))
    assert "said=chat not found ********" in str(error)


def test_an_answer_that_is_not_json_still_has_its_consequence():
    assert isinstance(verdict("Discord", Secret("x"), Answer(403, b"<html>")), Refused)
    assert verdict("Discord", Secret("x"), Answer(204, b"")) is None


def test_the_log_channel_writes_the_text_and_its_facts(caplog):
    with caplog.at_level("INFO", "hoga.alerts"):
        LogNotifier("en").send(ALERT, PNG)
    (record,) = caplog.records
    assert record.getMessage() == render(ALERT, "en")
    assert (record.outcome, record.kind, record.instrument) == ("sent", "signal", "upbit:KRW-BTC")
