"""The part of Telegram's Bot API that sends: what it accepts, and how it words what it does not. No sockets here.

Source: core.telegram.org/bots/api (sendMessage, sendPhoto, "Making requests"), read for issue 2.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import NamedTuple

import msgspec

TEXT, CAPTION = 4096, 1024
"""Longest text and caption, in UTF-16 code units after entities are taken out; here before, which is stricter."""

TAGS = frozenset({"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "blockquote"})
TAGS |= {"tg-spoiler", "tg-emoji", "span"}
TOKEN = re.compile(r"\d+:[\w-]{10,}")


class Post(NamedTuple):
    """One thing to be sent; `picture` is None for a text."""

    chat: str
    text: str
    mode: str
    picture: bytes | None


class Answer(NamedTuple):
    """Status and body; `body` is what Telegram calls the response object."""

    status: int
    body: dict[str, object]


def refusal(status: int, description: str, **parameters: object) -> Answer:
    extra: dict[str, object] = {"parameters": parameters} if parameters else {}
    return Answer(status, {"ok": False, "error_code": status, "description": description, **extra})


ME = Answer(200, {"ok": True, "result": {"id": 100000001, "is_bot": True, "first_name": "simulated"}})
UNREADABLE = refusal(400, "Bad Request: can't parse the request's JSON object")


def judged(token: str, known: str, method: str) -> Answer | None:
    """The refusal of a wrong token or method, None where the call may go on."""
    if not TOKEN.fullmatch(token):
        return refusal(404, "Not Found")
    if token != known:
        return refusal(401, "Unauthorized")
    return None if method in ("sendMessage", "sendPhoto", "getMe") else refusal(404, "Not Found: method not found")


def fault_of(post: Post, chats: frozenset[str]) -> Answer | None:
    """What is wrong with a post, None where nothing is. Any chat is known where `chats` is empty."""
    if not post.chat:
        return refusal(400, "Bad Request: chat_id is empty")
    if chats and post.chat not in chats:
        return refusal(400, "Bad Request: chat not found")
    if post.picture is None:
        return _text_fault(post)
    if not post.picture:
        return refusal(400, "Bad Request: there is no photo in the request")
    if not picture_format(post.picture):
        return refusal(400, "Bad Request: IMAGE_PROCESS_FAILED")
    if units(post.text) > CAPTION:
        return refusal(400, "Bad Request: message caption is too long")
    return _entities_fault(post)


def _text_fault(post: Post) -> Answer | None:
    if not post.text.strip():
        return refusal(400, "Bad Request: message text is empty")
    if units(post.text) > TEXT:
        return refusal(400, "Bad Request: message is too long")
    return _entities_fault(post)


def units(text: str) -> int:
    """Length as Telegram counts it: UTF-16 code units.

    >>> units("호가"), units("📈")
    (2, 2)
    """
    return len(text.encode("utf-16-le")) // 2


def picture_format(picture: bytes) -> str:
    """`png` or `jpeg` by the first bytes, "" for anything else."""
    heads = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}
    return next((name for head, name in heads.items() if picture.startswith(head)), "")


def _entities_fault(post: Post) -> Answer | None:
    if post.mode and post.mode not in ("HTML", "MarkdownV2", "Markdown"):
        return refusal(400, "Bad Request: unsupported parse_mode")
    if post.mode != "HTML":
        return None
    wrong = _stray(post.text) or _unbalanced(post.text)
    return refusal(400, f"Bad Request: can't parse entities: {wrong}") if wrong else None


def _unbalanced(text: str) -> str:
    reader = _Tags()
    reader.feed(text)
    reader.close()
    if reader.wrong or not reader.open:
        return reader.wrong
    return f'Can\'t find end tag corresponding to start tag "{reader.open[-1]}"'


def _stray(text: str) -> str:
    """A `<` that begins no tag is refused, not shown."""
    found = re.search(r"<(?![a-zA-Z/])", text)
    return f'Unsupported start tag "" at byte offset {len(text[: found.start()].encode())}' if found else ""


class _Tags(HTMLParser):
    """Checks that tags are among the few allowed and closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.wrong = self.wrong or f'Unsupported start tag "{tag}" at byte offset {self.getpos()[1]}'
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong = self.wrong or f"Unmatched end tag at byte offset {self.getpos()[1]}"


class _Body(msgspec.Struct):
    chat_id: str | int = ""
    text: str = ""
    parse_mode: str | None = None


def post_of(body: bytes) -> Post:
    """A sendMessage in JSON. Raises msgspec.MsgspecError."""
    said = msgspec.json.decode(body, type=_Body)
    return Post(str(said.chat_id), said.text, said.parse_mode or "", None)


def accepted(number: int, post: Post, at_s: int) -> Answer:
    """The message object, as much of it as a sender reads."""
    chat: dict[str, object] = {"id": post.chat, "type": "private"}
    told: dict[str, object] = {"text": post.text}
    if post.picture is not None:
        told = {"caption": post.text, "photo": [{"file_id": f"photo{number}"}]}
    return Answer(200, {"ok": True, "result": {"message_id": number, "date": at_s, "chat": chat, **told}})
