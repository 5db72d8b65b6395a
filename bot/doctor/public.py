"""The address from outside: whether the messengers can come to us, and whether what runs there has the same secrets as we."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import httpx

from bot.doctor import Finding, note, ok, unreachable, wrong
from bot.settings import Settings


async def look(settings: Settings, http: httpx.AsyncClient) -> list[Finding]:
    """The address itself, and whether the service answers there."""
    if settings.public_url is None:
        says = "PUBLIC_URL is not set: nobody outside of this machine reaches the service."
        return [note("address", says, "Enough for trying out: Telegram is then asked for news. WhatsApp needs an address.")]
    return [_form(settings.public_url), await _answers(settings, http)]


def _form(url: str) -> Finding:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return wrong("address", "PUBLIC_URL is no https:// address.", "Both messengers call https only, with a public certificate.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        return wrong("address", "PUBLIC_URL has more than a host in it.", "Write it as https://orienta.example.org")
    if _is_private(parts.hostname):
        return wrong("address", "PUBLIC_URL is an address of this network only.", "Use a name that the whole internet can resolve.")
    return ok("address", f"PUBLIC_URL is {url}.")


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".localhost"))


async def _answers(settings: Settings, http: httpx.AsyncClient) -> Finding:
    try:
        response = await http.get(f"{settings.url.rstrip('/')}/healthz")
    except httpx.HTTPError as error:
        return unreachable("address", "The service at PUBLIC_URL", error)
    if response.status_code != 200 or response.text.strip() != "ok":
        says = f"At PUBLIC_URL something else answers (status {response.status_code})."
        return wrong("address", says, "Let the proxy pass everything on to the service's port, and start the service.")
    return ok("address", "The service answers at PUBLIC_URL.")
