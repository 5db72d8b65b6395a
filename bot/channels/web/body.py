"""Bodies of the chat API: read with a limit, cleaned, and checked; whatever is wrong has a status and a code."""

from __future__ import annotations

import json
import uuid
from typing import Any, Literal, Self

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.conversation import Raw, clean
from bot.knowledge.schema import Language

BODY_BYTES = 128 * 1024
"""A request's body at the most."""
TEXT_CHARACTERS = 20_000
"""A message's text at the most."""

Code = Literal["bad_request", "empty", "too_long"]


class TooLarge(Exception):
    """The body is over `BODY_BYTES`."""


class BadBody(ValueError):
    """The body cannot be taken: `status` and `code` say why."""

    def __init__(self, status: int, code: Code) -> None:
        super().__init__(code)
        self.status, self.code = status, code


async def read(request: Request) -> Any:
    """The body's JSON value; None where there is no body.

    Raises:
        TooLarge: over the limit; nothing more is read.
        BadBody: it is not JSON in UTF-8.
    """
    body = bytearray()
    if int(request.headers.get("content-length") or 0) > BODY_BYTES:
        raise TooLarge
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES:
            raise TooLarge
    if not body.strip():
        return None
    try:
        return whole(json.loads(body))
    except (ValueError, RecursionError):
        raise BadBody(400, "bad_request") from None


def whole(value: Any) -> Any:
    """The value with lone surrogates and NUL replaced in every string: neither database nor JSON can carry them."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, dict):
        return {whole(k): whole(v) for k, v in value.items()}
    if isinstance(value, list):
        return [whole(v) for v in value]
    return value


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def of(cls, value: Any) -> Self:
        """The checked body.

        Raises:
            BadBody: a field is missing, unknown or of another kind.
        """
        try:
            return cls.model_validate({} if value is None else value)
        except ValidationError:
            raise BadBody(422, "bad_request") from None

    @classmethod
    def openapi(cls) -> dict[str, Any]:
        return {"content": {"application/json": {"schema": cls.model_json_schema()}}}


class NewSession(_Body):
    """What starts a conversation."""

    language: Language | None = None


class Location(_Body):
    """A position, WGS84 degrees."""

    lat: float = Field(ge=-90, le=90, strict=False)
    lon: float = Field(ge=-180, le=180, strict=False)


class NewMessage(_Body):
    """One message: exactly one of text, location and payload; a file alone or with a text."""

    id: str = Field(min_length=1, max_length=64)
    text: str | None = None
    location: Location | None = None
    payload: str | None = Field(None, max_length=200)
    file: str | None = Field(None, max_length=32)

    def as_raw(self) -> Raw:
        return Raw(
            self.id,
            self.text,
            self.payload,
            self.location.model_dump() if self.location else None,
            {"id": self.file} if self.file else None,
        )

    @classmethod
    def of(cls, value: Any) -> Self:
        message = super().of(value)
        try:
            uuid.UUID(message.id)
        except ValueError:
            raise BadBody(422, "bad_request") from None
        said = sum(part is not None for part in (message.text, message.location, message.payload))
        if said > 1 or (message.file is None and said == 0) or (message.file is not None and said and message.text is None):
            raise BadBody(422, "bad_request")
        if message.text is not None and message.file is None and not clean(message.text):
            raise BadBody(422, "empty")
        if message.text is not None and len(message.text) > TEXT_CHARACTERS:
            raise BadBody(413, "too_long")
        return message
