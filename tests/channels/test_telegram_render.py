"""Telegram's rendering: nothing breaks the markup, nothing is too long, the keyboard stands under the last text."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import InlineKeyboardMarkup, ReplyKeyboardMarkup, ReplyKeyboardRemove

from bot.channels.telegram.render import calls
from bot.sender import Call, Rendered
from tests.channels.standins.telegram import check

BUTTONS = [{"title": "Sí, <ahora> & ya", "short": "Sí", "payload": "p1"}, {"title": "No", "short": "No", "payload": "p2"}]


def rendered(text: str, **more: Any) -> list[Call]:
    made = calls(Rendered(text, "es", **more), lambda key: key)
    for call in made:
        check(as_telegram_names(call.method), {**call.body, "reply_markup": markup(call)})
    return made


def as_telegram_names(method: str) -> str:
    head, *rest = method.split("_")
    return head + "".join(word.capitalize() for word in rest)


def markup(call: Call) -> dict[str, Any] | None:
    found = call.body.get("reply_markup")
    return found.to_dict() if found else None


@pytest.mark.parametrize(
    "text",
    [
        "<b>negrita</b>",
        "a < b & c > d",
        "&amp; &#60; &lt;script&gt;",
        "*no* _es_ [esto](https://x.example) `marcado`",
        "</b>\n</i><a href='x'>",
        "'\"\\",
    ],
)
def test_content_breaks_no_markup(text: str) -> None:
    from tests.channels.standins.telegram import _without_markup

    (call,) = rendered(text)

    assert _without_markup(call.body["text"]) == text
    assert call.plain is not None
    assert call.plain.body["text"] == text


def test_what_to_do_stands_out() -> None:
    (call,) = rendered("No abra la puerta.\nDiga: <no>.")

    assert call.body["text"] == "<b>No abra la puerta.</b>\nDiga: &lt;no&gt;."
    (officer,) = rendered("Buenas tardes.\nSoy Ana.", author="agent")
    assert officer.body["text"] == "Buenas tardes.\nSoy Ana."


def test_a_long_text_is_split_and_the_keyboard_stands_under_the_last_part() -> None:
    made = rendered("\n\n".join(["una línea de texto " * 40] * 12), buttons=BUTTONS)

    assert len(made) == 3
    assert [isinstance(call.body["reply_markup"], InlineKeyboardMarkup) for call in made] == [False, False, True]


def test_buttons_have_their_full_titles_and_our_payloads() -> None:
    (call,) = rendered("¿Sí?", buttons=BUTTONS)

    assert markup(call) == {
        "inline_keyboard": [[{"text": "Sí, <ahora> & ya", "callback_data": "p1"}], [{"text": "No", "callback_data": "p2"}]]
    }


def test_a_place_is_shown_on_the_map() -> None:
    text, place = rendered("Le toca: Dallas.", location={"lat": 32.8, "lon": -96.8, "name": "Consulado", "address": "1210 River Bend"})

    assert text.method == "send_message"
    assert place.method == "send_venue"
    assert (place.body["title"], place.body["latitude"]) == ("Consulado", 32.8)
    assert rendered("Ahí.", location={"lat": 1.0, "lon": 2.0})[1].method == "send_location"


def test_a_picture_goes_with_its_words() -> None:
    (short,) = rendered("Su tarjeta.", image={"url": "https://o.example/card.png", "alt": "Tarjeta"}, buttons=BUTTONS)
    picture, text = rendered("x " * 900, image={"url": "https://o.example/card.png", "alt": "Tarjeta"}, buttons=BUTTONS)

    assert (short.method, short.body["caption"]) == ("send_photo", "Su tarjeta.")
    assert isinstance(short.body["reply_markup"], InlineKeyboardMarkup)
    assert (picture.body["caption"], picture.body["reply_markup"]) == ("Tarjeta", None)
    assert isinstance(text.body["reply_markup"], InlineKeyboardMarkup)


def test_a_question_for_a_place_offers_the_position_in_one_tap_and_takes_the_offer_away_again() -> None:
    _, offer = rendered("¿Dónde vive?", buttons=BUTTONS, asks_place=True)

    assert isinstance(offer.body["reply_markup"], ReplyKeyboardMarkup)
    assert offer.body["reply_markup"].keyboard[0][0].request_location
    assert offer.body["reply_markup"].one_time_keyboard
    assert isinstance(rendered("Le toca: Dallas.")[0].body["reply_markup"], ReplyKeyboardRemove)


@pytest.mark.parametrize(("text", "topic"), [("Su caso es el ABCD-1234.", None), ("Ya viene.", "human_handoff")])
def test_a_case_number_cannot_be_forwarded(text: str, topic: str | None) -> None:
    assert all(call.body["protect_content"] for call in rendered(text, topic=topic))
    assert "protect_content" not in rendered("Hola.", topic="greet")[0].body


def test_links_are_not_fetched_for_a_preview() -> None:
    assert rendered("https://example.org")[0].body["link_preview_options"].is_disabled
