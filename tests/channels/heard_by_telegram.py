"""Which stored message each call to Telegram carried: a call has no reference there, so it is found by its content and its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.channels.telegram.render import calls
from bot.knowledge import load
from bot.sender import Call, Rendered
from bot.settings import ROOT
from bot.store import identities
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.schema import conversation, delivery, message
from tests.channels.standins.telegram import Accepted, TelegramStandIn

KNOWLEDGE = load(ROOT / "data")


def references(database: Database, api: TelegramStandIn) -> list[str]:
    """The reference ("delivery.part.parts") of every call that was taken, in order within each chat."""
    assert database.url.database is not None
    keys = Keys.from_file(Path(database.url.database).parent.parent / "keys" / "keys.json")
    told = []
    for chat, accepted in list(api.accepted.items()):
        expected = _expected(database, keys, chat)
        at = 0
        for sent in list(accepted):
            places = [n for n, (_, content) in enumerate(expected) if content == _content(sent.method, sent.fields)]
            # the next one, a repetition of the last one, else wherever it stands
            best = [n for n in (at, at - 1) if n in places] or places
            if not best:
                told.append(f"unknown-{chat}-{sent.message_id}.0.1")
                continue
            told.append(expected[best[0]][0])
            at = best[0] + 1
    return told


def _expected(database: Database, keys: Keys, chat: int) -> list[tuple[str, Any]]:
    """(reference, content) of every call that the chat's stored messages take."""
    with database.read() as c:
        found = identities.find(c, keys, "telegram", str(chat))
        if found is None:
            return []
        rows = c.execute(
            select(
                delivery.c.id, message.c.body, message.c.topic, message.c.author, message.c.language, conversation.c.language.label("now")
            )
            .join(message, (message.c.conversation_id == delivery.c.conversation_id) & (message.c.seq == delivery.c.seq))
            .join(conversation, conversation.c.id == delivery.c.conversation_id)
            .where(delivery.c.conversation_id == found.conversation)
            .order_by(delivery.c.seq)
        ).all()
    expected = []
    for row in rows:
        body = keys.open(row.body, f"message:{found.conversation}")
        rendered = Rendered.of({**body, "topic": row.topic, "author": row.author, "language": row.language or row.now})
        made: list[Call] = calls(rendered, lambda key, language=rendered.language: KNOWLEDGE.phrase(key, language))  # type: ignore[misc]
        expected += [(f"{row.id}.{part}.{len(made)}", _content(_camel(call.method), call.body)) for part, call in enumerate(made)]
    return expected


def _camel(method: str) -> str:
    head, *rest = method.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _content(method: str, fields: dict[str, Any]) -> tuple[str, str]:
    return method, Accepted(method, fields, 0).text
