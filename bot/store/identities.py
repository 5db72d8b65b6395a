"""Who writes on a channel that is not the web, and which conversation is theirs.

A person has up to two names on a channel (WhatsApp: a user id, and a telephone number that may be hidden). Both are kept as keyed
hashes under one purpose, so that either finds the conversation whichever column it stands in; what is needed to write back (a chat id,
a number) is sealed in `conversation.identity`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from bot.knowledge.schema import Language
from bot.store.crypto import Keys
from bot.store.inbox import Session
from bot.store.schema import conversation


@dataclass(frozen=True)
class Who:
    """A person as a channel names them.

    Attributes:
        identity: the name that lasts (Telegram's chat id, WhatsApp's user id, else its number).
        alias: a second name of the same person, or None where it is not known or not told.
        profile: what the sender needs; kept sealed.
    """

    channel: str
    identity: str
    alias: str | None = None
    profile: dict[str, Any] = field(default_factory=dict)


def conversation_of(c: Connection, keys: Keys, who: Who, language_hint: Language | None, now: float) -> Session:
    """The person's conversation, found by either name or opened; names that came together are linked.

    Call it only for something that was not received before: it notes that the person wrote now, and so can be written to.

    Args:
        language_hint: of a new conversation, until a first word tells better.
    """
    names = _names(keys, who.channel, who.identity, who.alias)
    rows = _without_former_owners(c, _found(c, who.channel, names), names)
    if not rows:
        return _open(c, keys, who, names, language_hint, now)
    row = _keep_one(c, rows)
    c.execute(
        update(conversation)
        .where(conversation.c.id == row.id)
        .values(
            **_merged(row, names),
            identity=_profile(keys, row, who.profile),
            inbound_at=now,
            unreachable=None,
        )
    )
    return Session(row.id, row.language)


def find(c: Connection, keys: Keys, channel: str, identity: str) -> Session | None:
    """The conversation of a person by one of their names, where there is one."""
    rows = _found(c, channel, _names(keys, channel, identity))
    return Session(rows[0].id, rows[0].language) if rows else None


def identity_of(c: Connection, keys: Keys, conversation_id: str) -> dict[str, Any]:
    """What the sender needs to write to the person; empty where the conversation is gone or of the web."""
    sealed = c.execute(select(conversation.c.identity).where(conversation.c.id == conversation_id)).scalar()
    return dict(keys.open(sealed, f"identity:{conversation_id}")) if sealed else {}


def move(c: Connection, keys: Keys, channel: str, old: str, new: str, profile: dict[str, Any]) -> str | None:
    """The person's name changed (a new number, a migrated chat): the conversation goes with them.

    Args:
        profile: what changes in what the sender needs.

    Returns:
        The conversation's id, or None where nobody was known by either name.
    """
    (before,), (after,) = _names(keys, channel, old), _names(keys, channel, new)
    rows = _found(c, channel, [before, after])
    if not rows:
        return None
    row = _keep_one(c, rows)
    names = [after if name == before else name for name in (row.identity_hash, row.alias_hash) if name is not None]
    distinct = list(dict.fromkeys(names)) or [after]
    c.execute(
        update(conversation)
        .where(conversation.c.id == row.id)
        .values(
            identity_hash=distinct[0],
            alias_hash=distinct[1] if len(distinct) > 1 else None,
            identity=_profile(keys, row, profile),
            unreachable=None,
        )
    )
    return str(row.id)


def set_unreachable(c: Connection, keys: Keys, channel: str, identity: str, why: str | None) -> None:
    """Note that nothing can be sent to a person (`why` names it in a word), or that it can again (None)."""
    found = find(c, keys, channel, identity)
    if found is not None:
        c.execute(update(conversation).where(conversation.c.id == found.conversation).values(unreachable=why))


def _names(keys: Keys, channel: str, *names: str | None) -> list[bytes]:
    return [keys.hash(name, f"identity:{channel}") for name in dict.fromkeys(names) if name]


def _found(c: Connection, channel: str, names: list[bytes]) -> list[Row[Any]]:
    by_name = or_(conversation.c.identity_hash.in_(names), conversation.c.alias_hash.in_(names))
    # two rows: what came under each name alone, before anything told that they are one person
    newest_first = (conversation.c.holder == "human").desc(), conversation.c.inbound_at.desc(), conversation.c.id
    return list(c.execute(select(conversation).where(conversation.c.channel == channel, by_name).order_by(*newest_first)))


def _without_former_owners(c: Connection, rows: list[Row[Any]], names: list[bytes]) -> list[Row[Any]]:
    """A number whose user id is another one now was given to somebody else, who must not read on: its former owner loses it."""
    former = [row for row in rows if len(names) == 2 and row.alias_hash == names[1] and row.identity_hash not in (None, names[0])]
    for row in former:
        c.execute(update(conversation).where(conversation.c.id == row.id).values(alias_hash=None))
    return [row for row in rows if row not in former]


def _keep_one(c: Connection, rows: list[Row[Any]]) -> Row[Any]:
    """The first of the person's conversations goes on (an officer's before the newest); the others keep what they hold, without a name."""
    for other in rows[1:]:
        c.execute(update(conversation).where(conversation.c.id == other.id).values(identity_hash=None, alias_hash=None))
    return rows[0]


def _merged(row: Row[Any], names: list[bytes]) -> dict[str, bytes | None]:
    """Both names of the row once two are known; the one that came first as `identity` is the lasting one."""
    if len(names) == 1 and names[0] in (row.identity_hash, row.alias_hash):
        return {}
    known = list(dict.fromkeys([*names, *(n for n in (row.identity_hash, row.alias_hash) if n is not None)]))
    return {"identity_hash": known[0], "alias_hash": known[1] if len(known) > 1 else None}


def _profile(keys: Keys, row: Row[Any], new: dict[str, Any]) -> bytes:
    known = keys.open(row.identity, f"identity:{row.id}") if row.identity else {}
    return keys.seal({**known, **{k: v for k, v in new.items() if v is not None}}, f"identity:{row.id}")


def _open(c: Connection, keys: Keys, who: Who, names: list[bytes], language_hint: Language | None, now: float) -> Session:
    conversation_id, language = uuid.uuid4().hex, language_hint or "es"
    c.execute(
        insert(conversation).values(
            id=conversation_id,
            channel=who.channel,
            identity_hash=names[0],
            alias_hash=names[1] if len(names) > 1 else None,
            identity=keys.seal(who.profile, f"identity:{conversation_id}"),
            language=language,
            language_run=-1,
            created_at=now,
            inbound_at=now,
        )
    )
    return Session(conversation_id, language)
