"""What becomes of updates in the store: each once, whatever its kind, however often and from wherever it comes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bot.store import claims, inbox
from bot.store.inbox import Outgoing
from bot.store.schema import conversation, delivery, file
from tests.channels.standins.telegram import TOKEN, Fault, Refusal, TelegramStandIn
from tests.channels.telegram_world import ANA, BETO, Run, Web


def test_a_repeated_update_is_one_message_also_at_the_same_moment(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        said = api.update(message=api.message(ANA, text="quiero un pasaporte"))
        await asyncio.gather(*(it.receiver.take(said) for _ in range(10)))
        await it.take(said)
        assert it.texts() == ["quiero un pasaporte"]
        assert len(it.conversations()) == 1

    web(doing)


def test_a_repetition_after_the_answer_is_not_answered_again(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        said = await it.says(ANA, "hola")
        await it.answer("Hola.")
        await it.take(said)
        assert it.one()["answered_at"] is not None

    web(doing)


def test_people_have_conversations_of_their_own_and_their_apps_language_for_a_start(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        await it.says(ANA, "hola", language="en-US")
        await it.says(BETO, "hola", language="fr")
        await it.says(ANA, "otra vez")
        found = {row.id: row.language for row in it.conversations()}
        assert sorted(found.values()) == ["en", "es"]
        assert it.rows()[0]["conversation_id"] == it.rows()[2]["conversation_id"]

    web(doing)


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("/start", "topic:greet"),
        ("/start documents", "topic:documents"),
        ("/start documents-passport", "topic:documents/passport"),
        ("/start no_such_topic", "topic:greet"),
        ("/start <script>", "topic:greet"),
        ("/ayuda", "topic:help"),
        ("/help@orienta_standin_bot", "topic:help"),
        ("/HUMANO", "human:"),
        ("/borrar", "erase:"),
        ("/idioma", "language:en"),
        ("/unknown", None),
        ("/ayuda se llevaron a mi hijo", None),
        ("mi pasaporte", None),
    ],
)
def test_commands_mean_what_the_menu_says(web: Run, api: TelegramStandIn, text: str, action: str | None) -> None:
    async def doing(it: Web) -> None:
        await it.says(ANA, text)
        assert it.one().get("action") == action

    web(doing)


def test_the_language_command_turns_to_the_other_one(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        await it.says(ANA, "/idioma", language="en")
        assert it.one()["action"] == "language:es"

    web(doing)


def test_danger_is_seen_at_once_also_behind_a_command(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        await it.says(ANA, "/ayuda la migra está tocando la puerta")
        assert it.one()["level"] == 1

    web(doing)


@pytest.mark.parametrize(
    "content",
    [
        {"location": {"latitude": 32.7767, "longitude": -96.797}},
        {"location": {"latitude": 32.7767, "longitude": -96.797, "live_period": 900}},
        {
            "venue": {"location": {"latitude": 32.7767, "longitude": -96.797}, "title": "Consulado", "address": "River Bend"},
            "location": {"latitude": 32.7767, "longitude": -96.797},
        },
    ],
)
def test_a_place_is_a_position(web: Run, api: TelegramStandIn, content: dict[str, Any]) -> None:
    async def doing(it: Web) -> None:
        said = api.message(ANA, **content)
        await it.take(api.update(message=said))
        moved = {**said, "location": {**said["location"], "latitude": 40.0}, "edit_date": 1790000009}
        await it.take(api.update(edited_message=moved))
        assert it.one()["location"] == {"lat": 32.7767, "lon": -96.797}

    web(doing)


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ({"voice": {"file_id": "v1", "file_unique_id": "u", "duration": 3, "mime_type": "audio/ogg", "file_size": 9000}}, "audio/ogg", ""),
        ({"audio": {"file_id": "a1", "file_unique_id": "u", "duration": 3}}, "audio/mpeg", ""),
        (
            {"document": {"file_id": "d1", "file_unique_id": "u", "mime_type": "application/pdf"}, "caption": "mi visa"},
            "application/pdf",
            "mi visa",
        ),
        (
            {"video": {"file_id": "x", "file_unique_id": "u", "width": 1, "height": 1, "duration": 1}, "caption": "así fue"},
            "video/mp4",
            "así fue",
        ),
        (
            {
                "photo": [
                    {"file_id": "small", "file_unique_id": "a", "width": 90, "height": 90},
                    {"file_id": "large", "file_unique_id": "b", "width": 900, "height": 900, "file_size": 50_000},
                ]
            },
            "image/jpeg",
            "",
        ),
    ],
)
def test_a_file_is_kept_by_where_it_is(web: Run, api: TelegramStandIn, content: dict[str, Any], kind: str, text: str) -> None:
    async def doing(it: Web) -> None:
        await it.take(api.update(message=api.message(ANA, **content)))
        row = it.one()
        assert (row["file"]["kind"], row["text"]) == (kind, text)
        with it.service.database.read() as c:
            kept = c.execute(select(file)).one()
        assert (kept.id, kept.seq, kept.body) == (row["file"]["id"], row["seq"], None)
        remote = it.service.keys.open(kept.remote, f"file:{kept.id}")
        assert remote["file_id"] in ("v1", "a1", "d1", "x", "large")

    web(doing)


def test_somebodys_number_is_in_no_text(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        contact = {"phone_number": "+15205550142", "first_name": "Tía;", "last_name": "Lupe", "user_id": 5}
        await it.take(api.update(message=api.message(ANA, contact=contact)))
        row = it.one()
        assert (row["text"], row["action"]) == ("Contacto compartido", "contact:")
        with it.service.database.read() as c:
            kept = c.execute(select(file)).one()
        card = (await it.receiver.channel.fetch(it.service.keys.open(kept.remote, f"file:{kept.id}"))).decode()
        assert "TEL:+15205550142" in card
        assert "FN:Tía  Lupe" in card

    web(doing)


@pytest.mark.parametrize(
    "content",
    [
        {
            "sticker": {
                "file_id": "s",
                "file_unique_id": "u",
                "type": "regular",
                "width": 1,
                "height": 1,
                "is_animated": False,
                "is_video": False,
            }
        },
        {"dice": {"emoji": "🎲", "value": 3}},
        {"a_kind_of_next_year": {"x": 1}},
    ],
)
def test_what_nobody_can_read_is_said_so(web: Run, api: TelegramStandIn, content: dict[str, Any]) -> None:
    async def doing(it: Web) -> None:
        await it.take(api.update(message=api.message(ANA, **content)))
        assert it.one()["action"] == "unreadable:"

    web(doing)


@pytest.mark.parametrize(
    "content",
    [
        {"pinned_message": {"message_id": 5, "date": 0, "chat": {"id": ANA, "type": "private"}}},
        {"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}},
        {"text": "de un bot", "from": {"id": 5, "is_bot": True, "first_name": "Bot"}},
    ],
)
def test_notices_and_bots_get_no_answer(web: Run, api: TelegramStandIn, content: dict[str, Any]) -> None:
    async def doing(it: Web) -> None:
        await it.take(api.update(message={**api.message(ANA), **content}))
        assert it.rows() == []
        assert it.conversations() == []

    web(doing)


def test_pictures_sent_together_are_answered_once_and_all_kept(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        for number in range(3):
            photo = [{"file_id": f"p{number}", "file_unique_id": f"u{number}", "width": 9, "height": 9}]
            more = {"caption": "mis papeles"} if number == 0 else {}
            await it.take(api.update(message=api.message(ANA, photo=photo, media_group_id="77", **more)))
        assert [row["answered_at"] is None for row in it.rows()] == [True, False, False]
        with it.service.database.read() as c:
            assert c.execute(select(func.count()).select_from(file)).scalar_one() == 3

    web(doing)


def test_a_correction_before_the_answer_takes_the_place_of_the_text(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        said = await it.says(ANA, "quiero un pasaporte")
        held = await it.service.writer.write(lambda c: claims.claim(c, it.service.keys, "w", 4e9, 60.0))
        assert held is not None
        await it.take(api.update(edited_message={**said["message"], "text": "la migra está en mi puerta", "edit_date": 1790000001}))
        assert (it.one()["text"], it.one()["level"]) == ("la migra está en mi puerta", 1)
        turn = claims.Turn("es", False, 0, "es", 3, "documents", None, [Outgoing("tarde")], {"slots": {}, "loop": None})
        with pytest.raises(claims.ClaimLost):  # what was thought about the former words is not said
            await it.service.writer.write(lambda c: claims.commit(c, it.service.keys, held, turn, "w", 4e9, 60.0))
        again = await it.service.writer.write(lambda c: claims.claim(c, it.service.keys, "w", 4e9, 60.0))
        assert again is not None
        assert (again.message.text, again.attempts) == ("la migra está en mi puerta", 0)

    web(doing)


def test_a_correction_after_the_answer_stands_beside_it(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        said = await it.says(ANA, "quiero un pasaporte")
        await it.answer("Así.")
        await it.take(api.update(edited_message={**said["message"], "text": "quiero una visa", "edit_date": 1790000001}))
        row = it.one()
        assert (row["text"], row["edited"]) == ("quiero un pasaporte", "quiero una visa")
        assert row["answered_at"] is not None

    web(doing)


def test_a_correction_of_something_unknown_is_nothing(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        await it.take(api.update(edited_message={**api.message(ANA, text="viejo"), "edit_date": 1790000001}))
        assert it.rows() == []

    web(doing)


def test_a_pressed_button_means_what_was_offered_and_its_spinner_ends(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        await it.says(ANA, "hola")
        await it.answer(
            "¿Qué?", buttons=[{"title": "Pasaporte", "short": "Pasaporte", "payload": "p1", "action": "topic:documents/passport"}]
        )
        press = api.update(callback_query={"id": "q1", "from": api.message(ANA)["from"], "chat_instance": "1", "data": "p1"})
        await it.take(press, press)
        assert [(row["text"], row.get("action")) for row in it.rows()][1:] == [("Pasaporte", "topic:documents/passport")]
        await it.eventually(lambda: {"callback_query_id": "q1"} in api.named("answerCallbackQuery"))

    web(doing)


def test_a_button_that_was_never_offered_is_answered_by_a_word_on_the_spot(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        press = {"id": "q2", "from": api.message(ANA)["from"], "chat_instance": "1", "data": "invented"}
        await it.take(api.update(callback_query=press))
        (told,) = await it.eventually(lambda: api.named("answerCallbackQuery"))
        assert "ya no sirve" in told["text"]
        assert it.conversations() == []

    web(doing)


def test_a_press_that_is_too_old_to_be_answered_counts_all_the_same(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        await it.says(ANA, "hola")
        await it.answer("¿Qué?", buttons=[{"title": "Ayuda", "short": "Ayuda", "payload": "p1", "action": "topic:help"}])
        api.faults["answerCallbackQuery"].append(Fault(Refusal(400, "Bad Request: query is too old and response timeout expired")))
        press = {"id": "q3", "from": api.message(ANA)["from"], "chat_instance": "1", "data": "p1"}
        await it.take(api.update(callback_query=press))
        assert it.texts() == ["hola", "Ayuda"]

    web(doing)


def test_somebody_types_while_the_assistant_thinks(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        await it.says(ANA, "hola")
        await it.eventually(lambda: api.named("sendChatAction"))
        assert api.named("sendChatAction")[0] == {"chat_id": str(ANA), "action": "typing"}

    web(doing)


def test_nobody_types_while_an_officer_has_the_conversation(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        await it.says(ANA, "hola")
        await it.answer("Hola.")
        await it.service.writer.write(lambda c: c.execute(update(conversation).values(holder="human")))
        heard = len(api.named("sendChatAction"))
        await it.says(ANA, "¿hay alguien?")
        await asyncio.gather(*it.receiver._asides)
        assert len(api.named("sendChatAction")) == heard

    web(doing)


def test_answers_go_out_in_order_and_are_settled(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        await it.says(ANA, "uno")
        await it.says(ANA, "dos")
        api.faults["sendMessage"] += [
            Fault(Refusal(429, "Too Many Requests", retry_after=0.2)),
            Fault(Refusal(500, "Internal Server Error")),
        ]
        await it.answer("primero", "segundo")
        await it.answer("tercero")
        await it.eventually(lambda: len(api.texts(ANA)) == 3)
        assert api.texts(ANA) == ["primero", "segundo", "tercero"]

        def settled() -> bool:
            with it.service.database.read() as c:
                return {row.state for row in c.execute(select(delivery.c.state))} == {"sent"}

        await it.eventually(settled)

    web(doing)


def test_nothing_of_a_person_stands_readable_in_any_file(web: Run, api: TelegramStandIn, tmp_path: Path) -> None:
    async def doing(it: Web) -> None:
        await it.says(ANA, "me llamo Quetzalcoatl")
        await it.answer("Hola.")
        await it.eventually(lambda: api.texts(ANA))
        it.service.database.forget_traces()
        content = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
        assert len(content) > 4096
        for secret in (str(ANA).encode(), b"Quetzalcoatl", b"Zenaida", TOKEN.encode()):
            assert secret not in content

    web(doing)


def test_the_helpers_of_the_store_know_what_is_known(web: Run, api: TelegramStandIn) -> None:
    async def doing(it: Web) -> None:
        await it.says(ANA, "hola")
        row = it.one()
        with it.service.database.read() as c:
            assert inbox.is_known(c, row["external_hash"])
            assert inbox.has(c, row["conversation_id"], row["id"])
            assert not inbox.has(c, row["conversation_id"], "another")

    web(doing)
