"""`make consulate`: one JSON object for one place, or one a line for places on standard input."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys

from bot.places.resolve import DEFAULT_PATH, Places


def main() -> None:
    """Reads --place, else the environment's PLACE, else one place a line from standard input; writes in their order, UTF-8."""
    parser = argparse.ArgumentParser(prog="python -m bot.places", description=main.__doc__)
    parser.add_argument("--place", default=os.environ.get("PLACE"))
    place = parser.parse_args().place
    if not DEFAULT_PATH.exists():
        from bot.places.build import build

        build()
    places = Places.load()
    out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", errors="replace", newline="\n", line_buffering=True)
    lines = [place] if place else io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace", newline="\n")
    for line in lines:
        out.write(json.dumps(places.resolve(line.rstrip("\r\n")).as_json(), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
