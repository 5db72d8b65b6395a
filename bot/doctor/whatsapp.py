"""WhatsApp: the settings, Meta's or Twilio's view of the number and the template, and our own webhook."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from typing import Any

import httpx

from bot.doctor import Finding, note, off, ok, read, unreachable, wrong
from bot.settings import Settings

ABOUT = "whatsapp"
PATH = "/webhooks/whatsapp"
META = ("whatsapp_phone_number_id", "whatsapp_token", "whatsapp_app_secret", "whatsapp_verify_token")
TWILIO = ("twilio_account_sid", "twilio_auth_token", "twilio_from")
SCOPES = {"whatsapp_business_messaging", "whatsapp_business_management"}
TEMPLATE_LANGUAGES = {"es_MX", "en_US"}
SOON = 7 * 86_400.0
"""A token that ends within this is worth a word."""


async def look(settings: Settings, http: httpx.AsyncClient, *, set_webhook: bool = False) -> list[Finding]:
    """Everything about the number; Meta and Twilio let nobody set the webhook by a token, so `set_webhook` tells how."""
    needed = TWILIO if settings.whatsapp_provider == "twilio" else META
    missing = [name.upper() for name in needed if not getattr(settings, name)]
    if len(missing) == len(needed):
        return [off(ABOUT, "WhatsApp is not set up.", "docs/channels.md tells how.")]
    found = [wrong(ABOUT, f"{name} is not set.", "docs/channels.md tells where it is found.") for name in missing]
    if settings.public_url is None:
        found.append(wrong(ABOUT, "Without PUBLIC_URL nothing arrives.", "WhatsApp cannot be asked for messages."))
    if set_webhook:
        found.append(_how(settings))
    try:
        if not missing:
            found += await (_twilio(settings, http) if settings.whatsapp_provider == "twilio" else _meta(settings, http))
    except httpx.HTTPError as error:
        found.append(unreachable(ABOUT, "Twilio" if settings.whatsapp_provider == "twilio" else "Meta", error))
    if settings.public_url and not missing and settings.whatsapp_provider == "meta":
        found += await _self_test(settings, http)
    return found


def _how(settings: Settings) -> Finding:
    url = f"{settings.url.rstrip('/')}{PATH}"
    if settings.whatsapp_provider == "twilio":
        return note(ABOUT, "Twilio's webhook is set by hand:", f"in the sender's settings, “A message comes in”: POST {url}")
    do = f"App dashboard, WhatsApp, Configuration: callback {url}, the verify token of WHATSAPP_VERIFY_TOKEN; subscribe to `messages`."
    return note(ABOUT, "Meta's webhook is set by hand:", do)


# --- Meta ------------------------------------------------------------------------------------------------------------------


async def _meta(settings: Settings, http: httpx.AsyncClient) -> list[Finding]:
    number = await _ask(settings, http, str(settings.whatsapp_phone_number_id), fields="display_phone_number,verified_name,quality_rating")
    if trouble := _error(number):
        return [trouble]
    found = [ok(ABOUT, f"The number is {number.get('display_phone_number')}, {number.get('verified_name')}.")]
    if number.get("quality_rating") in ("YELLOW", "RED"):
        found.append(note(ABOUT, f"Meta rates the number {number['quality_rating']}.", "People block or report it: send less."))
    token = (await _ask(settings, http, "debug_token", input_token=str(settings.whatsapp_token))).get("data")
    if not isinstance(token, dict):
        return [*found, note(ABOUT, "Meta does not tell what the token may do, so the template was not looked at.")]
    found += _token(token)
    for account in _accounts(token):
        found += await _account(settings, http, account)
    return found


async def _ask(settings: Settings, http: httpx.AsyncClient, path: str, **query: str) -> dict[str, Any]:
    url = f"{settings.whatsapp_api_url.rstrip('/')}/{path}"
    return dict(read(await http.get(url, params=query, headers={"Authorization": f"Bearer {settings.whatsapp_token}"})))


def _error(told: dict[str, Any]) -> Finding | None:
    """What an error of Meta's means; by its code only, since its text may hold a number."""
    error = told.get("error")
    if not isinstance(error, dict):
        return None
    code = error.get("code")
    if code == 190:
        return wrong(ABOUT, "Meta does not take the token: it is wrong or has ended.", "Make one of a system user that does not end.")
    if code in (10, 200, 3):
        return wrong(ABOUT, "The token may not use this number.", "Give the system user the app and the WhatsApp account.")
    if code in (100, 33):
        return wrong(ABOUT, "Meta does not know WHATSAPP_PHONE_NUMBER_ID.", "It is the number's id in API Setup, not the number.")
    return wrong(ABOUT, f"Meta refuses (code {code}).", "Look the code up in Meta's list of error codes.")


def _token(told: dict[str, Any]) -> list[Finding]:
    found = []
    if not told.get("is_valid", True):
        found.append(wrong(ABOUT, "Meta says that the token is not valid.", "Make a new one."))
    if missing := SCOPES - set(told.get("scopes") or []):
        found.append(wrong(ABOUT, f"The token lacks {', '.join(sorted(missing))}.", "Make a new one with both permissions."))
    ends = float(told.get("expires_at") or 0)
    if ends and ends - time.time() < SOON:
        found.append(wrong(ABOUT, "The token ends within a week.", "The one of API Setup lives a day: make one of a system user."))
    return found


def _accounts(told: dict[str, Any]) -> list[str]:
    """The WhatsApp accounts that the token is for."""
    grants = [g for g in told.get("granular_scopes") or [] if isinstance(g, dict) and g.get("scope") in SCOPES]
    return sorted({str(account) for grant in grants for account in grant.get("target_ids") or []})


async def _account(settings: Settings, http: httpx.AsyncClient, account: str) -> list[Finding]:
    found = []
    apps = await _ask(settings, http, f"{account}/subscribed_apps")
    if apps.get("data") == []:
        do = f"POST {settings.whatsapp_api_url}/{account}/subscribed_apps once with the token, or subscribe in the dashboard."
        found.append(wrong(ABOUT, "No app is subscribed to the WhatsApp account: nothing arrives.", do))
    name = settings.whatsapp_template
    told = await _ask(settings, http, f"{account}/message_templates", name=name, fields="name,language,status,category")
    templates = [t for t in told.get("data") or [] if isinstance(t, dict) and t.get("name") == name]
    for language in sorted(TEMPLATE_LANGUAGES):
        one = next((t for t in templates if t.get("language") == language), None)
        if one is None:
            found.append(wrong(ABOUT, f"Template {name} is missing in {language}.", "docs/channels.md has its words."))
        elif one.get("status") != "APPROVED":
            says = f"Template {name} in {language} is {str(one.get('status')).lower()}."
            found.append(wrong(ABOUT, says, "Until it is approved an officer's answer after 24 hours is held."))
        elif one.get("category") != "UTILITY":
            says = f"Template {name} in {language} is filed as {str(one.get('category')).lower()}."
            found.append(wrong(ABOUT, says, "Marketing does not reach US numbers: ask for a review, or word it anew."))
        else:
            found.append(ok(ABOUT, f"Template {name} in {language} is approved."))
    return found


async def _self_test(settings: Settings, http: httpx.AsyncClient) -> list[Finding]:
    """Our own webhook, called as Meta would: the handshake, a call with the right signature and one with a wrong one."""
    url, challenge = f"{settings.url.rstrip('/')}{PATH}", secrets.token_hex(8)
    body = json.dumps({"object": "whatsapp_business_account", "entry": []}).encode()
    signed = hmac.new(str(settings.whatsapp_app_secret).encode(), body, hashlib.sha256).hexdigest()
    shake = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": str(settings.whatsapp_verify_token)}
    try:
        shaken = await http.get(url, params=shake)
        refused = await http.post(url, content=body, headers={"X-Hub-Signature-256": f"sha256={'0' * 64}"})
        taken = await http.post(url, content=body, headers={"X-Hub-Signature-256": f"sha256={signed}"})
    except httpx.HTTPError as error:
        return [unreachable(ABOUT, "Our own webhook", error)]
    if shaken.status_code != 200 or shaken.text != challenge:
        return [wrong(ABOUT, "Our webhook does not answer Meta's handshake.", "Start the service with the same WHATSAPP_VERIFY_TOKEN.")]
    if refused.status_code == 200:
        return [wrong(ABOUT, "Our webhook takes a wrong signature.", "What runs at PUBLIC_URL is not this service.")]
    if taken.status_code != 200:
        return [wrong(ABOUT, "What runs at PUBLIC_URL has another app secret.", "Start it with the same WHATSAPP_APP_SECRET.")]
    return [ok(ABOUT, "Our webhook answers the handshake, takes a right signature and refuses a wrong one.")]


# --- Twilio ----------------------------------------------------------------------------------------------------------------


async def _twilio(settings: Settings, http: httpx.AsyncClient) -> list[Finding]:
    account, token = str(settings.twilio_account_sid), str(settings.twilio_auth_token)
    url = f"{settings.twilio_api_url.rstrip('/')}/2010-04-01/Accounts/{account}.json"
    response = await http.get(url, auth=(account, token))
    if response.status_code in (401, 403, 404):
        return [wrong(ABOUT, "Twilio does not take account and token.", "Copy both anew from Twilio's console.")]
    if response.status_code != 200:
        return [wrong(ABOUT, f"Twilio refuses (status {response.status_code}).", "Try again; then look at Twilio's status page.")]
    found = [ok(ABOUT, "Twilio knows the account.")]
    if read(response).get("status") != "active":
        found.append(wrong(ABOUT, "Twilio says that the account is not active.", "Look at its console: billing, or a review."))
    if not settings.whatsapp_template.startswith("HX"):
        says = "WHATSAPP_TEMPLATE is no content id of Twilio's."
        found.append(wrong(ABOUT, says, "It begins with HX: Content Template Builder shows it."))
    return found
