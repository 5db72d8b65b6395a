"""Plays the scripts through the real path: what web stores, what a worker answers, what officers do, at the times of one day."""

from __future__ import annotations

import asyncio
import random
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, select

from bot import conversation
from bot.cases import desk, resume
from bot.cases.desk import Target
from bot.cases.lookup import StoreLookup
from bot.cases.notices import Notices
from bot.conversation import Mind, Raw
from bot.demo.script import Demo, Person, Press, Step, people
from bot.knowledge.live import Content
from bot.knowledge.schema import Language
from bot.store import claims, identities, inbox
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.identities import Who
from bot.store.schema import case, offer

LEASE = 60.0
DAY = 86_400.0


@dataclass
class _Talk:
    """One conversation as it is being played."""

    person: Person
    id: str
    language: Language
    at: float


class Day:
    """One day of conversations and cases.

    Args:
        now: when the day ends, seconds since 1970.
        officers: id in the script -> id of the account.
    """

    def __init__(self, database: Database, keys: Keys, mind: Mind, content: Content, now: float, officers: dict[str, str]) -> None:
        self.database, self.keys, self.mind, self.content, self.now = database, keys, mind, content, now
        self.officers = officers
        self.cases = StoreLookup(database, keys, 600.0)

    def play(self, demo: Demo, seed: int, count: int) -> None:
        """Let so many people speak; the later ones are still waiting when the day ends."""
        draw = random.Random(seed + 1)
        for number, person in enumerate(people(demo, seed, count)):
            talk = self._open(person, self._begins(person, number / count, draw))
            for said in person.script.says:
                self._says(talk, said, draw)
            worker = self._worker(draw, demo)
            for step in person.script.officer:
                self._step(talk, step, worker, demo, draw)

    def _begins(self, person: Person, part: float, draw: random.Random) -> float:
        """Over the day; whoever waits for an officer at its end came within the last hour."""
        presses = [said.press for said in person.script.says if isinstance(said, Press)]
        if not person.script.officer and {"intake", "human"} & set(presses):
            return self.now - draw.uniform(900, 2_700)
        return self.now - DAY * 0.5 * (1 - part) - draw.uniform(1_800, 3_600)

    def _worker(self, draw: random.Random, demo: Demo) -> str:
        return draw.choice([o.id for o in demo.officers if o.role == "officer"])

    # --- the person ------------------------------------------------------------------------------------------------------

    def _open(self, person: Person, at: float) -> _Talk:
        language: Language = "en" if person.script.language == "en" else "es"
        with self.database.write() as c:
            if person.channel == "web":
                talk = inbox.open_session(c, self.keys, secrets.token_urlsafe(32), language, at, decided=True)
            else:
                number = f"1{person.values['phone'].replace(' ', '')}{secrets.randbelow(10**6):06d}"
                who = Who(person.channel, number, profile={"chat_id": number, "wa_id": number, "name": person.values["name"]})
                talk = identities.conversation_of(c, self.keys, who, language, at).conversation
        return _Talk(person, talk, language, at)

    def _says(self, talk: _Talk, said: str | Press, draw: random.Random) -> None:
        talk.at = min(talk.at + draw.uniform(15, 90), self.now - 1)
        raw = Raw(secrets.token_hex(16), talk.person.words(said)) if isinstance(said, str) else self._pressed(talk, said)
        if raw is None:
            return
        with self.database.write() as c:
            conversation.receive(c, self.keys, self.content.safety, talk.id, talk.language, raw, talk.at)
            held = claims.claim(c, self.keys, "demo", talk.at, LEASE)
        while held is not None:
            turn = asyncio.run(conversation.answer(held, self.mind, self.content, self.keys, self.cases))
            talk.language = turn.language
            with self.database.write() as c:
                held = claims.commit(c, self.keys, held, turn, "demo", talk.at + 0.4, LEASE)

    def _pressed(self, talk: _Talk, press: Press) -> Raw | None:
        """The offered button of that action, or None where it is not offered: what was asked has been answered already."""
        with self.database.read() as c:
            rows = c.execute(select(offer).where(offer.c.conversation_id == talk.id)).all()
        for row in reversed(rows):
            action = self.keys.open(row.action, f"offer:{talk.id}")["action"]
            if action == press.press or action.startswith(f"{press.press}:"):
                return Raw(secrets.token_hex(16), payload=row.payload)
        return None

    # --- officers --------------------------------------------------------------------------------------------------------

    def _step(self, talk: _Talk, step: Step, worker: str, demo: Demo, draw: random.Random) -> None:
        talk.at = min(talk.at + draw.uniform(40, 400), self.now - 1)
        officer_id, name = self.officers[worker], next(o.name for o in demo.officers if o.id == worker)
        if step.person is not None:
            self._says(talk, step.person, draw)
            return
        if step.rate is not None:
            self._says(talk, Press(press=f"rate:{step.rate}"), draw)
            return
        with self.database.write() as c:
            case_id = resume.open_case_of(c, talk.id)
            if case_id is not None:
                self._act(c, case_id, step, officer_id, name, talk)

    def _act(self, c: Connection, case_id: str, step: Step, officer_id: str, name: str, talk: _Talk) -> None:
        notices = Notices.of(c, self.content, self.keys, case_id)
        assert notices is not None
        if step.claim:
            desk.claim(c, self.keys, case_id, officer_id, talk.at, notices.officer_here(name))
        if step.reply is not None:
            desk.reply(c, self.keys, case_id, officer_id, talk.person.words(step.reply, officer=name.split()[0]), talk.at)
        if step.transfer is not None:
            desk.transfer(
                c, self.keys, case_id, officer_id, Target(consulate=step.transfer), step.note or "", talk.at, notices.given_back()
            )
        elif step.note is not None and step.resolve is None:
            desk.note(c, self.keys, case_id, officer_id, step.note, talk.at)
        if step.resolve is not None:
            desk.resolve(c, self.keys, case_id, officer_id, step.resolve, step.note, talk.at, [notices.resolved()])


def states(c: Connection) -> dict[str, int]:
    """How many cases are in each state."""
    found: dict[str, int] = {}
    for state in c.execute(select(case.c.state)).scalars():
        found[state] = found.get(state, 0) + 1
    return found
