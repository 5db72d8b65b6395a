"""Read the content files and check them; nothing that fails the check is ever served.

knowledge = load(Path("data"))          # raises ContentError with every fault found
python -m bot.knowledge [DATA]          # the same, for authors: faults and warnings on standard output
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bot.knowledge.phone import grouped
from bot.knowledge.schema import LANGUAGES, LINE, LINES, MESSAGE, SHORT, TITLE, Answer, Facet, Hotline, Language, RightsCard, Text, Topic

PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)(?:\.(url|name|whatsapp|text))?\}")
STALE = dt.timedelta(days=180)
LIFE_AT_RISK = {"emergency_danger", "domestic_violence", "disaster", "missing_person"}
"""Topics whose first message must name 911."""
ANSWERED_BY_ACTIONS = {"affirm", "deny", "inform"}
"""Intents without content of their own: what they mean depends on what was asked."""


class ContentError(ValueError):
    """The content files do not fit; `faults` lists every one, a sentence each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Knowledge:
    """All content, checked and ready to be rendered.

    Attributes:
        topics: by intent.
        hotlines: by id.
        phrases: the service's own sentences (data/phrases.yml), by key.
        card: the rights card.
        warnings: what a person should look at: stale check dates.
        withdrawn: ids of lines that must not be shown now; where to ask stands in their place.
    """

    topics: dict[str, Topic]
    hotlines: dict[str, Hotline]
    phrases: dict[str, Text]
    card: RightsCard
    warnings: list[str] = field(default_factory=list)
    withdrawn: frozenset[str] = frozenset()

    def facet(self, topic: str, facet: str) -> Facet | None:
        found = self.topics.get(topic)
        return next((f for f in found.facets if f.id == facet), None) if found else None

    def answer(self, ref: str) -> Answer | None:
        """The answer that `topic` or `topic/facet` names, or None."""
        topic, _, facet = ref.partition("/")
        return self.facet(topic, facet) if facet else self.topics.get(topic)

    def fill(self, text: str, language: Language) -> str:
        """The text with every placeholder replaced by what data/hotlines.yml says."""

        def value(match: re.Match[str]) -> str:
            line, what = self.hotlines[match[1]], match[2]
            if what == "name":
                return line.name_es if language == "es" else line.name_en
            if match[1] in self.withdrawn:
                return self.phrase("withdrawn_number", language)
            if what == "url":
                return line.url or ""
            if what == "whatsapp":
                return grouped(line.whatsapp or "")
            if what == "text":
                return line.text_line or ""
            return grouped(line.phone or line.short_code or "")

        return PLACEHOLDER.sub(value, text).strip()

    def card_words(self, language: Language) -> tuple[list[str], list[str]]:
        """What stands on the rights card: for the person, with the line that answers; and for the agent, in English."""
        card = self.card
        call = f"{card.help.in_language(language)}: {self.fill(card.number, language)}"
        return [*(line.in_language(language) for line in card.holder), call], list(card.officer)

    def phrase(self, key: str, language: Language, **values: str) -> str:
        """One of the service's own sentences; `values` fill what is not a hotline, written `<name>`."""
        text = self.fill(self.phrases[key].in_language(language), language)
        for name, given in values.items():
            text = text.replace(f"<{name}>", given)
        return text


def load(data: Path, today: dt.date | None = None, stale: dt.timedelta = STALE) -> Knowledge:
    """Read and check everything below `data`.

    Args:
        data: the folder with knowledge/, hotlines.yml and phrases.yml.
        today: the day against which check dates are held; default: today (UTC).
        stale: how old a check date may be before it is warned about.

    Raises:
        ContentError: something is missing, unknown, too long or not to be shown.
    """
    faults: list[str] = []
    hotlines = {h.id: h for h in _hotlines(data / "hotlines.yml", faults)}
    phrases = _phrases(data / "phrases.yml", faults)
    card = _card(data / "card.yml", faults)
    topics: dict[str, Topic] = {}
    for path in sorted((data / "knowledge").glob("*.yml")):
        topic = _read(path, faults)
        if topic is None:
            continue
        if topic.intent != path.stem:
            faults.append(f"{path.name}: intent is {topic.intent}, the file's name says {path.stem}")
        topics[topic.intent] = topic
    if card is None:  # nothing can be rendered without it, so nothing more can be checked
        raise ContentError(faults)
    knowledge = Knowledge(topics, hotlines, phrases, card)
    faults += [f"knowledge/{name}.yml is missing" for name in sorted(_expected(data, faults) - topics.keys())]
    for topic in topics.values():
        faults += _faults_of_topic(topic, knowledge)
    faults += _faults_of_card(knowledge)
    for key, phrase in phrases.items():
        faults += faults_of_text(f"phrases.yml: {key}", phrase, knowledge)
    if faults:
        raise ContentError(faults)
    knowledge.warnings.extend(_stale(knowledge, (today or dt.datetime.now(dt.UTC).date()) - stale))
    return knowledge


def _yaml(path: Path, faults: list[str]) -> Any:
    try:
        return yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        faults.append(f"{path.name}: cannot be read: {error}")
        return None


def _expected(data: Path, faults: list[str]) -> set[str]:
    """The intents that need an answer: all of the taxonomy but those that the actions answer by themselves."""
    taxonomy = data / "taxonomy.yml"
    return set((_yaml(taxonomy, faults) or {"intents": {}})["intents"]) - ANSWERED_BY_ACTIONS if taxonomy.exists() else set()


def _explain(name: str, error: ValidationError) -> list[str]:
    return [f"{name}: {'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()]


def _read(path: Path, faults: list[str]) -> Topic | None:
    before = len(faults)
    raw = _yaml(path, faults)
    if len(faults) > before:
        return None
    try:
        return Topic.model_validate(raw)
    except ValidationError as error:
        faults += _explain(path.name, error)
        return None


def _card(path: Path, faults: list[str]) -> RightsCard | None:
    raw = _yaml(path, faults)
    try:
        return RightsCard.model_validate(raw)
    except ValidationError as error:
        faults += _explain(path.name, error)
        return None


def _hotlines(path: Path, faults: list[str]) -> list[Hotline]:
    found: list[Hotline] = []
    for raw in _yaml(path, faults) or []:
        try:
            found.append(Hotline.model_validate(raw))
        except ValidationError as error:
            faults += _explain(f"{path.name}: {raw.get('id') if isinstance(raw, dict) else raw}", error)
    seen: set[str] = set()
    for line in found:
        if line.id in seen:
            faults.append(f"{path.name}: {line.id} stands twice")
        seen.add(line.id)
    return found


def _phrases(path: Path, faults: list[str]) -> dict[str, Text]:
    found: dict[str, Text] = {}
    for key, raw in (_yaml(path, faults) or {}).items():
        try:
            found[key] = Text.model_validate(raw)
        except ValidationError as error:
            faults += _explain(f"{path.name}: {key}", error)
    return found


def _faults_of_topic(topic: Topic, knowledge: Knowledge) -> Iterator[str]:
    here = f"{topic.intent}.yml"
    yield from _faults_of_answer(here, topic, topic, knowledge)
    ids = [f.id for f in topic.facets]
    for twice in {i for i in ids if ids.count(i) > 1}:
        yield f"{here}: facet {twice} stands twice"
    asked = [(f.about(), f.aspect) for f in topic.facets]
    for twice_asked in {a for a in asked if asked.count(a) > 1}:
        yield f"{here}: two facets of subject {twice_asked[0]} have the aspect {twice_asked[1]}"
    for facet in topic.facets:
        yield from _faults_of_answer(f"{here}: {facet.id}", facet, topic, knowledge)
        if len(facet.questions.es) < 6 or len(facet.questions.en) < 5:
            yield f"{here}: {facet.id}: needs at least 6 Spanish and 5 English questions"
    first = topic.messages[0]
    for language in LANGUAGES:
        if topic.level == 1 and "{ciam}" not in first.in_language(language):
            yield f"{here}: {language}: the first message of a level 1 topic names {{ciam}}"
        if topic.intent in LIFE_AT_RISK and "{us_911}" not in first.in_language(language):
            yield f"{here}: {language}: the first message names {{us_911}}"


def _faults_of_card(knowledge: Knowledge) -> Iterator[str]:
    card = knowledge.card
    for topic in card.topics:
        if topic not in knowledge.topics:
            yield f"card.yml: topic {topic} is unknown"
    for language in LANGUAGES:
        if len(card.short.in_language(language)) > SHORT:
            yield f"card.yml: {language}: short over {SHORT} characters"
    for name, text in [("holder", line) for line in card.holder] + [("officer", Text(es=line, en=line)) for line in card.officer]:
        yield from faults_of_text(f"card.yml: {name}", text, knowledge)
    yield from faults_of_text("card.yml: number", Text(es=card.number, en=card.number), knowledge)


def _faults_of_answer(here: str, answer: Answer, topic: Topic, knowledge: Knowledge) -> Iterator[str]:
    if topic.level and not (answer.sources or topic.sources):
        yield f"{here}: no source"
    for language in LANGUAGES:
        if len(answer.title.in_language(language)) > TITLE:
            yield f"{here}: {language}: title over {TITLE} characters"
        if len(answer.short.in_language(language)) > SHORT:
            yield f"{here}: {language}: short over {SHORT} characters: {answer.short.in_language(language)}"
    for ref in answer.buttons:
        if ref != "human" and knowledge.answer(ref) is None:
            yield f"{here}: button {ref} is unknown"
    for number, message in enumerate(answer.messages):
        yield from faults_of_text(f"{here}: message {number + 1}", message, knowledge, spare=1 if answer.confirm and number == 0 else 0)


def faults_of_text(here: str, text: Text, knowledge: Knowledge, spare: int = 0) -> Iterator[str]:
    """What is wrong with one message: unknown placeholders, numbers written out, too many lines (`spare` are needed for more), too long."""
    for language in LANGUAGES:
        raw = text.in_language(language)
        unknown = False
        for line_id, what in PLACEHOLDER.findall(raw):
            line = knowledge.hotlines.get(line_id)
            fault = _fault_of_line(line, what)
            if fault:
                unknown = True
                yield f"{here}: {language}: {{{line_id}}} {fault}"
        if "{" in PLACEHOLDER.sub("", raw):
            yield f"{here}: {language}: a brace that is no placeholder"
        if re.search(r"\d{3}[-. ]\d{4}|\+\d{6}", raw):
            yield f"{here}: {language}: a telephone number written out; use its id in hotlines.yml"
        if unknown:
            continue
        shown = knowledge.fill(raw, language)
        lines = shown.splitlines()
        if len(lines) > LINES - spare:
            yield f"{here}: {language}: {len(lines)} lines, {LINES - spare} at the most"
        if len(shown) > MESSAGE - 60 * spare:
            yield f"{here}: {language}: {len(shown)} characters, {MESSAGE - 60 * spare} at the most"
        for line_text in lines:
            if len(line_text) > LINE and "http" not in line_text:
                yield f"{here}: {language}: a line of {len(line_text)} characters, {LINE} at the most: {line_text}"


def _fault_of_line(line: Hotline | None, what: str) -> str | None:
    if line is None:
        return "is not in hotlines.yml"
    if what in ("name", "url"):
        return "has no site" if what == "url" and not line.url else None
    if line.use != "give" or line.confidence == "low":
        return "must not be shown (use is not give, or its confidence is low)"
    has = {"": line.phone or line.short_code, "whatsapp": line.whatsapp, "text": line.text_line}[what]
    return None if has else "has no such number"


def _stale(knowledge: Knowledge, oldest: dt.date) -> Iterator[str]:
    for topic in knowledge.topics.values():
        for answer in (topic, *topic.facets):
            checked = answer.checked or topic.checked
            if checked < oldest:
                name = answer.id if isinstance(answer, Facet) else topic.intent
                yield f"{topic.intent}.yml: {name}: last checked on {checked}"
    if knowledge.card.checked < oldest:
        yield f"card.yml: last checked on {knowledge.card.checked}"
    for line in knowledge.hotlines.values():
        if line.checked < oldest:
            yield f"hotlines.yml: {line.id}: last checked on {line.checked}"


def faults_of_topic(topic: Topic, knowledge: Knowledge) -> list[str]:
    """What the check says of one topic, all its facets included, beside the rest of the content."""
    return list(_faults_of_topic(topic, knowledge))
