"""The day of `make demo`: from one seed always the same people, whose words and steps fit the scripts' rules."""

from __future__ import annotations

import time
from pathlib import Path

from sqlalchemy import func, select

from bot.cases.states import OUTCOMES
from bot.demo import script
from bot.demo.day import Day, states
from bot.demo.fill import hire
from bot.demo.script import Press
from bot.knowledge.live import serve
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.schema import case, message
from tests.engine.conversing import engine, live

DEMO = script.load()


def test_the_same_seed_draws_the_same_people() -> None:
    once, again, other = ([(p.script.id, p.values, p.channel) for p in script.people(DEMO, seed, 50)] for seed in (7, 7, 8))

    assert once == again
    assert once != other
    assert {channel for _, _, channel in once} == {"web", "telegram", "whatsapp"}


def test_every_script_can_be_spoken_and_acted() -> None:
    posts = set(live().current.consulates)
    for person in script.people(DEMO, 1, len(DEMO.scripts)):
        for said in person.script.says:
            assert isinstance(said, Press) or person.words(said)
        for step in person.script.officer:
            assert person.words(step.reply or step.note or "-", officer="Ana")
            assert step.resolve is None or step.resolve in OUTCOMES
            assert step.transfer is None or step.transfer in posts
    assert {post for _, post in DEMO.places} <= posts
    assert {s.language for s in DEMO.scripts} == {"es", "en", "mix"}


def test_a_played_day_has_cases_in_many_states_and_everybody_answered(tmp_path: Path) -> None:
    keys = Keys.from_file(tmp_path / "keys.json")
    database = Database(f"sqlite:///{tmp_path / 'demo.db'}")
    database.migrate()
    serve(live())
    now = time.time()
    ids, signins = hire(database, keys, DEMO, now)
    Day(database, keys, engine(), live().current, now, ids).play(DEMO, 3, len(DEMO.scripts))

    with database.read() as c:
        found = states(c)
        unanswered = c.execute(select(func.count()).where(message.c.author == "user", message.c.answered_at.is_(None))).scalar_one()
        numbers = c.execute(select(case.c.number)).scalars().all()
    database.close()
    assert {s["role"] for s in signins} == {"officer", "supervisor", "administrator"}
    assert {"waiting", "for_person", "resolved"} <= set(found)
    assert sum(found.values()) == len(set(numbers)) >= 12
    assert unanswered == 0
