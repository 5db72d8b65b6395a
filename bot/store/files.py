"""Pictures and documents that people send. What is kept is sealed; what only a channel has is known by where it has it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from bot.store.crypto import Keys
from bot.store.schema import conversation, file

FILES = 20
"""Files of one conversation at the most."""
UNSENT_SECONDS = 86_400.0
"""What was uploaded and never sent is deleted after this."""


class TooManyFiles(RuntimeError):
    """The conversation has `FILES` files already."""


@dataclass(frozen=True)
class NewFile:
    """A checked file, sealed and ready to be stored: sealing megabytes has no place in a transaction."""

    id: str
    kind: str
    size: int
    body: bytes


@dataclass(frozen=True)
class Found:
    """A stored file.

    Attributes:
        data: its content; None while only the channel has it.
        remote: where the channel has it, as the channel itself wrote it down.
    """

    id: str
    conversation: str
    kind: str
    size: int
    data: bytes | None
    remote: dict[str, Any] | None


def seal(keys: Keys, kind: str, data: bytes, file_id: str | None = None) -> NewFile:
    """Make a file ready to be stored.

    Args:
        file_id: of a file that is known already and was fetched from its channel now.
    """
    file_id = file_id or uuid.uuid4().hex
    return NewFile(file_id, kind, len(data), keys.seal_bytes(data, f"file:{file_id}"))


def add(c: Connection, conversation_id: str, new: NewFile, now: float) -> bool:
    """Store a file that is not sent yet; False where the conversation is gone.

    Raises:
        TooManyFiles: there is no room.
    """
    if c.execute(select(conversation.c.id).where(conversation.c.id == conversation_id)).first() is None:
        return False
    if c.execute(select(func.count()).select_from(file).where(file.c.conversation_id == conversation_id)).scalar_one() >= FILES:
        raise TooManyFiles
    c.execute(insert(file).values(id=new.id, conversation_id=conversation_id, kind=new.kind, size=new.size, body=new.body, created_at=now))
    return True


def attach(c: Connection, conversation_id: str, file_id: str, seq: int) -> dict[str, Any] | None:
    """Send a file with a message: {"id", "kind", "size"}. Each is sent once; None where it is none of this conversation or was sent."""
    row = c.execute(
        update(file)
        .where(file.c.id == file_id, file.c.conversation_id == conversation_id, file.c.seq.is_(None))
        .values(seq=seq)
        .returning(file.c.kind, file.c.size)
    ).first()
    return {"id": file_id, "kind": row.kind, "size": row.size} if row else None


def add_remote(c: Connection, keys: Keys, conversation_id: str, seq: int, given: dict[str, Any], now: float) -> dict[str, Any]:
    """Note a file that the channel keeps, sent with a message: {"id", "kind", "size"}.

    Args:
        given: {"kind", "size", "remote"}; `remote` is whatever the channel needs to fetch it.
    """
    file_id = uuid.uuid4().hex
    shown = {"id": file_id, "kind": given["kind"], "size": given["size"]}
    remote = keys.seal(given["remote"], f"file:{file_id}")
    c.execute(insert(file).values(**shown, conversation_id=conversation_id, seq=seq, remote=remote, created_at=now))
    return shown


def keep(c: Connection, new: NewFile) -> None:
    """Keep what was fetched from the channel."""
    c.execute(update(file).where(file.c.id == new.id).values(body=new.body, kind=new.kind, size=new.size))


def find(c: Connection, keys: Keys, file_id: str, conversation_id: str | None = None) -> Found | None:
    """A file; where a conversation is given, one of that conversation only."""
    here = file.c.id == file_id
    if conversation_id is not None:
        here &= file.c.conversation_id == conversation_id
    row = c.execute(select(file).where(here)).first()
    if row is None:
        return None
    data = keys.open_bytes(row.body, f"file:{file_id}") if row.body is not None else None
    remote = keys.open(row.remote, f"file:{file_id}") if row.remote is not None else None
    return Found(row.id, row.conversation_id, row.kind, row.size, data, remote)


def forget_unsent(c: Connection, now: float) -> int:
    """Delete what was uploaded and never sent; how many there were."""
    return c.execute(delete(file).where(file.c.seq.is_(None), file.c.created_at < now - UNSENT_SECONDS)).rowcount
