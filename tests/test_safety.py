"""The deterministic danger rules: what they catch, what they leave alone, what they say first, what they cost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bot.safety import LAST, Safety
from bot.taxonomy import levels

ROOT = Path(__file__).parents[1]
RULES = ROOT / "data" / "safety.yml"
NUMBERS = {"ciam": "+1 520-623-7874", "us_911": "911", "us_988": "988"}
KINDS = ["suicide", "life", "violence", "encounter", "children", "missing", "detention", "disaster"]

DANGERS = [
    ("suicide", "ya no quiero vivir"),
    ("suicide", "Ya no kiero bibir, perdonenme"),
    ("suicide", "mi hermano se quiere matar y esta encerrado en su cuarto"),
    ("suicide", "I don't want to be alive anymore"),
    ("suicide", "my friend says he is going to kill himself tonight"),
    ("life", "mi papá no puede respirar"),
    ("life", "se desmayó mi suegra y no despierta"),
    ("life", "my coworker fell off the roof and he is not moving"),
    ("life", "help we are locked in a trailer, there is no air"),
    ("life", "andamos perdidos en el monte y ya no hay agua"),
    ("life", "el coyote nos dejo tirados anoche"),
    ("life", "el pollero pide mas dinero o matan a mi primo"),
    ("life", "la casa se prendio, hay gente adentro"),
    ("life", "the river is taking us, my cousin can't swim"),
    ("life", "mi niña se tomo el cloro"),
    ("violence", "mi esposo me pega enfrente de los niños"),
    ("violence", "m golpea mi marido kda ke toma"),
    ("violence", "my boyfriend chokes me and took my passport"),
    ("violence", "mi padrastro me toca cuando mi mama no esta"),
    ("violence", "I was raped"),
    ("violence", "necesito una orden de restriccion contra mi ex"),
    ("violence", "me obligan a estar con hombres para pagar la deuda"),
    ("encounter", "la migra esta tocando la puerta"),
    ("encounter", "estan tokando bn fuerte i dicen k son polisia"),
    ("encounter", "ICE is outside my apartment right now"),
    ("encounter", "hay agentes en mi porche preguntando por mi hijo"),
    ("encounter", "quieren entrar a la casa y no traen papel de juez"),
    ("encounter", "border patrol got on the bus"),
    ("encounter", "me pararon ahorita y me piden los papeles"),
    ("encounter", "nos tienen sentados en el piso de la bodega"),
    ("encounter", "unos hombres con chaleco entraron a la cocina"),
    ("encounter", "the cops are behind me with flashing lights"),
    ("encounter", "me viene siguiendo una camioneta sin placas"),
    ("encounter", "CBSA came to the farm and they are asking everyone for permits"),
    ("encounter", "estamos escondidos en el baño"),
    ("children", "mis hijos se quedaron solos en la casa"),
    ("children", "el CPS se llevo a mis niños"),
    ("children", "my nephew crossed alone and he is in a shelter in Texas"),
    ("children", "me deportaron y mi hija se quedo con una vecina"),
    ("missing", "mi hermano cruzo por el desierto y no se ha comunicado"),
    ("missing", "mi ermano kruso i no apareze"),
    ("missing", "my sister never came home and nobody has seen her"),
    ("missing", "haven't heard from my son since he crossed"),
    ("detention", "se llevaron a mi esposo esta mañana"),
    ("detention", "detubieron a mi ija"),
    ("detention", "ICE took my dad when he left for work"),
    ("detention", "my cousin got picked up today"),
    ("detention", "lo agarro la migra saliendo del jale"),
    ("disaster", "se inundo la calle por el huracan"),
    ("disaster", "the wildfire is coming and they told us to evacuate"),
    ("disaster", "hay un tirador en la escuela"),
    ("disaster", "estoy atrapado en Israel por la guerra"),
]

HARMLESS = [
    "hola buenos dias",
    "disculpe la molestia, quiero una cita",
    "gracias, me quede mas tranquila",
    "como saco mi pasaporte",
    "mi acta de nacimiento no aparece en el sistema",
    "se me perdio la matricula",
    "que hago si un dia llega la migra a mi casa",
    "what do I do if ICE comes to my house",
    "can the police search my car without a warrant",
    "puede la migra entrar a mi trabajo sin orden",
    "que derechos tengo si me paran manejando",
    "do I have to open the door if agents knock",
    "por si me detienen, quiero dejar una carta para que cuiden a mis hijos",
    "no estoy detenido, solo quiero informacion",
    "nobody was arrested, I only want a talk for my church",
    "donde queda el consulado de Nevada",
    "a que hora abre el consulado, llevo tres dias marcando",
    "my child needs his shots for school",
    "I want to renew my passport before it expires",
    "como borro lo que escribi",
    "eres un robot",
    "quien gano el partido de los huracanes de carolina",
    "ice cream near me",
    "hay un simulacro de sismo hoy",
    "can someone pick up my passport for me",
    "cuanto cuesta la doble nacionalidad de mi hijo",
    "ya se fueron los agentes, solo quiero saber mis derechos",
    "do you tell ICE what I write here",
]


@pytest.fixture(scope="module")
def safety() -> Safety:
    return Safety.load(RULES)


def training(level: int) -> Iterator[str]:
    """The training sentences whose intent has a level."""
    for path in sorted((ROOT / "data" / "nlu").glob("*/*.yml")):
        for block in yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)["nlu"]:
            if levels()[block["intent"]] == level:
                yield from (line.removeprefix("- ") for line in block["examples"].splitlines() if line.strip())


def share(safety: Safety, *of: int) -> float:
    fired = [safety.look(text) is not None for level in of for text in training(level)]
    assert fired
    return sum(fired) / len(fired)


@pytest.mark.parametrize(("kind", "text"), DANGERS)
def test_a_clear_danger_is_level_one(safety: Safety, kind: str, text: str) -> None:
    danger = safety.look(text)
    assert danger is not None
    assert (danger.level, danger.kind) == (1, kind)


@pytest.mark.parametrize("kind", ["life", "encounter", "detention", "violence", "missing", "children", "disaster"])
def test_shouting_accents_and_punctuation_change_nothing(safety: Safety, kind: str) -> None:
    for text in [t for k, t in DANGERS if k == kind]:
        found = safety.look(f"¡¡{text.upper()}!!!")
        assert found is not None
        assert found.kind == kind


@pytest.mark.parametrize("text", HARMLESS)
def test_a_near_miss_is_left_alone(safety: Safety, text: str) -> None:
    assert safety.look(text) is None


def test_the_order_is_the_order_of_urgency(safety: Safety) -> None:
    assert [d.kind for d in safety.dangers] == [*KINDS, LAST]
    danger = safety.look("la migra esta afuera y mi esposo no puede respirar")
    assert danger is not None
    assert danger.kind == "life"


@pytest.mark.parametrize("kind", [*KINDS, None])
@pytest.mark.parametrize("language", ["es", "en"])
def test_first_aid_is_short_and_names_whom_to_call(safety: Safety, kind: str | None, language: str) -> None:
    raw = getattr(safety.first_aid(kind), language)
    said = raw.format(**NUMBERS)
    lines = said.strip().splitlines()
    assert 1 <= len(lines) <= 4
    assert all(0 < len(line) <= 70 for line in lines)
    assert "{ciam}" in raw
    assert NUMBERS["ciam"] in said
    if kind not in ("encounter", "detention"):
        assert "{us_911}" in raw
    assert ("{us_988}" in raw) is (kind == "suicide")
    assert "{" not in said


@pytest.mark.parametrize("language", ["es", "en"])
def test_first_aid_where_agents_are_is_silence_and_signing_nothing(safety: Safety, language: str) -> None:
    for kind in ("encounter", "detention"):
        said = getattr(safety.first_aid(kind), language).lower()
        assert ("no firme" if language == "es" else "sign nothing") in said


def test_harmless_training_sentences_are_rarely_raised(safety: Safety) -> None:
    assert share(safety, 0, 3) <= 0.02
    assert share(safety, 2) <= 0.04


def test_most_dangers_of_the_training_sentences_are_caught(safety: Safety) -> None:
    assert share(safety, 1) >= 0.6


HOSTILE = """
import re, sys
from pathlib import Path
import yaml
from bot.safety import Safety
path = Path(sys.argv[1])
safety = Safety.load(path)
words = sorted(set(re.findall("[a-z]{2,}", re.sub(r"\\\\\\\\[a-z]", " ", path.read_text("utf-8")))))
units = ["a", "a ", "ab", "- ", "estan ", "si ", "he ", "my ", "me ", "no ", "hay ", "they ", "ice is ", "esta mi ", "coyote "]
texts = [(unit * 20_000)[:20_000] for unit in units] + [(" ".join(words) * 4)[:20_000], (" ".join(words[::-1]) * 4)[:20_000]]
for text in texts:
    safety.look(text)
    for danger in safety.dangers:
        for pattern in danger.patterns + danger.unless:
            pattern.search(text)
print(len(texts))
"""


def test_hostile_text_does_not_hang() -> None:
    """No pattern takes longer than in proportion to the text: all of them, over 17 texts of 20,000 letters, end well within a minute."""
    done = subprocess.run([sys.executable, "-c", HOSTILE, str(RULES)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "17"
