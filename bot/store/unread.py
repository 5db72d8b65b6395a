"""What a channel brought and nobody could make a message of, kept as it came: it was acknowledged, so it must not be lost."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select

from bot.store.crypto import Keys
from bot.store.schema import unread


def keep(c: Connection, keys: Keys, channel: str, external_id: str, body: Any, now: float) -> bool:
    """Keep it, sealed.

    Args:
        external_id: what makes it the same again.

    Returns:
        False where it was kept before.
    """
    hashed = keys.hash(external_id, f"unread:{channel}")
    if c.execute(select(unread.c.at).where(unread.c.external_hash == hashed)).first() is not None:
        return False
    c.execute(insert(unread).values(external_hash=hashed, channel=channel, body=keys.seal(body, f"unread:{channel}"), at=now))
    return True
