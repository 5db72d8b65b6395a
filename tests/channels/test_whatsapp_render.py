"""A stored message as WhatsApp calls: every form within the API's limits, and never a mark that content could set."""

from __future__ import annotations

from typing import Any

import pytest

from bot.channels.whatsapp.render import calls, harmless, template
from bot.sender import Call, Rendered
from tests.channels.standins.whatsapp import choices, refused, shown


def say(key: str) -> str:
    return {"list_open": "Ver opciones", "list_more": "Más opciones:", "place_by_button": "También puede mandar su ubicación."}[key]


def buttons(count: int, title: str = "Opción número") -> list[dict[str, str]]:
    return [{"title": f"{title} {n}", "short": f"Opción {n}", "payload": f"p{n}"} for n in range(count)]


def made(text: str = "¿Qué necesita?", **more: Any) -> list[dict[str, Any]]:
    found = calls(Rendered(text, "es", **more), say)
    for call in found:
        for one in (call, call.plain):
            assert one is None or refused(as_sent(one)) is None, one
    return [call.body for call in found]


def as_sent(call: Call) -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "biz_opaque_callback_data": "x", **call.body}


def kinds(bodies: list[dict[str, Any]]) -> list[str]:
    return [b["interactive"]["type"] if b["type"] == "interactive" else b["type"] for b in bodies]


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, ["text"]), (1, ["button"]), (3, ["button"]), (4, ["list"]), (10, ["list"]), (11, ["list", "list"]), (25, ["list"] * 3)],
)
def test_buttons_where_they_fit_else_lists(count: int, expected: list[str]) -> None:
    bodies = made(buttons=buttons(count))

    assert kinds(bodies) == expected
    assert [p for b in bodies for p in choices(b).values()] == [f"p{n}" for n in range(count)]


def test_a_title_that_fits_is_whole_and_a_long_one_is_explained() -> None:
    (body,) = made(buttons=[*buttons(3), {"title": "Sí", "short": "Sí", "payload": "yes"}])
    rows = body["interactive"]["action"]["sections"][0]["rows"]
    (few,) = made(buttons=[{"title": "Qué hacer si tocan a mi puerta", "short": "Tocan a mi puerta", "payload": "a"}, *buttons(1, "No")])

    assert rows[0] == {"id": "p0", "title": "Opción número 0"}
    assert list(choices(few)) == ["Tocan a mi puerta", "No 0"]
    (long,) = made(buttons=[{"title": "Qué hacer si tocan a mi puerta", "short": "Tocan a mi puerta", "payload": "a"}, *buttons(3)])
    first = long["interactive"]["action"]["sections"][0]["rows"][0]
    assert first == {"id": "a", "title": "Tocan a mi puerta", "description": "Qué hacer si tocan a mi puerta"}


@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_titles_of_one_message_differ(count: int) -> None:
    (body,) = made(buttons=[{"title": "Un título de veinte", "short": "Un título de veinte", "payload": f"{n}"} for n in range(count)])

    assert len(choices(body)) == count


def test_a_long_text_goes_ahead_of_its_buttons() -> None:
    text = "\n\n".join(f"Párrafo {n}. " + "Palabras y más palabras. " * 12 for n in range(40))
    bodies = made(text, buttons=buttons(2))

    assert kinds(bodies) == [*["text"] * (len(bodies) - 1), "button"]
    assert len(bodies) >= 3
    assert "".join("".join(shown(b).split()) for b in bodies) == "".join(text.split())


def test_a_long_text_is_split_and_never_inside_a_link_or_number() -> None:
    link, number = "https://www.gob.mx/sre/" + "a" * 60, "+1 520 623 7874"
    text = " ".join(f"{'palabra ' * 9}{link} {number}" for _ in range(60))
    bodies = made(text)

    assert len(bodies) > 1
    assert sum(shown(b).count(link) for b in bodies) == 60
    assert sum(shown(b).count(number) for b in bodies) == 60


def test_a_place_a_picture_and_what_asks_for_a_place() -> None:
    place = {"lat": 32.2, "lon": -110.9, "name": "Consulado", "address": "3915 E Broadway"}

    assert kinds(made(location=place, buttons=buttons(2))) == ["button", "location"]
    assert kinds(made(image={"url": "https://x/card.png", "alt": "Tarjeta"})) == ["image"]
    assert kinds(made(image={"url": "https://x/card.png", "alt": "Tarjeta"}, buttons=buttons(1))) == ["image", "button"]
    assert kinds(made(asks_place=True)) == ["location_request_message"]
    assert kinds(made(asks_place=True, buttons=buttons(2))) == ["button", "location_request_message"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*fuerte* y _suave_", "∗fuerte∗ y ＿suave＿"),
        ("~no~ ```así```", "∼no∼ ˋˋˋasíˋˋˋ"),
        ("5 * 3 = 15 y 2 * 2", "5 * 3 = 15 y 2 * 2"),
        ("https://x.mx/a_b_c?_d=*e* fin", "https://x.mx/a_b_c?_d=*e* fin"),
        ("archivo_de_prueba", "archivo_de_prueba"),
        ("Hablo ___. Vivo en ___.", "Hablo ___. Vivo en ___."),
        ("*_los dos_*", "∗＿los dos＿∗"),
    ],
)
def test_content_sets_no_marks(text: str, expected: str) -> None:
    assert harmless(text) == expected


def test_the_template_says_nothing_of_what_waits() -> None:
    spanish, english = template("answer_waiting", "es"), template("answer_waiting", "en")

    assert spanish.body["template"]["language"] == {"code": "es_MX"}
    assert english.body["template"]["language"] == {"code": "en_US"}
    assert spanish.plain is not None
    assert spanish.plain.body["template"]["language"] == {"code": "en_US"}
