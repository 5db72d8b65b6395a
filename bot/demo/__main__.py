"""`make demo`: the service on a throw-away data folder, filled with a believable day; sign-ins without a second factor, loopback only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from setproctitle import setproctitle

from bot.logs import set_up
from bot.prepare import prepare
from bot.settings import ROOT, Settings
from bot.supervisor import Supervisor, addresses


def main() -> None:
    setproctitle("orienta supervisor")
    with tempfile.TemporaryDirectory(prefix="orienta-demo-") as folder:
        os.environ |= {"DATA_DIR": folder, "DEMO": "on", "HOST": "127.0.0.1"}
        for name in ("PUBLIC_URL", "DATABASE_URL", "TELEGRAM_TOKEN", "WHATSAPP_TOKEN", "TWILIO_AUTH_TOKEN"):
            os.environ.pop(name, None)  # nobody outside is written to
        settings = Settings()
        set_up(settings.log_level)
        prepare(settings)
        print("demo: playing a day of conversations …", file=sys.stderr)
        filled = subprocess.run(
            [sys.executable, "-m", "bot.demo.fill"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True
        )
        signins = json.loads(filled.stdout)
        supervisor = Supervisor(settings)

        def tell() -> None:
            lines = [f"  {s['role']:<14} {s['email']:<22} {s['password']}   {s['name']}" for s in signins]
            print("\n".join([addresses(supervisor), "Sign in to the console (no second factor in the demo):", *lines]), flush=True)
            print("Ctrl-C stops it and throws the day away.", flush=True)

        supervisor.run(tell)


if __name__ == "__main__":
    main()
