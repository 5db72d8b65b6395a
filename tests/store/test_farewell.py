"""The last word after an erasure on a channel: sent to the address, and the address gone within a minute."""

from __future__ import annotations

import time

from sqlalchemy import func, select

from bot.store import farewell, identities, timers
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.identities import Who
from bot.store.inbox import Incoming, Outgoing, add_message
from bot.store.schema import conversation, delivery, message
from tests.conftest import Chat

WHO = Who("telegram", "4711", profile={"chat_id": 4711})


def _erased(database: Database, keys: Keys, now: float) -> str:
    """A person on Telegram who wrote and had everything erased; the conversation that holds the last word."""
    with database.write() as c:
        before = identities.conversation_of(c, keys, WHO, "es", now).conversation
        add_message(c, keys, before, Incoming("m", "me llamo Ana", "es", 0), now)
        farewell.erase_and_tell(c, keys, before, Outgoing("Listo."), now)
    with database.read() as c:
        (after,) = c.execute(select(conversation.c.id)).scalars()
    assert after != before
    return str(after)


def test_the_last_word_has_an_address_and_nothing_else(database: Database, keys: Keys) -> None:
    here = _erased(database, keys, time.time())

    with database.read() as c:
        texts = [keys.open(body, f"message:{here}")["text"] for body in c.execute(select(message.c.body)).scalars()]
        waiting = c.execute(select(delivery.c.state).where(delivery.c.conversation_id == here)).scalars().all()
        address = identities.identity_of(c, keys, here)
    assert (texts, waiting, address["chat_id"]) == (["Listo."], ["pending"], 4711)


def test_the_address_is_gone_within_a_minute(database: Database, keys: Keys) -> None:
    now = time.time()
    here = _erased(database, keys, now)
    with database.write() as c:
        (timer,) = timers.due_now(c, now + 60, {farewell.KIND})
        farewell.end(c, timer.conversation_id or "")

    with database.read() as c:
        assert c.execute(select(func.count()).select_from(conversation)).scalar_one() == 0
    assert here == timer.conversation_id


def test_who_writes_again_meanwhile_begins_anew_and_stays(database: Database, keys: Keys) -> None:
    now = time.time()
    here = _erased(database, keys, now)
    with database.write() as c:
        again = identities.conversation_of(c, keys, WHO, "es", now + 5).conversation
        add_message(c, keys, again, Incoming("n", "hola", "es", 0), now + 5)
        farewell.end(c, here)

    with database.read() as c:
        assert c.execute(select(conversation.c.id)).scalars().all() == [again]


def test_on_the_web_nothing_is_left(chat: Chat) -> None:
    with chat.database.write() as c:
        farewell.erase_and_tell(c, chat.keys, chat.id, Outgoing("Listo."), time.time())

    with chat.database.read() as c:
        assert c.execute(select(func.count()).select_from(conversation)).scalar_one() == 0
