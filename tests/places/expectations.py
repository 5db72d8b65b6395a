"""Reads the tables of places and sentences and compares an answer with what a row expects."""

from __future__ import annotations

from pathlib import Path

from bot.places import Resolution

HERE = Path(__file__).parent


def rows(name: str) -> list[list[str]]:
    """The rows of a table: cells between "|", without spaces around; empty lines and those that begin with "#" left out."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.split("|")] for line in lines if "|" in line and not line.startswith("#")]


def summary(answer: Resolution, like: str) -> str:
    """The answer written as the tables write it, as fully as `like` is."""
    if answer.status in ("outside", "unknown"):
        return answer.status
    if answer.status == "ambiguous":
        wanted = like.removeprefix("~").split()
        same = not wanted or sorted(wanted) == sorted(answer.candidates)
        return like if like.startswith("~") and same else " ".join(["~", *answer.candidates])
    post = f"{answer.consulate}?" if answer.confidence == "low" else str(answer.consulate)
    return " ".join([post, *answer.candidates]) if len(like.split()) > 1 else post
