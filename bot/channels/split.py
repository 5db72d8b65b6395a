"""Long texts in pieces that a channel takes: at a paragraph, else a line, a sentence, a word; never inside a link or a number."""

from __future__ import annotations

import re
from collections.abc import Callable

_WHOLE = re.compile(r"https?://\S+|\S+@\S+|\+?\(?\d[\d\s().\-]{5,}\d")
"""Links and telephone numbers, which may hold blanks: of no use in two halves."""
_BREAKS = [re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?…;:])\s+"), re.compile(r"\s+")]
"""Where a text may end, the best first."""
_SHORTEST = 0.3
"""Share of the limit that a piece fills at least, before a worse kind of break is taken."""


def utf16(text: str) -> int:
    """Length in UTF-16 units, as Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split(text: str, limit: int, size: Callable[[str], int] = len) -> list[str]:
    """The text in pieces of at most `limit`, as `size` counts; nothing but white space at the breaks is left out."""
    pieces = []
    rest = text.strip()
    while size(rest) > limit:
        end = _fitting(rest, limit, size)
        cut = _cut(rest, end)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest or not pieces else pieces


def _fitting(text: str, limit: int, size: Callable[[str], int]) -> int:
    """How many characters fit."""
    low, high = 1, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle]) <= limit else (low, middle - 1)
    return low


def _cut(text: str, end: int) -> int:
    """Where to end a piece of at most `end` characters."""
    whole = [m.span() for m in _WHOLE.finditer(text, 0, min(len(text), 2 * end))]
    for number, kind in enumerate(_BREAKS):
        least = 1 if number == len(_BREAKS) - 1 else int(end * _SHORTEST)
        cuts = [m.start() for m in kind.finditer(text, 0, end + 1) if least <= m.start() <= end]
        outside = [cut for cut in cuts if not any(start < cut < stop for start, stop in whole)]
        if outside:
            return outside[-1]
    for start, stop in whole:  # one long line: at least a link or number that would fit stays whole
        if 0 < start < end < stop and stop - start <= end:
            return start
    return end
