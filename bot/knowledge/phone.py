"""Telephone numbers: E.164 in data, grouped on screen."""

from __future__ import annotations


def grouped(number: str) -> str:
    """A number as people read it: "+1 520-623-7874", "+52 55 3686 5100"; short codes stay as they are.

    Args:
        number: E.164 ("+15206237874") or a short code ("911").
    """
    if number.startswith("+1") and len(number) == 12:
        return f"+1 {number[2:5]}-{number[5:8]}-{number[8:]}"
    if number.startswith("+52") and len(number) == 13:
        return f"+52 {number[3:5]} {number[5:9]} {number[9:]}"
    return number
