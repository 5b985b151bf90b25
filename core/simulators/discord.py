"""Discord's webhook: what it accepts, and how it words what it does not. No sockets here.

Source: discord.com/developers/docs (resources/webhook, resources/message, topics/rate-limits), read for issue 2.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

CONTENT, DESCRIPTION, TITLE, TOTAL, EMBEDS = 2000, 4096, 256, 6000, 10
FIELDS, FIELD_NAME, FIELD_VALUE, FOOTER = 25, 256, 1024, 2048


class Field(msgspec.Struct):
    name: str = ""
    value: str = ""


class Footer(msgspec.Struct):
    text: str = ""


class Embed(msgspec.Struct):
    title: str = ""
    description: str = ""
    fields: list[Field] = []
    footer: Footer | None = None

    def length(self) -> int:
        """Characters that count against the 6,000 of all embeds together."""
        inner = sum(len(field.name) + len(field.value) for field in self.fields)
        return len(self.title) + len(self.description) + inner + (len(self.footer.text) if self.footer else 0)


class Payload(msgspec.Struct):
    """What a webhook is told; everything else it may carry is taken and ignored."""

    content: str | None = None
    embeds: list[Embed] = []
    username: str | None = None


class Answer(NamedTuple):
    status: int
    body: dict[str, object] | None


def read(body: bytes) -> Payload:
    """Raises msgspec.MsgspecError."""
    return msgspec.json.decode(body, type=Payload)


def refusal(status: int, code: int, message: str, **more: object) -> Answer:
    return Answer(status, {"message": message, "code": code, **more})


NOT_JSON = refusal(400, 50109, "The request body contains invalid JSON.")
UNKNOWN = refusal(404, 10015, "Unknown Webhook")
BAD_TOKEN = refusal(401, 50027, "Invalid Webhook Token")
EMPTY = refusal(400, 50006, "Cannot send an empty message")


def fault_of(payload: Payload, pictures: int) -> Answer | None:
    """What is wrong with a message, None where nothing is."""
    if not payload.content and not payload.embeds and not pictures:
        return EMPTY
    errors = _too_long(payload)
    if errors:
        return refusal(400, 50035, "Invalid Form Body", errors=errors)
    return None


def _too_long(payload: Payload) -> dict[str, object]:
    """The errors object, by field as Discord nests it; empty where all fits."""
    errors: dict[str, object] = {}
    if len(payload.content or "") > CONTENT:
        errors["content"] = _most(CONTENT)
    if len(payload.embeds) > EMBEDS:
        errors["embeds"] = _most(EMBEDS)
        return errors
    inner = {str(place): faults for place, embed in enumerate(payload.embeds) if (faults := _embed_faults(embed))}
    if sum(embed.length() for embed in payload.embeds) > TOTAL:
        message = f"Embed size exceeds maximum size of {TOTAL}"
        inner["_errors"] = {"_errors": [{"code": "MAX_EMBED_SIZE_EXCEEDED", "message": message}]}
    if inner:
        errors["embeds"] = inner
    return errors


def _embed_faults(embed: Embed) -> dict[str, object]:
    limits = [("title", len(embed.title), TITLE), ("description", len(embed.description), DESCRIPTION)]
    limits.append(("footer", len(embed.footer.text) if embed.footer else 0, FOOTER))
    limits.append(("fields", len(embed.fields), FIELDS))
    for field in embed.fields:
        limits += [("fields", len(field.name), FIELD_NAME), ("fields", len(field.value), FIELD_VALUE)]
    return {name: _most(limit) for name, length, limit in limits if length > limit}


def _most(limit: int) -> dict[str, object]:
    return {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": f"Must be {limit} or fewer in length."}]}


def accepted(number: int, payload: Payload, pictures: int) -> dict[str, object]:
    """The message object that `?wait=true` asks for, as much of it as a sender reads."""
    attachments = [{"id": str(place), "filename": f"file{place}"} for place in range(pictures)]
    told = {"content": payload.content or "", "embeds": msgspec.to_builtins(payload.embeds)}
    return {"id": str(number), **told, "attachments": attachments}


def wording(payload: Payload) -> str:
    """Everything a reader would see, a line for each part."""
    lines = [payload.content or ""]
    for embed in payload.embeds:
        lines += [embed.title, embed.description, *(f"{field.name}: {field.value}" for field in embed.fields)]
        lines.append(embed.footer.text if embed.footer else "")
    return "\n".join(line for line in lines if line)
