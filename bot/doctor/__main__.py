"""`python -m bot.doctor [--set-webhooks]`: a line for each thing that was looked at; 1 where something is wrong."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from bot.doctor import Finding, here, public, telegram, whatsapp
from bot.settings import Settings

SECONDS = 10.0
"""How long an answer is waited for."""
_LOCAL = ("127.0.0.1", "localhost", "::1")


async def examine(settings: Settings, *, set_webhooks: bool = False) -> list[Finding]:
    """Everything, in the order in which it is best put right."""
    found = list(here.look(settings))
    roots = (settings.telegram_api_url, settings.whatsapp_api_url, settings.twilio_api_url, settings.url)
    local = {f"all://{host}": httpx.AsyncHTTPTransport() for root in roots if (host := urlsplit(root).hostname) in _LOCAL}
    async with httpx.AsyncClient(timeout=SECONDS, mounts=local) as http:
        found += await public.look(settings, http)
        found += await telegram.look(settings, http, set_webhook=set_webhooks)
        found += await whatsapp.look(settings, http, set_webhook=set_webhooks)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="make doctor", description=__doc__)
    parser.add_argument("--set-webhooks", action="store_true", help="set Telegram's webhook; for WhatsApp tell how")
    given = parser.parse_args(arguments)
    for name in ("httpx", "httpcore"):  # they tell addresses, and Telegram's hold the token
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        settings = Settings()
    except ValidationError as error:
        for one in error.errors():
            print(f"wrong  settings   {str(one['loc'][0]).upper()}: {one['msg']}. docs/settings.md lists what fits.")
        return 1
    found = asyncio.run(examine(settings, set_webhooks=given.set_webhooks))
    for finding in found:
        print(f"{finding.kind:<6} {finding.about:<10} {finding.says}" + (f"\n{'':<17} → {finding.do}" if finding.do else ""))
    wrong = sum(finding.kind == "wrong" for finding in found)
    print(f"\n{wrong} to put right." if wrong else "\nNothing is wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
