"""How well messages are understood: `make eval` measures on sentences that no training file holds, and writes docs/understanding.md.

python -m tests.eval.evaluate dev     the set that decisions are made on: confusions and every miss are printed
python -m tests.eval.evaluate test    the set that is only reported
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import yaml
from sklearn.metrics import f1_score, roc_auc_score

from bot.engine.agent import Engine
from bot.engine.context import in_context
from bot.engine.train import MODEL
from bot.engine.understanding import Understanding
from bot.knowledge.live import LiveContent, serve
from bot.safety import Safety
from bot.settings import MODELS, ROOT
from bot.taxonomy import levels

OUT = "out_of_scope"
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Sentence:
    """One labelled message; `part` is es, en or mix, `language` the one that carries it."""

    text: str
    intent: str
    part: str
    language: str


@dataclass(frozen=True)
class Judged:
    """A sentence and what was made of it."""

    sentence: Sentence
    seen: Understanding

    @property
    def right(self) -> bool:
        return self.sentence.intent == self.seen.intent


def read(name: str) -> list[Sentence]:
    """The sentences of tests/eval/<name>.yml."""
    raw: dict[str, dict[str, list[str]]] = yaml.safe_load((FOLDER / f"{name}.yml").read_text("utf-8"))
    return [
        Sentence(str(text), intent, part.split("_")[0], part.split("_")[-1])
        for intent, parts in raw.items()
        for part, texts in parts.items()
        for text in texts
    ]


def one_edit(text: str) -> str:
    """The text with one slip of the thumb in every fourth word or so, always the same for the same text; not the training's noise."""
    rng = random.Random(f"eval {text}")
    words = text.split(" ")
    for _ in range(max(1, len(words) // 4)):
        number = rng.randrange(len(words))
        word = words[number]
        if len(word) < 3:
            continue
        at = rng.randrange(len(word))
        letter = rng.choice("abcdefghijklmnopqrstuvwxyz")
        words[number] = rng.choice((word[:at] + word[at + 1 :], word[:at] + letter + word[at:], word[:at] + letter + word[at + 1 :]))
    return " ".join(words)


def judge(engine: Engine, sentences: Iterable[Sentence], noisy: bool = False) -> list[Judged]:
    return [Judged(s, engine.understand(one_edit(s.text) if noisy else s.text)) for s in sentences]


def accuracy(judged: list[Judged]) -> float:
    return sum(j.right for j in judged) / max(1, len(judged))


def macro_f1(judged: list[Judged]) -> float:
    truth, seen = [j.sentence.intent for j in judged], [j.seen.intent for j in judged]
    return float(f1_score(truth, seen, labels=sorted(set(truth)), average="macro", zero_division=0))


def level_1_recall(judged: list[Judged]) -> float:
    danger = [j for j in judged if levels()[j.sentence.intent] == 1]
    return sum(j.seen.level == 1 for j in danger) / max(1, len(danger))


def raised(judged: list[Judged], *of: int) -> float:
    """Share of the sentences of these levels that were raised to 1."""
    harmless = [j for j in judged if levels()[j.sentence.intent] in of]
    return sum(j.seen.level == 1 for j in harmless) / max(1, len(harmless))


def out_of_scope_auroc(judged: list[Judged]) -> float:
    """How well the score tells sentences in scope from those out of it."""
    return float(roc_auc_score([j.sentence.intent != OUT for j in judged], [_scope(j.seen) for j in judged]))


def _scope(seen: Understanding) -> float:
    return seen.score * (1 - dict(seen.ranking).get(OUT, 0.0))


def calibration_error(judged: list[Judged], bins: int = 10) -> float:
    """Expected calibration error: how far the confidence shown is from how often it is right."""
    boxes: dict[int, list[Judged]] = defaultdict(list)
    for j in judged:
        boxes[min(bins - 1, int(j.seen.confidence * bins))].append(j)
    return sum(abs(sum(j.seen.confidence for j in box) / len(box) - accuracy(box)) * len(box) for box in boxes.values()) / len(judged)


def language_accuracy(judged: list[Judged]) -> float:
    """Of sentences with three words or more."""
    told = [j for j in judged if len(j.sentence.text.split()) >= 3]
    return sum(j.seen.language == j.sentence.language for j in told) / max(1, len(told))


def table(clean: list[Judged], noisy: list[Judged]) -> list[str]:
    """Rows of the report: all, and each part."""
    rows = [
        "| | sentences | accuracy | macro-F1 | noisy accuracy | level 1 recall | 3 and 0 raised | 2 raised | language |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for part in ("all", "es", "en", "mix"):
        mine = [j for j in clean if part in ("all", j.sentence.part)]
        rough = [j for j in noisy if part in ("all", j.sentence.part)]
        measures = (accuracy(mine), macro_f1(mine), accuracy(rough), level_1_recall(mine))
        figures = (*measures, raised(mine, 3, 0), raised(mine, 2), language_accuracy(mine))
        rows.append(f"| {part} | {len(mine)} | " + " | ".join(f"{f:.3f}" for f in figures) + " |")
    return rows


def confusions(judged: list[Judged]) -> Counter[tuple[str, str]]:
    return Counter((j.sentence.intent, j.seen.intent) for j in judged if not j.right)


def picture(judged: list[Judged]) -> str:
    """The confusions as an SVG: a row an intent, a square for each intent it was taken for."""
    names = sorted({j.sentence.intent for j in judged} | {j.seen.intent for j in judged}, key=lambda n: (levels()[n] or 9, n))
    of = Counter(j.sentence.intent for j in judged)
    counts = Counter((j.sentence.intent, j.seen.intent) for j in judged)
    size, left, top = 14, 150, 150
    width, height = left + size * len(names) + 10, top + size * len(names) + 10
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="10">']
    parts.append(f'<rect width="{width}" height="{height}" fill="#fff"/>')
    for row, name in enumerate(names):
        y = top + row * size
        parts.append(f'<text x="{left - 6}" y="{y + 10}" text-anchor="end">{name}</text>')
        parts.append(f'<text transform="translate({left + row * size + 10} {top - 6}) rotate(-90)">{name}</text>')
        for column, seen in enumerate(names):
            share = counts[name, seen] / of[name] if of[name] else 0.0
            colour = "#0b5345" if row == column else "#a4161a"
            x = left + column * size
            parts.append(
                f'<rect x="{x}" y="{y}" width="{size - 1}" height="{size - 1}" fill="{colour}" fill-opacity="{max(0.04, share):.2f}"/>'
            )
            if share and row != column:
                parts.append(f'<text x="{x + 6}" y="{y + 10}" text-anchor="middle" font-size="8">{counts[name, seen]}</text>')
    return "\n".join([*parts, "</svg>"])


def processor_time(engine: Engine, sentences: list[Sentence]) -> tuple[float, float]:
    """Median and 99th percentile of the processor time that a message takes, in milliseconds; read anew, not from a memory."""
    taken = []
    for sentence in sentences:
        before = time.process_time()
        engine.understand(sentence.text)
        taken.append(1000 * (time.process_time() - before))
    cuts = quantiles(taken, n=100)
    return cuts[49], cuts[98]


def report(name: str, clean: list[Judged], noisy: list[Judged], times: tuple[float, float]) -> str:
    """The figures of one set, as Markdown."""
    lines = [f"## {name}: {len(clean)} sentences", "", *table(clean, noisy), ""]
    sure = sum(j.seen.sure for j in clean) / len(clean)
    lines.append(
        f"Out-of-scope AUROC {out_of_scope_auroc(clean):.3f} (noisy {out_of_scope_auroc(noisy):.3f}), calibration error "
        f"{calibration_error(clean):.3f}, sure of {sure:.3f} of the sentences; "
        f"processor time of a message p50 {times[0]:.1f} ms, p99 {times[1]:.1f} ms."
    )
    lines += ["", "| intent | level | sentences | recall | precision |", "|---|---|---|---|---|"]
    for intent in sorted({j.sentence.intent for j in clean}, key=lambda n: (levels()[n] or 9, n)):
        mine, taken = [j for j in clean if j.sentence.intent == intent], [j for j in clean if j.seen.intent == intent]
        precision = sum(j.right for j in taken) / max(1, len(taken))
        lines.append(f"| {intent} | {levels()[intent]} | {len(mine)} | {accuracy(mine):.2f} | {precision:.2f} |")
    return "\n".join(lines) + "\n"


def facet_report() -> str:
    """How often the facet meant is found, asked by itself and as a follow-up to another; the misses are printed."""
    asked = yaml.safe_load((FOLDER / "facets.yml").read_text("utf-8"))
    engine = _engine()
    serve(LiveContent(ROOT / "data", None))
    right: dict[str, list[bool]] = {"by itself": [], "as a follow-up": [], "the topic itself": []}
    for entry in asked:
        slots = {"topic": entry["topic"], "facet": entry["after"]} if "after" in entry else {}
        for text in [*entry.get("es", []), *entry.get("en", []), *entry.get("mix", [])]:
            seen = in_context(engine.understand, str(text), {"slots": slots, "loop": None}, 0.0)
            found = f"{seen.intent}/{seen.facet}" in (f"{entry['topic']}/{entry['facet']}", *entry.get("or", []))
            right["as a follow-up" if slots else "the topic itself" if entry["facet"] is None else "by itself"].append(found)
            if not found:
                after = f" after {entry['after']}" if slots else ""
                print(f"facet {entry['topic']}/{entry['facet']}{after} -> {seen.intent}/{seen.facet} | {text}")
    both = [r for part in right.values() for r in part]
    figures = ", ".join(f"{part} {sum(r) / len(r):.3f} of {len(r)}" for part, r in right.items())
    return f"## Facets\n\nFound {sum(both) / len(both):.3f} of {len(both)}: {figures}.\n"


def _engine() -> Engine:
    return Engine.load(MODELS / MODEL, Safety.load(ROOT / "data" / "safety.yml"))


def main() -> None:
    engine = _engine()
    names = sys.argv[1:] or ["dev", "test", "facets"]
    parts = []
    for name in names:
        if name == "facets":
            parts.append(facet_report())
            print(parts[-1])
            continue
        sentences = read(name)
        engine.understand("hola")
        times = processor_time(engine, sentences)
        clean = judge(engine, sentences)
        noisy = judge(engine, sentences, noisy=True)
        text = report(name, clean, noisy, times)
        print(text)
        parts.append(text)
        if name == "dev":
            print("\n".join(f"{count:3} {truth} -> {seen}" for (truth, seen), count in confusions(clean).most_common(25)))
            for j in clean:
                missed = levels()[j.sentence.intent] == 1 and j.seen.level != 1
                if not j.right or missed:
                    print(
                        f"{'MISSED ' if missed else ''}{j.sentence.intent} -> {j.seen.intent} {j.seen.confidence:.2f} | {j.sentence.text}"
                    )
        if name == "test":
            (ROOT / "docs" / "images" / "confusions.svg").write_text(picture(clean), "utf-8")
    if len(names) > 1:
        path = ROOT / "docs" / "understanding.md"
        head = path.read_text("utf-8").split("<!-- figures -->")[0]
        path.write_text(
            f"{head}<!-- figures -->\nWritten by `make eval`.\n\n"
            + "\n".join(parts)
            + "\n![Confusions on the test set](images/confusions.svg)\n",
            "utf-8",
        )


if __name__ == "__main__":
    main()
