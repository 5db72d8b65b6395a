"""A voice message is safe before it is acknowledged, waits for its words, and is answered in its place, whatever fails on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.conversation import Raw, receive
from bot.knowledge.live import LiveContent
from bot.knowledge.schema import Language
from bot.settings import ROOT
from bot.store import claims, inbox
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.identities import Who, conversation_of
from bot.store.schema import due, file, message, owed
from bot.voice import BYTES, NotHeard, Transcript
from bot.voice.listen import CONFIDENT, PATIENCE_SECONDS, Listener, to_hear
from bot.web.writer import Writer

LIVE = LiveContent(ROOT / "data", None)


@dataclass
class StandIn:
    """Hears what the recording's bytes say, or fails as told."""

    fault: Exception | None = None
    confidence: float = 0.9
    language: Language | None = "es"
    heard: list[str] = field(default_factory=list)

    async def transcribe(self, audio: bytes, kind: str, language_hint: Language) -> Transcript:
        self.heard.append(f"{kind} {language_hint}")
        if self.fault:
            raise self.fault
        return Transcript(audio.decode(), self.language, self.confidence)


class Phone:
    """A person on Telegram, the store, and the listener of a web process."""

    def __init__(self, folder: Path) -> None:
        self.keys = Keys.from_file(folder / "keys.json")
        self.database = Database(f"sqlite:///{folder / 'voice.db'}")
        self.database.migrate()
        self.live = LIVE
        self.writer = Writer(self.database, lambda waiting: None)
        self.transcriber = StandIn()
        self.unreachable = False
        self.listener = Listener(self, self.transcriber, self.fetch, 5.0)
        with self.database.write() as c:
            self.id = conversation_of(c, self.keys, Who("telegram", "7", profile={"chat": 7}), "es", time.time()).conversation

    async def fetch(self, channel: str, remote: dict[str, Any]) -> bytes:
        if self.unreachable:
            raise ConnectionError("https://example.org/file/bot123:secret/voice.ogg")
        return f"{remote['says']}".encode()

    def sends(self, name: str, says: str, *, size: int = 100, at: float | None = None, listening: bool = True) -> None:
        raw = Raw(name, text="", file={"kind": "audio/ogg", "size": size, "remote": {"says": says}}, external=name.encode().ljust(32))
        self._receive(to_hear(raw, self.listener if listening else None), at)

    def writes(self, name: str, text: str) -> None:
        self._receive(Raw(name, text=text), None)

    def _receive(self, raw: Raw, at: float | None) -> None:
        with self.database.write() as c:
            receive(c, self.keys, LIVE.current.safety, self.id, "es", raw, at or time.time())

    def listens(self, after: float = 0.0) -> None:
        asyncio.run(self.listener.look(time.time() + after))

    def next_message(self) -> tuple[str, str, int] | None:
        """Id, text and level of what a worker would take in hand now."""
        with self.database.write() as c:
            held = claims.claim(c, self.keys, "w", time.time(), 5.0)
            if held is None:
                return None
            c.execute(update(message).where(message.c.id == held.message.id).values(answered_at=time.time()))
            claims.release_dead(c, "w", "other")
            return held.message.id, held.message.text, held.message.level

    def rows(self, column: Any) -> list[Any]:
        with self.database.read() as c:
            return list(c.execute(select(column)).scalars())


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    phone = Phone(tmp_path)
    yield phone
    phone.writer.close()
    phone.database.close()


def test_it_is_not_answered_before_it_is_heard(phone: Phone) -> None:
    phone.sends("m1", "necesito un pasaporte")
    assert phone.next_message() is None
    with phone.database.read() as c:
        assert [wait.id for wait in inbox.waiting(c, time.time() + 60)] == ["m1"]  # with every worker dead there is an interim answer
        assert inbox.is_thinking(c, phone.id)
    phone.listens()
    assert phone.next_message() == ("m1", "necesito un pasaporte", 0)
    assert phone.transcriber.heard == ["audio/ogg es"]
    assert phone.rows(due.c.id) == []


def test_it_takes_its_place_when_it_has_been_heard(phone: Phone) -> None:
    phone.sends("m1", "primero hablado")
    phone.writes("m2", "escrito mientras tanto")
    phone.listens()
    with phone.database.read() as c:
        places = {row.id: row.seq for row in c.execute(select(message.c.id, message.c.seq))}
        recordings = list(c.execute(select(file.c.seq)).scalars())
    assert places["m2"] < places["m1"]
    assert recordings == [places["m1"]]
    assert phone.next_message() == ("m2", "escrito mientras tanto", 0)


def test_danger_is_heard_as_danger(phone: Phone) -> None:
    phone.sends("m1", "la migra esta tocando mi puerta ahorita")
    phone.listens()
    found = phone.next_message()
    assert found is not None
    assert found[2] == 1


def test_the_same_message_again_changes_nothing(phone: Phone) -> None:
    phone.sends("m1", "hola, busco el consulado")
    phone.sends("m1", "hola, busco el consulado")
    phone.listens()
    phone.sends("m1", "hola, busco el consulado")
    phone.listens()
    assert phone.rows(message.c.id) == ["m1"]
    assert len(phone.transcriber.heard) == 1


def test_a_second_one_that_comes_while_the_first_is_heard_is_heard_too(phone: Phone) -> None:
    phone.sends("m1", "uno dos tres")
    real = phone.transcriber.transcribe

    async def slow(audio: bytes, kind: str, language_hint: Language) -> Transcript:
        if not phone.transcriber.heard:
            phone.sends("m2", "cuatro cinco seis")
        return await real(audio, kind, language_hint)

    phone.transcriber.transcribe = slow  # type: ignore[method-assign]
    phone.listens()
    phone.listens()
    assert [found[1] if (found := phone.next_message()) else None for _ in range(2)] == ["uno dos tres", "cuatro cinco seis"]


@pytest.mark.parametrize(
    "fault", [NotHeard("broken"), TimeoutError(), None], ids=["it cannot be put into words", "it takes too long", "the words are unsure"]
)
def test_what_cannot_be_heard_is_answered_all_the_same(phone: Phone, fault: Exception | None) -> None:
    phone.transcriber.fault = fault
    phone.transcriber.confidence = CONFIDENT / 2
    phone.sends("m1", "quién sabe")
    phone.listens()
    assert phone.next_message() == ("m1", "", 0)


def test_another_language_is_not_guessed_at(phone: Phone) -> None:
    phone.transcriber.language = None
    phone.sends("m1", "tlein tikneki")
    phone.listens()
    assert phone.next_message() == ("m1", "", 0)


def test_a_recording_that_is_too_big_is_not_fetched(phone: Phone) -> None:
    phone.sends("m1", "largo", size=BYTES + 1)
    phone.listens()
    assert phone.transcriber.heard == []
    assert phone.next_message() == ("m1", "", 0)


def test_a_channel_that_is_away_is_asked_again_and_not_for_ever(phone: Phone, caplog: pytest.LogCaptureFixture) -> None:
    phone.unreachable = True
    phone.sends("m1", "necesito ayuda con mi acta")
    phone.listens()
    assert phone.next_message() is None
    phone.unreachable = False
    phone.listens(after=60)
    assert phone.next_message() == ("m1", "necesito ayuda con mi acta", 0)
    phone.unreachable = True
    phone.sends("m2", "y también mi pasaporte", at=time.time() - PATIENCE_SECONDS)
    phone.listens()
    assert phone.next_message() == ("m2", "", 0)
    assert "secret" not in caplog.text
    assert "acta" not in caplog.text


def test_a_process_that_died_while_listening_is_followed_by_another(phone: Phone) -> None:
    phone.sends("m1", "sigo aquí todavía")

    async def dies(audio: bytes, kind: str, language_hint: Language) -> Transcript:
        raise asyncio.CancelledError

    real, phone.transcriber.transcribe = phone.transcriber.transcribe, dies  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        phone.listens()
    phone.transcriber.transcribe = real  # type: ignore[method-assign]
    phone.listens()  # the dead one still seems to have it in hand
    assert phone.next_message() is None
    phone.listens(after=60)
    assert phone.next_message() == ("m1", "sigo aquí todavía", 0)


def test_an_erased_conversation_is_not_heard(phone: Phone) -> None:
    phone.sends("m1", "bórrenlo todo")
    with phone.database.write() as c:
        inbox.erase(c, phone.keys, phone.id, time.time())
    phone.listens()
    assert phone.transcriber.heard == []
    assert phone.rows(message.c.id) == []


def test_without_a_listener_it_waits_for_nobody(phone: Phone) -> None:
    phone.sends("m1", "hola", listening=False)
    assert phone.next_message() == ("m1", "", 0)


def test_a_caption_is_the_message() -> None:
    spoken = Raw("m", text="es urgente", file={"kind": "audio/ogg", "size": 1, "remote": {}})
    assert not to_hear(spoken, Listener.__new__(Listener)).unheard
    picture = Raw("m", text="", file={"kind": "image/jpeg", "size": 1, "remote": {}})
    assert not to_hear(picture, Listener.__new__(Listener)).unheard


def test_what_was_said_to_a_human_is_heard_and_not_answered_late(phone: Phone) -> None:
    phone.sends("m1", "se lo digo al oficial")
    with phone.database.write() as c:
        c.execute(update(message).where(owed).values(answered_at=time.time()))  # as on give-back (bot/cases/steps.py)
    phone.listens()
    assert phone.next_message() is None
    with phone.database.read() as c:
        (row,) = inbox.transcript(c, phone.id, 0)
    assert phone.keys.open(row["body"], f"message:{phone.id}")["text"] == "se lo digo al oficial"
