"""`python -m bot.demo.fill`: fills the database of DATA_DIR with the day, and prints the officers' sign-ins as JSON.

A process of its own: the model that it needs would stay in the supervisor's memory.
"""

from __future__ import annotations

import json
import random
import secrets
import time

from sqlalchemy import Connection, select, update

from bot.console import accounts, passwords
from bot.console.accounts import NewAccount
from bot.demo import script
from bot.demo.day import Day
from bot.demo.script import Demo
from bot.engine.agent import Engine
from bot.engine.train import MODEL
from bot.knowledge.live import LiveContent, serve
from bot.places.resolve import DEFAULT_PATH
from bot.settings import MODELS, Settings
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.schema import delivery

SEED, PEOPLE = 2026, 60
STATES = ("read", "delivered", "sent")
"""What became of the day's messages on channels that are not connected here."""


def hire(database: Database, keys: Keys, demo: Demo, now: float) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Accounts without a second factor, as only the demo takes them: ids by the script's names, and the sign-ins."""
    ids, signins = {}, []
    for officer in demo.officers:
        email, password = f"{officer.id}@demo.example", "-".join(secrets.token_hex(2) for _ in range(3))
        hashed = passwords.hashed_here(password)
        with database.write() as c:
            ids[officer.id], token = accounts.invite(c, keys, email, officer.role, officer.consulates, officer.team, officer.language, now)
            accounts.take_up(c, keys, token, NewAccount(officer.name, email, hashed, None, 0, None), now)
        signins.append({"role": officer.role, "name": officer.name, "email": email, "password": password})
    return ids, signins


def arrive(c: Connection, seed: int) -> None:
    """Give the messages of the other channels a believable fate, a few a bad one."""
    draw = random.Random(seed)
    for row in c.execute(select(delivery.c.id).order_by(delivery.c.created_at)).all():
        failed = draw.random() < 0.02
        values = {"state": "failed", "error": "131026"} if failed else {"state": draw.choice(STATES), "parts_done": 1}
        c.execute(update(delivery).where(delivery.c.id == row.id).values(**values))


def main() -> None:
    settings, demo, now = Settings(), script.load(), time.time()
    keys = Keys.from_json(settings.keys) if settings.keys else Keys.from_file(settings.keys_path)
    database = Database(settings.database)
    live = LiveContent(settings.content_dir, DEFAULT_PATH)
    serve(live)
    ids, signins = hire(database, keys, demo, now)
    mind = Engine.load(MODELS / MODEL, live.current.safety)
    Day(database, keys, mind, live.current, now, ids).play(demo, SEED, PEOPLE)
    with database.write() as c:
        arrive(c, SEED)
    database.close()
    print(json.dumps(signins, ensure_ascii=False))


if __name__ == "__main__":
    main()
