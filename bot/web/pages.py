"""The widget and the two pages that show it. Content-Security-Policy: nothing but our own origin."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from bot import cards
from bot.settings import ROOT

router = APIRouter(include_in_schema=False)

PAGES = ROOT / "widget" / "pages"
BUNDLE = ROOT / "widget" / "dist" / "widget.js"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
)
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
BUILT = {".png": "image/png", ".pdf": "application/pdf"}
"""What bot/cards builds; served as it is, since it is packed already."""


@cache
def _packed(path: Path, modified: int) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)


def _file(request: Request, path: Path, cache_control: str) -> Response:
    if not path.is_file():
        return Response(status_code=404)
    headers = {"Cache-Control": cache_control, "Vary": "Accept-Encoding"}
    kind = f"{TYPES[path.suffix]}; charset=utf-8"
    if path.suffix == ".html":
        headers["Content-Security-Policy"] = POLICY
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(_packed(path, path.stat().st_mtime_ns), media_type=kind, headers=headers)
    return Response(path.read_bytes(), media_type=kind, headers=headers)


@router.api_route("/", methods=["GET", "HEAD"])
async def host_page(request: Request) -> Response:
    return _file(request, PAGES / "index.html", "no-cache")


@router.api_route("/chat", methods=["GET", "HEAD"])
async def chat_page(request: Request) -> Response:
    return _file(request, PAGES / "chat.html", "no-store")


@router.api_route("/widget.js", methods=["GET", "HEAD"])
async def widget(request: Request) -> Response:
    response = _file(request, BUNDLE, "public, max-age=300")
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@router.api_route("/orienta-sw.js", methods=["GET", "HEAD"])
async def service_worker(request: Request) -> Response:
    """At the root, where it may serve /chat."""
    return _file(request, PAGES / "orienta-sw.js", "no-cache")


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
async def static(request: Request, name: str) -> Response:
    if Path(name).suffix in BUILT:
        return _built(cards.FOLDER / name)
    path = PAGES / name
    if path.suffix not in (".css", ".svg", ".js") or path.parent != PAGES:
        return Response(status_code=404)
    return _file(request, path, "public, max-age=300")


def _built(path: Path) -> Response:
    if path.parent != cards.FOLDER or not path.is_file():
        return Response(status_code=404)
    headers = {"Cache-Control": "public, max-age=300", "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(path.read_bytes(), media_type=BUILT[path.suffix], headers=headers)
