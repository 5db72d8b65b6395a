"""Administrators: the audit log, to read, filter and take along. There is no way to change it."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from bot.console import accounts, audit, security
from bot.console.accounts import Officer
from bot.console.audit import Entry
from bot.console.pages import iso, render
from bot.console.security import require, service

router = APIRouter(prefix="/audit", include_in_schema=False)

Administrator = Annotated[Officer, Depends(require("administrator"))]
PAGE = 100


def _asked(request: Request) -> dict[str, Any]:
    return {name: request.query_params.get(name, "").strip()[:64] or None for name in ("officer_id", "action", "subject")}


@router.get("")
async def log(request: Request, officer: Administrator) -> Response:
    """The newest entries, a page at a time."""
    its, asked, before = service(request), _asked(request), request.query_params.get("before", "")
    with its.database.read() as c:
        older = int(before) if before.isascii() and before.isdigit() and len(before) < 15 else None
        found = list(audit.entries(c, **asked, before=older, limit=PAGE + 1))
        kinds, everyone = audit.actions(c), accounts.everyone(c, its.keys)
    more = found[PAGE - 1].id if len(found) > PAGE else None
    names = {o.id: o.name for o in everyone}
    values: dict[str, Any] = {"entries": found[:PAGE], "more": more, "asked": asked, "actions": kinds, "officers": everyone, "names": names}
    return render(request, officer, "audit.html", **values)


@router.get("/csv")
async def as_csv(request: Request, officer: Administrator) -> Response:
    """All entries that the filter lets through."""
    security.fresh(request)
    its, asked = service(request), _asked(request)
    await its.writer.write(lambda c: audit.record(c, officer.id, "audit_exported", None, None, time.time()))
    with its.database.read() as c:
        found = list(audit.entries(c, **asked, limit=None))
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return StreamingResponse(_lines(found), media_type="text/csv; charset=utf-8", headers=headers)


def _lines(found: list[Entry]) -> Iterator[str]:
    yield from _line(["id", "at", "officer", "action", "subject", "detail"])
    for entry in found:
        cells = [entry.id, iso(entry.at), entry.officer_id, entry.action, entry.subject, entry.detail]
        yield from _line([_plain(cell) for cell in cells])


def _line(cells: list[str]) -> Iterator[str]:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    yield line.getvalue()


def _plain(cell: object) -> str:
    """No cell that a spreadsheet would take for a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
