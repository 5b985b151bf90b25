"""What a chat service is sent, out of a JSON body or a form of either kind."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from aiohttp import BodyPartReader, web

from core.simulators import telegram


class Parts(NamedTuple):
    """A request's form: texts by name, files by name."""

    texts: dict[str, str]
    files: dict[str, bytes]


async def telegram_post(request: web.Request, method: str) -> telegram.Post | None:
    """The post in a JSON body or a form, None where it does not read."""
    if request.content_type == "application/json":
        try:
            post = telegram.post_of(await request.read())
        except msgspec.MsgspecError:
            return None
        return post if method == "sendMessage" else post._replace(picture=b"")
    parts = await form_of(request)
    texts = parts.texts
    text = texts.get("text" if method == "sendMessage" else "caption", "")
    picture = None if method == "sendMessage" else parts.files.get("photo", b"")
    return telegram.Post(texts.get("chat_id", ""), text, texts.get("parse_mode", ""), picture)


async def discord_parts(request: web.Request) -> Parts:
    """A JSON body, or a form with `payload_json` and `files[n]`."""
    if request.content_type == "application/json":
        return Parts({"payload_json": await request.text()}, {})
    parts = await form_of(request)
    return Parts({"payload_json": "{}", **parts.texts}, parts.files)


async def form_of(request: web.Request) -> Parts:
    """Texts and files of a form, either kind; anything else gives nothing."""
    if request.content_type != "multipart/form-data":
        form = await request.post()
        return Parts({name: value for name, value in form.items() if isinstance(value, str)}, {})
    texts: dict[str, str] = {}
    files: dict[str, bytes] = {}
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name:
            body = bytes(await part.read(decode=True))
            if part.filename:
                files[part.name] = body
            else:
                texts[part.name] = body.decode()
    return Parts(texts, files)
