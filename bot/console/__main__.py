"""`python -m bot.console`: a new sign-up token for the first administrator on standard output; nothing where somebody has an account."""

from __future__ import annotations

import time

from bot.console.accounts import first_link
from bot.settings import Settings
from bot.store.crypto import Keys
from bot.store.database import Database


def main() -> None:
    settings = Settings()
    keys = Keys.from_json(settings.keys) if settings.keys else Keys.from_file(settings.keys_path)
    database = Database(settings.database)
    with database.write() as c:
        token = first_link(c, keys, time.time())
    database.close()
    print(token or "")


if __name__ == "__main__":
    main()
