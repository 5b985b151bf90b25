"""The simulated Telegram and Discord over real sockets (F1, F4)."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from core.simulators.chat import TOKEN, ChatLimits, ChatSimulator
from core.simulators.faults import Fault, Kind, Planned

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


class Chat:
    def __init__(self, sim: ChatSimulator, clock: list[int], http: aiohttp.ClientSession) -> None:
        self.sim, self.clock, self.http = sim, clock, http

    async def telegram(self, method: str = "sendMessage", token: str = TOKEN, **post):
        async with self.http.post(f"{self.sim.telegram_url}/bot{token}/{method}", **post) as reply:
            return reply.status, await reply.json()

    async def text(self, text: str, chat: object = 5, **more):
        return await self.telegram(json={"chat_id": chat, "text": text, **more})

    async def photo(self, caption: str, picture: bytes = PNG, **more):
        form = aiohttp.FormData({"chat_id": "5", "caption": caption, **more})
        form.add_field("photo", picture, filename="chart.png")
        return await self.telegram("sendPhoto", data=form)

    async def discord(self, url: str = "", **post):
        async with self.http.post(url or self.sim.discord_url, **post) as reply:
            return reply.status, await reply.json() if reply.status != 204 else None, reply.headers


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    clock = [1_790_134_742_000]
    async with (
        ChatSimulator(clock=lambda: clock[0], chats=frozenset({"5", "6"})) as sim,
        aiohttp.ClientSession() as http,
    ):
        yield Chat(sim, clock, http)


def described(answer):
    return answer[0], answer[1]["description"]


async def test_a_text_is_kept_and_answered_with_its_message(chat):
    status, body = await chat.text("호가 <테스트>")
    assert (status, body["ok"], body["result"]["text"]) == (200, True, "호가 <테스트>")
    told = chat.sim.messages[0]
    assert (told.service, told.to, told.text, told.picture) == ("telegram", "5", "호가 <테스트>", 0)
    async with chat.http.get(chat.sim.telegram_url + "/_sim/messages") as reply:
        assert [row["text"] for row in await reply.json()] == ["호가 <테스트>"]


async def test_a_text_may_come_as_a_form_of_either_kind(chat):
    assert (await chat.telegram(data={"chat_id": "5", "text": "plain form"}))[0] == 200
    form = aiohttp.FormData({"chat_id": "6", "text": "parts"}, default_to_multipart=True)
    assert (await chat.telegram(data=form))[0] == 200
    assert [told.text for told in chat.sim.messages] == ["plain form", "parts"]


async def test_a_photo_is_kept_with_its_size_and_kind(chat):
    status, body = await chat.photo("a chart")
    assert (status, body["result"]["caption"]) == (200, "a chart")
    told = chat.sim.messages[0]
    assert (told.text, told.picture, told.form) == ("a chart", len(PNG), "png")


async def test_a_wrong_token_or_method_is_refused(chat):
    assert described(await chat.telegram(token="123:wrong-but-well-formed", json={})) == (401, "Unauthorized")
    assert described(await chat.telegram(token="nonsense", json={})) == (404, "Not Found")
    assert described(await chat.telegram("sendSmoke", json={})) == (404, "Not Found: method not found")
    assert (await chat.telegram("getMe"))[1]["result"]["is_bot"] is True


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x" * 4097, "Bad Request: message is too long"),
        ("📈" * 2049, "Bad Request: message is too long"),
        ("  ", "Bad Request: message text is empty"),
    ],
)
async def test_a_text_that_does_not_fit_is_refused(chat, text, words):
    assert described(await chat.text(text)) == (400, words)
    assert chat.sim.messages == []


async def test_the_longest_text_and_caption_fit_and_one_more_does_not(chat):
    assert (await chat.text("x" * 4096))[0] == 200
    chat.clock[0] += 1000
    assert (await chat.photo("x" * 1024))[0] == 200
    assert described(await chat.photo("x" * 1025)) == (400, "Bad Request: message caption is too long")


async def test_a_chat_that_does_not_exist_and_a_picture_that_is_none(chat):
    assert described(await chat.text("a", chat=7)) == (400, "Bad Request: chat not found")
    assert described(await chat.text("a", chat="")) == (400, "Bad Request: chat_id is empty")
    assert described(await chat.photo("a", b"GIF89a")) == (400, "Bad Request: IMAGE_PROCESS_FAILED")
    assert described(await chat.photo("a", b"")) == (400, "Bad Request: there is no photo in the request")
    assert (await chat.telegram("sendPhoto", json={"chat_id": 5}))[0] == 400
    assert (await chat.telegram(data=b"{", headers={"Content-Type": "application/json"}))[0] == 400


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("<b>a</b> &lt; <i>b</i>", True),
        ('<a href="https://upbit.com">chart</a>', True),
        ("disparity <= -0.08", False),
        ("<b>open", False),
        ("<b><i>crossed</b></i>", False),
        ("closed</b>", False),
        ("<table>x</table>", False),
    ],
)
async def test_markup_must_be_html_that_telegram_knows(chat, text, good):
    status, body = await chat.text(text, parse_mode="HTML")
    assert status == (200 if good else 400)
    assert good or body["description"].startswith("Bad Request: can't parse entities: ")
    assert (await chat.text("a", chat=6, parse_mode="BBCode"))[0] == 400


async def test_a_chat_takes_one_message_a_second_and_says_when_to_come_again(chat):
    assert (await chat.text("one"))[0] == 200
    status, body = await chat.text("two")
    assert (status, body["error_code"], body["parameters"]) == (429, 429, {"retry_after": 1})
    assert (await chat.text("other chat", chat=6))[0] == 200
    chat.clock[0] += 1000
    assert (await chat.text("three"))[0] == 200
    assert [told.text for told in chat.sim.messages] == ["one", "other chat", "three"]


async def test_all_chats_together_have_a_limit_too():
    limits = ChatLimits(telegram_per_s=3)
    async with ChatSimulator(clock=lambda: 5_000, limits=limits) as sim, aiohttp.ClientSession() as http:
        chat = Chat(sim, [], http)
        assert [(await chat.text("a", chat=number))[0] for number in range(4)] == [200, 200, 200, 429]


async def test_a_webhook_answers_204_or_the_message_with_wait(chat):
    status, body, headers = await chat.discord(json={"content": "hello"})
    assert (status, body) == (204, None)
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("5", "4")
    status, body, _ = await chat.discord(url=chat.sim.discord_url + "?wait=true", json={"content": "again"})
    assert (status, body["content"]) == (200, "again")
    assert [(told.service, told.text) for told in chat.sim.messages] == [("discord", "hello"), ("discord", "again")]


async def test_a_webhook_takes_an_embed_with_a_picture(chat):
    form = aiohttp.FormData(
        {
            "payload_json": '{"embeds":[{"title":"T","description":"D","fields":[{"name":"n","value":"v"}],"footer":{"text":"F"}}]}'
        }
    )
    form.add_field("files[0]", PNG, filename="chart.png")
    assert (await chat.discord(data=form))[0] == 204
    told = chat.sim.messages[0]
    assert (told.text, told.picture, told.form) == ("T\nD\nn: v\nF", len(PNG), "png")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({}, 50006),
        ({"content": "x" * 2001}, 50035),
        ({"embeds": [{"description": "x" * 4097}]}, 50035),
        ({"embeds": [{"title": "x" * 257}]}, 50035),
        ({"embeds": [{"description": "x" * 4000}, {"description": "x" * 2001}]}, 50035),
        ({"embeds": [{"title": "x"}] * 11}, 50035),
        ({"embeds": [{"fields": [{"name": "x" * 257, "value": "v"}]}]}, 50035),
    ],
)
async def test_a_message_that_does_not_fit_is_refused_with_discord_s_code(chat, payload, code):
    status, body, _ = await chat.discord(json=payload)
    assert (status, body["code"]) == (400, code)
    assert chat.sim.messages == []


async def test_the_longest_content_and_embed_fit(chat):
    assert (await chat.discord(json={"content": "x" * 2000, "embeds": [{"description": "x" * 4096}]}))[0] == 204


async def test_what_does_not_read_and_who_is_not_known(chat):
    status, body, _ = await chat.discord(data=b"{", headers={"Content-Type": "application/json"})
    assert (status, body["code"]) == (400, 50109)
    base = chat.sim.telegram_url
    assert (await chat.discord(url=f"{base}/api/webhooks/1/x", json={}))[1]["code"] == 10015
    assert (await chat.discord(url=chat.sim.discord_url + "x", json={}))[1]["code"] == 50027


async def test_the_sixth_message_in_two_seconds_is_429_with_the_wait_in_body_and_headers(chat):
    statuses = [(await chat.discord(json={"content": str(number)}))[0] for number in range(5)]
    chat.clock[0] += 500
    status, body, headers = await chat.discord(json={"content": "six"})
    assert (statuses, status) == ([204] * 5, 429)
    assert body == {"message": "You are being rate limited.", "retry_after": 1.5, "global": False}
    assert (headers["Retry-After"], headers["X-RateLimit-Remaining"]) == ("2", "0")
    chat.clock[0] += 1500
    assert (await chat.discord(json={"content": "seven"}))[0] == 204


@pytest.mark.parametrize("status", [429, 500])
async def test_both_can_be_told_to_fail(chat, status):
    for path in ("/bot", "/api"):
        fault = Fault(kind=Kind.HTTP, status=status, path=path, retry_after=3.0)
        chat.sim.faults.cause(Planned(fault=fault), chat.clock[0])
    got, body = await chat.text("a")
    assert (got, body["error_code"]) == (status, status)
    assert status != 429 or body["parameters"] == {"retry_after": 3}
    got, body, _ = await chat.discord(json={"content": "a"})
    assert got == status
    assert status != 429 or body["retry_after"] == 3.0
    assert chat.sim.messages == []
    assert (await chat.text("a"))[0] == 200


async def test_a_service_can_be_out_or_slow(chat):
    async with chat.http.post(
        chat.sim.telegram_url + "/_sim/faults", json={"fault": {"kind": "refuse", "path": "/bot"}}
    ):
        pass
    with pytest.raises(aiohttp.ClientConnectionError):
        await chat.text("a")
    chat.sim.faults.cause(Planned(fault=Fault(kind=Kind.SLOW, delay_s=0.01)), chat.clock[0])
    assert (await chat.text("a"))[0] == 200
    async with chat.http.get(chat.sim.telegram_url + "/_sim/log") as reply:
        assert (await reply.json())["groups"] == {"telegram": 2}
