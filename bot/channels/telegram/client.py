"""Calls to Telegram, and what each way of failing means for the outbox."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from telegram import Bot, Message
from telegram.constants import FileSizeLimit
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from bot import cards
from bot.channels.telegram import render
from bot.channels.telegram.render import Say
from bot.knowledge.schema import Language
from bot.sender import UNREACHED, Call, Channel, Rendered, SendFailed, Sent
from bot.settings import Settings

log = logging.getLogger("orienta.telegram")

os.environ.setdefault("PTB_TIMEDELTA", "true")  # the library's new way to give times; the old one warns at each

FILE_BYTES: int = FileSizeLimit.FILESIZE_DOWNLOAD
"""What a bot can fetch at the most."""
POOL = 64
"""Connections for calls."""
ALLOWED = ["message", "edited_message", "callback_query", "my_chat_member"]
"""The kinds of updates that we want; a list once set stays until it is changed."""
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
"""What happens before anything of a request is written."""
_NOBODY = ("chat not found", "user not found", "user is deactivated", "peer_id_invalid", "bot was blocked")
"""In texts of refusals: nothing can be sent to this chat."""
_OUR_FAULT = ("can't parse entities", "button_data_invalid", "reply markup", "wrong file identifier", "failed to get http url content")
"""In texts of refusals: the form is at fault; the same content goes through plainly."""


class ServerTrouble(NetworkError):
    """A status of 500 or more.

    Attributes:
        status: the HTTP status.
        told: it came with an error of Telegram's own; without one, a gateway answered and nobody knows.
    """

    def __init__(self, status: int, told: bool) -> None:
        super().__init__(f"status {status}")
        self.status, self.told = status, told


class Request(HTTPXRequest):
    """The library's transport; a server's trouble keeps its status, and its body comes into no exception's text."""

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        status, payload = await super().do_request(*args, **kwargs)
        if status >= 500:
            raise ServerTrouble(status, _is_told(payload))
        return status, payload


def _is_told(payload: bytes) -> bool:
    try:
        return json.loads(payload).get("ok") is False
    except (ValueError, AttributeError):
        return False


class Telegram(Channel):
    """The way to Telegram: the sender's calls, the receiver's, and the files that people send.

    Args:
        say: one of the service's own sentences.
        moved: told that a chat has another id now.

    Attributes:
        bot: the library's, without queues of its own: its calls and types are all that is used.
    """

    name = "telegram"

    def __init__(self, settings: Settings, say: Callable[[str, Language], str], moved: Callable[[int, int], Awaitable[None]]) -> None:
        token, root = settings.telegram_token or "", settings.telegram_api_url.rstrip("/")
        self._say, self._moved, self._url = say, moved, settings.url
        self._updates = f"{root}/bot{token}/getUpdates"
        # a long poll does not wait for a call, nor a call for a long poll
        self._requests = [_request(settings, connections) for connections in (1, POOL)]
        self.bot = Bot(
            token,
            base_url=f"{root}/bot",
            base_file_url=f"{root}/file/bot",
            get_updates_request=self._requests[0],
            request=self._requests[1],
        )

    @property
    def bot_id(self) -> str:
        """The bot's own id, which its token begins with."""
        return self.bot.token.partition(":")[0]

    def parts(self, message: Rendered) -> list[Call]:
        say: Say = lambda key: self._say(key, message.language)  # noqa: E731 (a name for the language's sentences)
        return render.calls(message, say)

    async def send(self, identity: dict[str, Any], call: Call, reference: str) -> Sent:
        try:
            return await self._call(identity["chat"], call)
        except ChatMigrated as error:
            await self._moved(identity["chat"], error.new_chat_id)
            raise SendFailed("retry", "migrated", 0.0) from error
        except TelegramError as error:
            if call.plain is None or not isinstance(error, BadRequest) or not _says(error, _OUR_FAULT):
                raise sort(error) from error
            log.error("a form was refused and is sent more plainly: %s", call.method)
        return await self.send(identity, call.plain, reference)

    async def _call(self, chat: int, call: Call) -> Sent:
        body = call.body
        if call.method == "send_photo" and (own := self._own_picture(body["photo"])):
            body = {**body, "photo": own}
        sent: Message = await getattr(self.bot, call.method)(chat_id=chat, **body)
        return Sent(f"{chat}:{sent.message_id}")

    def _own_picture(self, url: str) -> bytes | None:
        """A picture of ours goes up with the call: without a public address Telegram could not fetch it."""
        path = cards.FOLDER / url.removeprefix(f"{self._url}/static/")
        return path.read_bytes() if path.parent == cards.FOLDER and path.is_file() else None

    async def fetch(self, remote: dict[str, Any]) -> bytes:
        """The content of a file that a person sent; only when an officer opens it.

        Args:
            remote: as the file's row holds it.

        Raises:
            ValueError: it is bigger than a bot may fetch.
            SendFailed: it is not to be had now.
        """
        if "vcard" in remote:
            return str(remote["vcard"]).encode()
        try:
            found = await self.bot.get_file(remote["file_id"])
            if (found.file_size or 0) > FILE_BYTES:
                raise ValueError("the file is too big to be fetched")
            return bytes(await found.download_as_bytearray())
        except TelegramError as error:
            raise sort(error) from error

    async def updates(self, offset: int, seconds: int) -> list[dict[str, Any]]:
        """What is new, as it came: one update that the library cannot read must not hold up the others. Everything before `offset` is gone.

        Raises:
            TelegramError: it could not be had.
        """
        asked = {"offset": offset, "limit": 100, "timeout": seconds, "allowed_updates": json.dumps(ALLOWED)}
        request = self._requests[0]
        found = await request.post(f"{self._updates}?{urlencode(asked)}", read_timeout=seconds + (request.read_timeout or 0.0))
        return found if isinstance(found, list) else []

    async def close(self) -> None:
        for request in self._requests:
            await request.shutdown()


def _request(settings: Settings, connections: int) -> Request:
    return Request(
        connection_pool_size=connections,
        connect_timeout=5.0,
        write_timeout=5.0,
        pool_timeout=5.0,
        read_timeout=settings.channel_seconds,
        httpx_kwargs={"trust_env": _is_far(settings.telegram_api_url)},
    )


def _is_far(root: str) -> bool:
    """Whether a proxy of the environment may stand between: not on the way to this machine."""
    return urlsplit(root).hostname not in ("127.0.0.1", "localhost", "::1")


def sort(error: TelegramError) -> SendFailed:
    """What a call's failure means. Beware: BadRequest and TimedOut are kinds of NetworkError."""
    match error:
        case RetryAfter():
            return SendFailed("wait", "429", _seconds(error), whole=True)
        case Forbidden():
            return SendFailed("failed", "403", unreachable=True)
        case InvalidToken():
            return SendFailed("channel_down", "401")
        case Conflict():
            return SendFailed("channel_down", "409")
        case BadRequest():
            return SendFailed("failed", "400", unreachable=_says(error, _NOBODY))
        case ServerTrouble(told=True):
            return SendFailed("retry", f"{error.status}", doubtful=True)
        case NetworkError() if isinstance(error.__cause__, _NOT_SENT):
            return SendFailed("retry", UNREACHED)
        case NetworkError() if _says(error, ("too many requests",)):
            return SendFailed("wait", "429", 1.0, whole=True)
        case NetworkError() if error.__cause__ is None and not isinstance(error, ServerTrouble):
            return SendFailed("failed", "refused")  # another status of 400 and something, with an error of Telegram's
    return SendFailed("unknown", "timeout" if isinstance(error.__cause__, httpx.TimeoutException) else "no_answer")


def _seconds(error: RetryAfter) -> float:
    """As the library is set up, it gives seconds or a timedelta."""
    after: float | dt.timedelta = error.retry_after
    return after.total_seconds() if isinstance(after, dt.timedelta) else float(after)


def _says(error: TelegramError, texts: tuple[str, ...]) -> bool:
    told = error.message.lower()
    return any(text in told for text in texts)
