"""Pages from templates: every value is escaped, every word comes from data/, nothing comes from elsewhere."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from functools import cache, partial
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.console.accounts import Officer
from bot.console.security import BASE, language_of
from bot.console.sessions import Session
from bot.console.texts import say, texts

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.lstrip_blocks = True
    environment.filters["iso"] = iso
    environment.filters["clock"] = clock
    environment.globals["static"] = static
    return environment


def iso(at: float) -> str:
    """For `<time datetime>`; the page's script shows it in the officer's zone."""
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(at: float) -> str:
    """What a browser without scripts shows."""
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


@cache
def static(name: str) -> str:
    """The address of a file of ours; its content is part of it, so that a browser may keep it."""
    return f"{BASE}/static/{name}?{hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:8]}"


def render(request: Request, officer: Officer | None, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page, or a part of one, in the officer's language.

    Templates know: `t(key, name=value)`, `lang`, `officer` (None before the sign-in), `csrf`, `path`, `left` and `ends` (seconds that the
    session goes on: if nothing is asked, and at the most), `flash` (a sentence about what was just done), `static(name)`.
    """
    session: Session | None = getattr(request.state, "session", None) if officer else None
    now, language = time.time(), language_of(request, officer)
    done = f"done_{request.query_params.get('done', '')}"
    known = {
        "t": partial(say, language=language),
        "lang": language,
        "officer": officer,
        "csrf": session.csrf if session else "",
        "left": int(session.until - now) if session else 0,
        "ends": int(session.ends - now) if session else 0,
        "path": request.url.path,
        "flash": say(done, language) if done in texts() else "",
    }
    return HTMLResponse(_environment().get_template(template).render(known | values), status)
