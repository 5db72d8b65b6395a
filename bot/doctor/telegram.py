"""Telegram: the token, the webhook, and what Telegram says of its last calls."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.channels.telegram.client import ALLOWED
from bot.channels.telegram.poll import PATH
from bot.doctor import Finding, note, off, ok, read, unreachable, wrong
from bot.settings import Settings
from bot.store.crypto import Keys

ABOUT = "telegram"
PORTS = (443, 80, 88, 8443)
"""Where Telegram calls a webhook."""
RECENT = 3600.0
"""Seconds for which a failed call of Telegram's is worth a word."""
WAITING = 100
"""Updates that wait, from which on something holds them up."""


def secret(settings: Settings) -> str | None:
    """What a webhook call must bring along; None where there are no keys yet to make it from."""
    if settings.telegram_secret:
        return settings.telegram_secret
    if not settings.keys and not settings.keys_path.exists():
        return None
    keys = Keys.from_json(settings.keys) if settings.keys else Keys.from_file(settings.keys_path)
    return keys.hash("telegram", "webhook").hex()


async def look(settings: Settings, http: httpx.AsyncClient, *, set_webhook: bool = False) -> list[Finding]:
    """Everything about the bot; with `set_webhook` its webhook is set first."""
    if not settings.telegram_token:
        return [off(ABOUT, "TELEGRAM_TOKEN is not set.", "@BotFather gives one (docs/channels.md).")]
    try:
        who = await _call(settings, http, "getMe")
        if not who.get("ok"):
            return [_refused(who)]
        found = [ok(ABOUT, f"The bot is @{who['result'].get('username')}.")]
        if set_webhook:
            found.append(await _set(settings, http))
        found += _webhook(settings, (await _call(settings, http, "getWebhookInfo")).get("result") or {})
        return [*found, *await _self_test(settings, http)]
    except httpx.HTTPError as error:
        return [unreachable(ABOUT, "Telegram", error)]


async def _call(settings: Settings, http: httpx.AsyncClient, method: str, **fields: Any) -> dict[str, Any]:
    url = f"{settings.telegram_api_url.rstrip('/')}/bot{settings.telegram_token}/{method}"
    form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    return dict(read(await http.post(url, data=form)))


def _refused(told: dict[str, Any]) -> Finding:
    code = told.get("error_code")
    if code in (401, 404):
        return wrong(ABOUT, "Telegram does not know this token.", "Copy it anew from @BotFather (/mybots, API Token).")
    return wrong(ABOUT, f"Telegram refuses the token (code {code}).", "Look at TELEGRAM_API_URL: it is the root, without /bot.")


async def _set(settings: Settings, http: httpx.AsyncClient) -> Finding:
    token = secret(settings)
    if settings.public_url is None:
        return note(ABOUT, "Without PUBLIC_URL there is no webhook to set: the service asks for updates.")
    if token is None:
        return wrong(ABOUT, "There are no keys yet to make the webhook's secret from.", "`make run` once, or set TELEGRAM_SECRET.")
    url = f"{settings.url.rstrip('/')}{PATH}"
    told = await _call(settings, http, "setWebhook", url=url, secret_token=token, allowed_updates=ALLOWED, drop_pending_updates=False)
    if not told.get("ok"):
        says = f"Telegram refuses the webhook (code {told.get('error_code')})."
        return wrong(ABOUT, says, "It needs https with a public certificate, on port 443, 80, 88 or 8443.")
    return ok(ABOUT, "The webhook is set.")


def _webhook(settings: Settings, info: dict[str, Any]) -> list[Finding]:
    found = []
    url = str(info.get("url") or "")
    if settings.public_url is None:
        if url:
            says = "A webhook is set, so updates cannot be asked for."
            found.append(note(ABOUT, says, "The service takes it away when it starts; another service with this token would lose it."))
    else:
        if (urlsplit(settings.public_url).port or 443) not in PORTS:
            found.append(wrong(ABOUT, "Telegram does not call that port.", "Use 443, 80, 88 or 8443 in PUBLIC_URL."))
        if url != f"{settings.url.rstrip('/')}{PATH}":
            says = "The webhook is set to another address." if url else "No webhook is set."
            found.append(wrong(ABOUT, says, "`make run` sets it, or ARGS=--set-webhooks."))
        else:
            found.append(ok(ABOUT, "The webhook stands at our address."))
        if url and not set(ALLOWED) <= set(info.get("allowed_updates") or []):
            found.append(wrong(ABOUT, "Telegram does not send all kinds of updates that are needed.", "ARGS=--set-webhooks."))
    if time.time() - float(info.get("last_error_date") or 0) < RECENT:
        found.append(note(ABOUT, f"Telegram could not deliver in the last hour: {info.get('last_error_message')}."))
    if int(info.get("pending_update_count") or 0) >= WAITING:
        found.append(note(ABOUT, f"{info['pending_update_count']} updates wait at Telegram.", "Is the service running?"))
    return found


async def _self_test(settings: Settings, http: httpx.AsyncClient) -> list[Finding]:
    """Our own webhook, called as Telegram would: with the right secret an update of no kind is taken, with a wrong one nothing is."""
    token = secret(settings)
    if settings.public_url is None or token is None:
        return []
    url, header = f"{settings.url.rstrip('/')}{PATH}", "X-Telegram-Bot-Api-Secret-Token"
    try:
        refused = await http.post(url, json={}, headers={header: "not-the-secret"})
        taken = await http.post(url, json={"update_id": 0, "poll": None}, headers={header: token})
    except httpx.HTTPError as error:
        return [unreachable(ABOUT, "Our own webhook", error)]
    if refused.status_code != 403:
        return [
            wrong(
                ABOUT,
                f"Our webhook does not refuse a wrong secret (status {refused.status_code}).",
                "What runs there is not this service, or has no TELEGRAM_TOKEN.",
            )
        ]
    if taken.status_code != 200:
        return [wrong(ABOUT, "What runs at PUBLIC_URL has another secret.", "Start it with the same TELEGRAM_SECRET or keys as here.")]
    return [ok(ABOUT, "Our webhook takes the right secret and refuses a wrong one.")]
