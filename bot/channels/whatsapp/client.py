"""Calls to the WhatsApp Cloud API, and what each way of failing means for the outbox."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.channels.whatsapp import errors, render
from bot.knowledge.schema import Language
from bot.sender import UNREACHED, Call, Channel, Rendered, SendFailed, Sent
from bot.settings import Settings
from bot.store.deliveries import WINDOWS

log = logging.getLogger("orienta.whatsapp")

FILE_BYTES = 16 * 1024 * 1024
"""What is fetched of a person's file at the most: WhatsApp's own limit for sound and films."""
MEDIA_HOSTS = ("lookaside.fbsbx.com", "scontent.whatsapp.net", "mmg.whatsapp.net", "graph.facebook.com")
"""Where Meta keeps files; the API's own host besides. Nothing else is ever fetched, and no redirect is followed."""
ORDER_SECONDS = 2.0
"""How long the next message waits for the report that the one before has arrived: two that are under way may be swapped."""
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol, httpx.InvalidURL)
"""What happens before anything of a request is written."""


def http(settings: Settings, root: str, **more: Any) -> httpx.AsyncClient:
    """A client for one API; a proxy of the environment may stand between, but not on the way to this machine."""
    far = urlsplit(root).hostname not in ("127.0.0.1", "localhost", "::1")
    timeout = httpx.Timeout(settings.channel_seconds, connect=5.0, write=5.0, pool=5.0)
    return httpx.AsyncClient(timeout=timeout, trust_env=far, limits=httpx.Limits(max_connections=64, max_keepalive_connections=32), **more)


async def post(client: httpx.AsyncClient, url: str, **content: Any) -> httpx.Response:
    """Make a call that sends something.

    Raises:
        SendFailed: there is no answer; `unknown` where it may have got through all the same.
    """
    try:
        return await client.post(url, **content)
    except NOT_SENT as error:
        raise SendFailed("retry", UNREACHED) from error
    except httpx.TimeoutException as error:
        raise SendFailed("unknown", "timeout") from error
    except httpx.HTTPError as error:
        raise SendFailed("unknown", "no_answer") from error


def retry_after(answer: httpx.Response) -> float | None:
    given = answer.headers.get("retry-after", "")
    return float(given) if given.isdecimal() else None


class WhatsApp(Channel):
    """The way to Meta's Cloud API: the sender's calls, the receiver's, and the files that people send.

    Args:
        say: one of the service's own sentences.
    """

    name = "whatsapp"
    order_seconds = ORDER_SECONDS
    window = WINDOWS["whatsapp"]

    def __init__(self, settings: Settings, say: Callable[[str, Language], str]) -> None:
        self.reconcile_seconds = settings.whatsapp_reconcile_seconds
        self._say, self._template, self._public = say, settings.whatsapp_template, settings.url
        self._root = settings.whatsapp_api_url.rstrip("/")
        self._url = f"{self._root}/{settings.whatsapp_phone_number_id}/messages"
        self._http = http(settings, self._root, headers={"Authorization": f"Bearer {settings.whatsapp_token}"})

    def parts(self, message: Rendered) -> list[Call]:
        return render.calls(whole_links(message, self._public), lambda key: self._say(key, message.language))

    def template(self, language: Language) -> Call:
        return render.template(self._template, language)

    async def send(self, identity: dict[str, Any], call: Call, reference: str) -> Sent:
        answer = await self._post(identity, call, reference)
        if answer.status_code == 200:
            return _accepted(answer)
        failure, plainly = errors.sort(answer.status_code, errors.code_of(answer.content), retry_after(answer))
        if not plainly or call.plain is None:
            raise failure
        log.error("a form was refused (%s) and is sent plainly", failure.code)
        answer = await self._post(identity, call.plain, reference)
        if answer.status_code == 200:
            return _accepted(answer)
        raise errors.sort(answer.status_code, errors.code_of(answer.content), retry_after(answer))[0]

    async def _post(self, identity: dict[str, Any], call: Call, reference: str) -> httpx.Response:
        number, user = identity.get("wa_id"), identity.get("user_id")
        to = {"to": f"+{str(number).lstrip('+')}"} if number else {"recipient": user}
        head = {"messaging_product": "whatsapp", "recipient_type": "individual", **to, "biz_opaque_callback_data": reference}
        return await post(self._http, self._url, json={**head, **call.body})

    async def show_typing(self, message_id: str) -> None:
        """Mark a message as read and show that somebody types, for 25 seconds or until the answer; may be lost.

        Raises:
            SendFailed: there is no answer.
        """
        body = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id, "typing_indicator": {"type": "text"}}
        await post(self._http, self._url, json=body)

    async def fetch(self, remote: dict[str, Any]) -> bytes:
        """The content of a file that a person sent; only when an officer opens it.

        Args:
            remote: as the file's row holds it.

        Raises:
            ValueError: it is too big, not what was announced, or kept where nothing is fetched from.
            SendFailed: it is not to be had now.
        """
        if "vcard" in remote:
            return str(remote["vcard"]).encode()
        try:
            found = await self._find(remote["id"])
            content = await self._load(found) or await self._load(await self._find(remote["id"]))  # an address lives for five minutes
        except httpx.HTTPError as error:
            raise SendFailed("retry", UNREACHED) from error
        if content is None:
            raise SendFailed("failed", "gone")
        for told in (found.get("sha256"), remote.get("sha256")):
            if told and not _is_hash_of(str(told), content):
                raise ValueError("the file is not the one that was announced")
        return content

    async def _find(self, media_id: str) -> dict[str, Any]:
        answer = await self._http.get(f"{self._root}/{media_id}")
        if answer.status_code != 200:
            raise errors.sort(answer.status_code, errors.code_of(answer.content))[0]
        found: dict[str, Any] = answer.json()
        if int(found.get("file_size") or 0) > FILE_BYTES:
            raise ValueError("the file is too big to be fetched")
        return found

    async def _load(self, found: dict[str, Any]) -> bytes | None:
        url = str(found["url"])
        there, api = urlsplit(url), urlsplit(self._root)
        allowed = (there.scheme == "https" and there.hostname in MEDIA_HOSTS) or (there.scheme, there.netloc) == (api.scheme, api.netloc)
        if not allowed:
            raise ValueError("the file is kept where nothing is fetched from")
        return await load(self._http, url)

    async def close(self) -> None:
        await self._http.aclose()


async def load(client: httpx.AsyncClient, url: str) -> bytes | None:
    """A file's content, read with a limit; None where it is not there (any more), a redirect included.

    Raises:
        ValueError: it does not end within the limit.
    """
    content = bytearray()
    async with client.stream("GET", url, follow_redirects=False) as answer:
        if answer.status_code != 200:
            return None
        async for part in answer.aiter_bytes():
            content += part
            if len(content) > FILE_BYTES:
                raise ValueError("the file is too big to be fetched")
    return bytes(content)


def whole_links(message: Rendered, public_url: str) -> Rendered:
    """A picture of our own is fetched by the channel: its address must be a whole one."""
    if message.image is None or not message.image["url"].startswith("/"):
        return message
    image = {**message.image, "url": public_url.rstrip("/") + message.image["url"]}
    return Rendered(**{**vars(message), "image": image})


def _accepted(answer: httpx.Response) -> Sent:
    try:
        return Sent(str(answer.json()["messages"][0]["id"]))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise SendFailed("unknown", "no_id") from error


def _is_hash_of(told: str, content: bytes) -> bool:
    """Webhooks tell it in base64, the media call in hexadecimal."""
    digest = hashlib.sha256(content)
    return told.lower() == digest.hexdigest() or told == base64.b64encode(digest.digest()).decode()
