"""data/demo.yml: what people say and press, and what officers do; filled from one seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from bot.settings import ROOT


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Press(_Strict):
    """A button, by its action or the beginning of it."""

    press: str


class Step(_Strict):
    """What an officer does, or what the person says to one."""

    claim: bool = False
    reply: str | None = None
    person: str | None = None
    note: str | None = None
    resolve: str | None = None
    transfer: str | None = None
    rate: int | None = None


class Script(_Strict):
    """One person's part of the day."""

    id: str
    language: Literal["es", "en", "mix"]
    relative: Literal["men", "women"] | None = None
    says: list[str | Press]
    officer: list[Step] = []


class Colleague(_Strict):
    """An officer of the demo."""

    id: str
    name: str
    role: Literal["officer", "supervisor", "administrator"]
    consulates: list[str] | None
    team: str | None = None
    language: Literal["es", "en"]


class Demo(_Strict):
    """All of the file."""

    names: dict[str, list[str]]
    places: list[tuple[str, str]]
    officers: list[Colleague]
    scripts: list[Script]


@dataclass(frozen=True)
class Person:
    """Who speaks a script.

    Attributes:
        values: what fills the script's words.
        channel: web, telegram or whatsapp.
    """

    script: Script
    values: dict[str, str]
    channel: str

    def words(self, text: str, **more: str) -> str:
        return text.format(**self.values, **more)


def load() -> Demo:
    """Read data/demo.yml."""
    raw: Any = yaml.load((ROOT / "data" / "demo.yml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    return Demo.model_validate(raw)


def people(demo: Demo, seed: int, count: int) -> Iterator[Person]:
    """So many people, drawn from the scripts in order and again; the same seed draws the same ones."""
    draw = random.Random(seed)
    for number in range(count):
        script = demo.scripts[number % len(demo.scripts)]
        place, _ = draw.choice(demo.places)
        first = draw.choice(demo.names[script.relative or "women"])
        full = f"{first} {draw.choice(demo.names['family'])} {draw.choice(demo.names['family'])}"
        phone = f"{draw.choice(('602', '713', '214', '312', '559'))} 555 01{draw.randrange(100):02d}"
        name = f"{draw.choice(demo.names['women'])} {draw.choice(demo.names['family'])}"
        values = {"name": name, "full": full, "relative": first, "place": place, "phone": phone}
        yield Person(script, values, draw.choices(("web", "whatsapp", "telegram"), (2, 2, 1))[0])
