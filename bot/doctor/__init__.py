"""`make doctor`: says in plain words what is wrong with this service's settings, and what to do about it.

here.py       this machine: keys, database, content, model, voice        public.py   the address from outside
telegram.py   the bot's token and webhook                                whatsapp.py   Meta's or Twilio's side
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import httpx

Kind = Literal["ok", "off", "note", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        kind: fine; not in use; works but worth a look; does not work.
        about: what it is about, one word.
        says: what was found; never a token, a key or anything of a person.
        do: what to do about it.
    """

    kind: Kind
    about: str
    says: str
    do: str = ""


def ok(about: str, says: str) -> Finding:
    return Finding("ok", about, says)


def off(about: str, says: str, do: str) -> Finding:
    return Finding("off", about, says, do)


def note(about: str, says: str, do: str = "") -> Finding:
    return Finding("note", about, says, do)


def wrong(about: str, says: str, do: str) -> Finding:
    return Finding("wrong", about, says, do)


def unreachable(about: str, who: str, error: Exception) -> Finding:
    """Nobody answered. Of the error only its kind is told: its text may hold an address with a token."""
    return wrong(about, f"{who} cannot be reached ({type(error).__name__}).", "Check the network, the proxy and the address.")


def read(response: httpx.Response) -> dict[str, object]:
    """The answer's JSON object; empty where it is none."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
