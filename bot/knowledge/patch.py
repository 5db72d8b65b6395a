"""Withdrawals and corrections as a patch to the data files: only the values that change are rewritten, comments and layout stay."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from bot.knowledge.load import Knowledge
from bot.knowledge.overlay import Change
from bot.knowledge.schema import Text

Edit = tuple[int, int, str]
"""From and to which character, and what stands there instead."""


def patch(data: Path, knowledge: Knowledge, changes: Iterable[Change], today: dt.date) -> str:
    """A unified diff for `git apply`, from the repository's root, that makes the files say what is served.

    Args:
        data: the folder of the content.
        knowledge: as the files say it now.
    """
    edits: dict[Path, list[Edit]] = {}
    for change in changes:
        for path, edit in _edits(data, knowledge, change, today):
            edits.setdefault(path, []).append(edit)
    return "".join(_diff(data, path, edits[path]) for path in sorted(edits))


def _edits(data: Path, knowledge: Knowledge, change: Change, today: dt.date) -> list[tuple[Path, Edit]]:
    if change.kind == "facet":
        return _answer_edits(data, knowledge, change)
    if change.kind == "consulate":
        return _office_edits(data / "consulates.yml", change, today)
    if change.correction is None:
        return _line_gone(data, change.ref)
    path = data / "hotlines.yml"
    entry = _entry(_root(path), change.ref)
    edits = [_value_edit(entry, name, value) for name, value in change.correction.items()]
    edits.append(_value_edit(entry, "checked", today.isoformat(), plain=True))
    return [(path, edit) for edit in edits if edit]


# --- each kind of change -------------------------------------------------------------------------------------------------------


def _answer_edits(data: Path, knowledge: Knowledge, change: Change) -> list[tuple[Path, Edit]]:
    topic, _, facet = change.ref.partition("/")
    path = data / "knowledge" / f"{topic}.yml"
    answer = _root(path)
    if facet:
        answer = _entry(_value(answer, "facets"), facet)
    text = Text.model_validate(change.correction) if change.correction else knowledge.phrases["withdrawn"]
    messages, source = _value(answer, "messages"), path.read_text("utf-8")
    if messages is None:
        return []
    start, end = messages.start_mark.index, _end(messages, source)
    edits = [(path, (start, end, _as_yaml(text, messages.start_mark.column)))]
    confirm = _value(answer, "confirm")
    if confirm is not None and confirm.value == "true":
        edits.append((path, (confirm.start_mark.index, confirm.end_mark.index, "false")))
    return edits


def _as_yaml(text: Text, column: int) -> str:
    inner = " " * (column + 4)
    blocks = [
        f"{name}: |\n" + "".join(f"{inner}{line}\n" for line in said.strip().splitlines()) for name, said in text.model_dump().items()
    ]
    return f"- {blocks[0]}{' ' * (column + 2)}{blocks[1]}".rstrip("\n")


def _office_edits(path: Path, change: Change, today: dt.date) -> list[tuple[Path, Edit]]:
    post, _, name = change.ref.partition("/")
    entry, value = _entry(_root(path), post), change.correction["value"] if change.correction else None
    confidence = _value(entry, "confidence")
    edits = [_value_edit(entry, name, value), _value_edit(confidence, name, "high" if value else "low", plain=True)]
    if name == "address":
        edits += [_value_edit(entry, "lat", None), _value_edit(entry, "lon", None)]
    if value:
        edits.append(_value_edit(entry, "checked", today.isoformat(), plain=True))
    return [(path, edit) for edit in edits if edit]


def _line_gone(data: Path, line: str) -> list[tuple[Path, Edit]]:
    """The line is not to be given any more, and where a text gives it, it gives CIAM's number as is served now."""
    hotlines = data / "hotlines.yml"
    edits = [(hotlines, edit) for edit in [_value_edit(_entry(_root(hotlines), line), "use", "do_not_give", plain=True)] if edit]
    placeholder = re.compile(rf"\{{{re.escape(line)}(\.(?:url|whatsapp|text))?\}}")
    for path in (data / "phrases.yml", data / "replies.yml", data / "intake.yml", *sorted((data / "knowledge").glob("*.yml"))):
        if path.exists():
            found = placeholder.finditer(path.read_text("utf-8"))
            edits += [(path, (match.start(), match.end(), "CIAM {ciam}")) for match in found]
    return edits


# --- YAML by its nodes ---------------------------------------------------------------------------------------------------------


def _root(path: Path) -> yaml.Node | None:
    return yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)


def _value(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _entry(node: yaml.Node | None, entry_id: str) -> yaml.Node | None:
    """The mapping of a list that has this id."""
    if not isinstance(node, yaml.SequenceNode):
        return None
    return next((item for item in node.value if (found := _value(item, "id")) is not None and found.value == entry_id), None)


def _value_edit(mapping: yaml.Node | None, name: str, value: str | None, plain: bool = False) -> Edit | None:
    node = _value(mapping, name)
    if node is None:
        return None
    written = value if plain and value is not None else json.dumps(value, ensure_ascii=False)
    return (node.start_mark.index, node.end_mark.index, written)


def _end(node: yaml.Node, source: str) -> int:
    """Where a node's last word ends; PyYAML's own mark of a block is where the next thing begins."""
    last = node
    while isinstance(last, yaml.CollectionNode) and last.value and not last.flow_style:
        child = last.value[-1]
        last = child[1] if isinstance(child, tuple) else child
    end = last.end_mark.index
    return len(source[:end].rstrip())


def _diff(data: Path, path: Path, edits: list[Edit]) -> str:
    old = path.read_text("utf-8")
    new = old
    for start, end, text in sorted(set(edits), reverse=True):
        if any(a <= start and end <= b and (a, b) != (start, end) for a, b, _ in edits):
            continue  # inside something that is replaced whole
        new = new[:start] + text + new[end:]
    name = f"data/{path.relative_to(data).as_posix()}"
    return "".join(difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{name}", f"b/{name}"))
