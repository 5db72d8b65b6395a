"""Leases: where there must be one of something (who polls Telegram, who sends on a channel) among all processes and machines.

A lease has a fencing number that rises with each new holder: what was done under an old number can be told.
"""

from __future__ import annotations

from sqlalchemy import Connection, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from bot.store.schema import lease


def hold(c: Connection, name: str, holder: str, now: float, seconds: float) -> int | None:
    """Take the lease where it is free or has run out, or keep our own.

    Returns:
        The fence, or None where somebody else holds it.
    """
    row = c.execute(select(lease).where(lease.c.name == name)).first()
    if row is None:
        try:
            with c.begin_nested():
                c.execute(insert(lease).values(name=name, holder=holder, fence=1, until=now + seconds))
        except IntegrityError:  # PostgreSQL: somebody else's first time came at the same moment
            return None
        return 1
    if row.holder == holder:
        return row.fence if renew(c, name, holder, row.fence, now, seconds) else None
    free = or_(lease.c.until <= now, lease.c.holder == "")
    return c.execute(
        update(lease)
        .where(lease.c.name == name, free)
        .values(holder=holder, fence=lease.c.fence + 1, until=now + seconds)
        .returning(lease.c.fence)
    ).scalar()


def is_held(c: Connection, name: str, holder: str, now: float) -> bool:
    """Whether the lease is this holder's at this moment; asked inside the transaction that relies on it."""
    ours = (lease.c.name == name) & (lease.c.holder == holder) & (lease.c.until > now)
    return c.execute(select(lease.c.name).where(ours)).first() is not None


def renew(c: Connection, name: str, holder: str, fence: int, now: float, seconds: float) -> bool:
    """Hold it for longer; False where it was lost meanwhile."""
    ours = (lease.c.name == name) & (lease.c.holder == holder) & (lease.c.fence == fence)
    return bool(c.execute(update(lease).where(ours).values(until=now + seconds)).rowcount)


def release(c: Connection, name: str, holder: str) -> None:
    """Let it go; the fence stays, so that the next one's is higher."""
    c.execute(update(lease).where(lease.c.name == name, lease.c.holder == holder).values(holder="", until=0.0))


def release_dead(c: Connection, place: str, alive: str) -> None:
    """At a process's start: what its place's former process held, which is dead for certain, is free now.

    Args:
        place: how the holders of this place begin: bot.process.node and the process's name.
    """
    c.execute(update(lease).where(lease.c.holder.startswith(place, autoescape=True), lease.c.holder != alive).values(holder="", until=0.0))
