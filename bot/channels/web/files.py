"""Pictures and documents in the web chat: taken in with a limit, cleaned, sealed; shown to nobody but their own conversation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from bot.channels.web.body import TooLarge
from bot.channels.web.routes import Refused, address, service, session_of
from bot.cleaning import Broken, WrongKind, clean_apart
from bot.store import files
from bot.store.files import TooManyFiles
from bot.web.limits import TooFast

router = APIRouter(prefix="/api/chat/files", tags=["chat"])

FILE_BYTES = 10 * 1024 * 1024
"""A file at the most."""
ENVELOPE_BYTES = 16 * 1024
"""What a multipart body may hold beside the file."""

_BODY = {
    "content": {
        "multipart/form-data": {"schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}},
        **{
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("image/jpeg", "image/png", "image/webp", "application/pdf")
        },
    }
}


class _InMemory(MultiPartParser):
    """The library's parser, which would put a large file on the disk as it came; a file over the limit never gets that far."""

    spool_max_size = FILE_BYTES + ENVELOPE_BYTES


@router.post("", status_code=201, openapi_extra={"requestBody": _BODY})
async def upload(request: Request) -> JSONResponse:
    """Keep one picture or document, to be sent with a message: 201 `{"file"}`."""
    its, session = service(request), session_of(request)
    try:
        its.limits.message(address(request), session.conversation)
    except TooFast as limit:
        raise Refused(429, "too_fast", session.language, {"Retry-After": str(limit.retry_after)}) from None
    try:
        found = await clean_apart(await _content(request))
    except TooLarge:
        raise Refused(413, "file_too_big", session.language, {"Connection": "close"}) from None
    except WrongKind:
        raise Refused(415, "wrong_kind", session.language) from None
    except (Broken, MultiPartException):
        raise Refused(422, "broken_file", session.language) from None
    new = await asyncio.to_thread(files.seal, its.keys, found.kind, found.data)
    try:
        kept = await its.writer.write(lambda c: files.add(c, session.conversation, new, time.time()))
    except TooManyFiles:
        raise Refused(429, "too_many_files", session.language) from None
    if not kept:
        raise Refused(401, "no_session", session.language)
    return JSONResponse({"file": new.id}, 201)


async def _content(request: Request) -> bytes:
    """The file of a multipart body's field `file`, or the whole body.

    Raises:
        TooLarge: over the limit; nothing more is read.
        MultiPartException: the body is no form with such a field.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        whole = bytearray()
        async for part in _limited(request, FILE_BYTES):
            whole += part
        return bytes(whole)
    parser = _InMemory(request.headers, _limited(request, FILE_BYTES + ENVELOPE_BYTES), max_files=1, max_fields=4, max_part_size=1024)
    try:
        form = await parser.parse()
    except KeyError:  # no boundary
        raise MultiPartException("no boundary") from None
    try:
        given = form.get("file")
        if not isinstance(given, UploadFile):
            raise MultiPartException("no file")
        content = await given.read()
    finally:
        await form.close()
    if len(content) > FILE_BYTES:
        raise TooLarge
    return content


async def _limited(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise TooLarge
    seen = 0
    async for part in request.stream():
        seen += len(part)
        if seen > most:
            raise TooLarge
        yield part


@router.get("/{file_id}", response_class=Response)
async def show(request: Request, file_id: str) -> Response:
    """A file of this conversation: what the person sent, or what an officer sent them."""
    its, session = service(request), session_of(request)
    with its.database.read() as c:
        found = files.find(c, its.keys, file_id, session.conversation)
    if found is None or found.data is None:
        raise Refused(404, "unknown_file", session.language)
    return Response(found.data, media_type=found.kind, headers=FILE_HEADERS)


FILE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
"""A stranger's file never runs as a page of ours."""
