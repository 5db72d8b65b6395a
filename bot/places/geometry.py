"""The counties' map: decode it, find the county of a point, find neighbours, measure distances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import asin, cos, radians, sin, sqrt
from typing import Any

# A ring is a closed list of longitudes and latitudes by turns: [x0, y0, x1, y1, ...], degrees.
Ring = Sequence[float]
Bounds = tuple[float, float, float, float]


def decode_topology(topology: dict[str, Any]) -> dict[str, list[list[tuple[int, int]]]]:
    """The rings of each county in the map's own whole numbers.

    Args:
        topology: a TopoJSON object with a quantised collection "counties" (https://github.com/topojson/topojson-specification).

    Returns:
        FIPS code to its rings, holes among them (crossing counts need no difference), each a list of (x, y).
    """
    arcs: list[list[tuple[int, int]]] = []
    for deltas in topology["arcs"]:
        x = y = 0
        arc = []
        for dx, dy in deltas:
            x, y = x + dx, y + dy
            arc.append((x, y))
        arcs.append(arc)

    def ring(numbers: Iterable[int]) -> list[tuple[int, int]]:
        points: list[tuple[int, int]] = []
        for number in numbers:
            arc = arcs[number] if number >= 0 else arcs[~number][::-1]
            points.extend(arc[1:] if points else arc)
        return points

    counties: dict[str, list[list[tuple[int, int]]]] = defaultdict(list)
    for shape in topology["objects"]["counties"]["geometries"]:
        polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]] if "arcs" in shape else []
        counties[shape["id"]] += [ring(numbers) for polygon in polygons for numbers in polygon]
    return dict(counties)


def neighbours(counties: dict[str, list[list[tuple[int, int]]]]) -> dict[str, set[str]]:
    """Counties that touch, if only at a corner: those that share a point of the map."""
    at_point: dict[tuple[int, int], set[str]] = defaultdict(set)
    for fips, rings in counties.items():
        for points in rings:
            for point in points:
                at_point[point].add(fips)
    beside: dict[str, set[str]] = {fips: set() for fips in counties}
    for group in at_point.values():
        for fips in group:
            beside[fips] |= group - {fips}
    return beside


def contains(rings: Iterable[Ring], x: float, y: float) -> bool:
    """Whether a point lies in the area of the rings (even-odd rule, so that holes are left out)."""
    inside = False
    for ring in rings:
        x1, y1 = ring[-2], ring[-1]
        for i in range(0, len(ring), 2):
            x2, y2 = ring[i], ring[i + 1]
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                inside = not inside
            x1, y1 = x2, y2
    return inside


def bounds(rings: Iterable[Ring]) -> Bounds:
    """West, south, east, north of all rings."""
    xs = [x for ring in rings for x in ring[0::2]]
    ys = [y for ring in rings for y in ring[1::2]]
    return min(xs), min(ys), max(xs), max(ys)


def centre(rings: Iterable[Ring]) -> tuple[float, float]:
    """(lat, lon) of the centroid of the largest ring; of its points when it has no area (a speck of an island)."""

    def crosses(ring: Ring) -> list[float]:
        return [ring[i] * ring[i + 3] - ring[i + 2] * ring[i + 1] for i in range(0, len(ring) - 2, 2)]

    ring = max(rings, key=lambda r: abs(sum(crosses(r))))
    weights = crosses(ring)
    if abs(sum(weights)) < 1e-6:
        return sum(ring[1::2]) / (len(ring) // 2), sum(ring[0::2]) / (len(ring) // 2)
    x = sum(w * (ring[2 * i] + ring[2 * i + 2]) for i, w in enumerate(weights)) / 3 / sum(weights)
    y = sum(w * (ring[2 * i + 1] + ring[2 * i + 3]) for i, w in enumerate(weights)) / 3 / sum(weights)
    return y, x


def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance in kilometres between two points in degrees."""
    p1, p2 = radians(lat1), radians(lat2)
    h = sin((p2 - p1) / 2) ** 2 + cos(p1) * cos(p2) * sin(radians(lon2 - lon1) / 2) ** 2
    return 12742 * asin(min(1.0, sqrt(h)))
