"""WhatsApp through Twilio: the same channel for organisations that have their number there.

Twilio takes texts, one picture and one place a message, and no buttons outside approved content: options are numbered, and a bare
number is understood as the tap on one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from bot.channels.split import split
from bot.channels.whatsapp.client import ORDER_SECONDS, http, load, post, retry_after, whole_links
from bot.channels.whatsapp.inbound import CHANNEL, TEXT, Item, Odd, Said, place
from bot.channels.whatsapp.render import OPEN, harmless
from bot.knowledge.schema import Language
from bot.sender import UNREACHED, Call, Channel, Outcome, Rendered, SendFailed, Sent
from bot.settings import Settings
from bot.store.deliveries import WINDOWS, Report
from bot.store.identities import Who

log = logging.getLogger("orienta.whatsapp")

BODY = 1600
"""Characters of a message at the most."""
CODES: dict[int, tuple[Outcome, bool]] = {
    63016: ("held", False),
    **dict.fromkeys((63018, 20429, 14107, 63038), ("wait", True)),
    **dict.fromkeys((20003, 20005, 20008, 21606, 63007, 63020, 63021, 63023), ("channel_down", False)),
    **dict.fromkeys((63005, 63012, 63017), ("retry", False)),
}
"""Twilio's codes: the outcome, and whether the whole number waits. What is not here is settled as failed."""
GONE = {21610, 63003, 63024, 21211}
"""Nothing can be sent to this person."""
STATES = {"sent": "sent", "delivered": "delivered", "read": "read", "failed": "failed", "undelivered": "failed"}


class Twilio(Channel):
    """The way to Twilio's Messages.

    Args:
        say: one of the service's own sentences.
    """

    name = CHANNEL
    order_seconds = ORDER_SECONDS
    window = WINDOWS[CHANNEL]

    def __init__(self, settings: Settings, say: Callable[[str, Language], str]) -> None:
        self.reconcile_seconds = settings.whatsapp_reconcile_seconds
        self._say, self._template, self._public = say, settings.whatsapp_template, settings.url.rstrip("/")
        self._has_address = settings.public_url is not None
        self._from = f"whatsapp:{settings.twilio_from}"
        self._root = settings.twilio_api_url.rstrip("/")
        account = str(settings.twilio_account_sid)
        self._url = f"{self._root}/2010-04-01/Accounts/{account}/Messages.json"
        self._http = http(settings, self._root, auth=(account, str(settings.twilio_auth_token)))

    def parts(self, message: Rendered) -> list[Call]:
        message = whole_links(message, self._public)
        options = [f"{number}. {button['title']}" for number, button in enumerate(message.buttons, 1)]
        if options:
            options.append(self._say("write_the_number", message.language))
        text = harmless("\n".join([message.text, *options]))
        calls = [Call("messages", {"Body": piece}) for piece in split(text, BODY)]
        if message.image:
            calls.insert(0, Call("messages", {"Body": message.image["alt"], "MediaUrl": message.image["url"]}))
        if message.location:
            calls.append(_place(message.location))
        return calls

    def template(self, language: Language) -> Call:
        return Call("messages", {"ContentSid": self._template, "ContentVariables": json.dumps({})})

    async def send(self, identity: dict[str, Any], call: Call, reference: str) -> Sent:
        to = f"whatsapp:+{str(identity['wa_id']).lstrip('+')}"
        form = {"To": to, "From": self._from, **call.body}
        if self._has_address:  # else nothing is reported, and what is unknown stays so
            form["StatusCallback"] = f"{self._public}/webhooks/whatsapp?{urlencode({'delivery': reference})}"
        answer = await post(self._http, self._url, data=form)
        if answer.status_code in (200, 201):
            try:
                return Sent(str(answer.json()["sid"]))
            except (ValueError, KeyError, TypeError) as error:
                raise SendFailed("unknown", "no_id") from error
        raise sort(answer)

    async def fetch(self, remote: dict[str, Any]) -> bytes:
        """The content of a file that a person sent; only when an officer opens it.

        Raises:
            ValueError: it is too big, or kept where nothing is fetched from.
            SendFailed: it is not to be had now.
        """
        there, api = urlsplit(str(remote["url"])), urlsplit(self._root)
        if (there.scheme, there.netloc) != (api.scheme, api.netloc):
            raise ValueError("the file is kept where nothing is fetched from")
        try:
            content = await load(self._http, str(remote["url"]))
        except httpx.HTTPError as error:
            raise SendFailed("retry", UNREACHED) from error
        if content is None:
            raise SendFailed("failed", "gone")
        return content

    async def show_typing(self, message_id: str) -> None:
        """Twilio has no such call for everybody."""

    async def close(self) -> None:
        await self._http.aclose()


def _place(location: dict[str, Any]) -> Call:
    name = str(location.get("name") or "").replace("|", " ")
    words = "\n".join(part for part in (name, str(location.get("address") or "")) if part)
    return Call("messages", {"Body": words or "·", "PersistentAction": f"geo:{location['lat']},{location['lon']}|{name}"})


def sort(answer: httpx.Response) -> SendFailed:
    """What a refused call means."""
    try:
        code: int | None = int(answer.json()["code"])
    except (ValueError, TypeError, KeyError):
        code = None
    name = str(code) if code is not None else f"http_{answer.status_code}"
    if code in CODES:
        outcome, whole = CODES[code]
        return SendFailed(outcome, name, retry_after(answer), whole=whole)
    if answer.status_code >= 500:
        return SendFailed("unknown", name) if code is None else SendFailed("retry", name, doubtful=True)
    if answer.status_code == 429:
        return SendFailed("wait", name, retry_after(answer), whole=True)
    if answer.status_code in (401, 403, 404):
        return SendFailed("channel_down", name)
    return SendFailed("failed", name, unreachable=code in GONE)


# --- inbound -----------------------------------------------------------------------------------------------------------------


def read(fields: dict[str, str], reference: str | None) -> list[Item]:
    """What a webhook call brings: a message, or the state of one of ours.

    Args:
        fields: of the form.
        reference: that was sent along, of a state.
    """
    external = fields.get("MessageSid") or fields.get("SmsMessageSid") or ""
    if status := fields.get("MessageStatus"):
        code = fields.get("ErrorCode") or None
        outcome = CODES.get(int(code), ("failed", False))[0] if code and code.isdecimal() else "failed"
        later = outcome if outcome in ("failed", "held") else "retry"
        return [Report(reference, external, STATES.get(status, status), later, code)]
    try:
        return [Said(external, _who(fields), **_content(fields))]
    except (KeyError, ValueError):
        return [Odd(external, fields)]


def _who(fields: dict[str, str]) -> Who:
    number = fields.get("WaId") or fields["From"].removeprefix("whatsapp:").lstrip("+")
    if not number:
        raise ValueError("nobody wrote it")
    name = fields.get("ProfileName")
    return Who(CHANNEL, number, profile={"wa_id": number, **({"name": name[:100]} if name else {})})


def _content(fields: dict[str, str]) -> dict[str, Any]:
    text = fields.get("Body", "")[:TEXT]
    if fields.get("ButtonPayload") == OPEN:
        return {"opens": True, "title": fields.get("ButtonText", "")}
    if fields.get("Latitude"):
        return {"location": place(fields["Latitude"], fields.get("Longitude"))}
    if fields.get("NumMedia", "0") not in ("", "0"):
        remote = {"channel": CHANNEL, "url": fields["MediaUrl0"]}
        kind = fields.get("MediaContentType0", "application/octet-stream").partition(";")[0][:64]
        return {"file": {"kind": kind, "size": 0, "remote": remote}, "text": text}
    return {"text": text, "numbered": True} if text else {"unreadable": True}
