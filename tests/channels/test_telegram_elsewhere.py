"""Groups, people who block the bot, and updates that nobody can understand."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from bot.store.schema import unread
from tests.channels.standins.telegram import TelegramStandIn
from tests.channels.telegram_world import ANA, GROUP, Run, Web


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel"])
def test_a_group_is_told_once_where_to_write_and_left(web: Run, api: TelegramStandIn, kind: str) -> None:
    def joined() -> dict[str, Any]:
        bot = {"id": 7000000, "is_bot": True, "first_name": "Orienta"}
        power = {"status": "administrator", "can_post_messages": True} if kind == "channel" else {"status": "member"}
        rights = [
            "can_be_edited",
            "is_anonymous",
            "can_manage_chat",
            "can_delete_messages",
            "can_manage_video_chats",
            "can_restrict_members",
        ]
        rights += [
            "can_promote_members",
            "can_change_info",
            "can_invite_users",
            "can_post_stories",
            "can_edit_stories",
            "can_delete_stories",
        ]
        all_rights = dict.fromkeys(rights, False) if kind == "channel" else {}
        return api.update(
            my_chat_member={
                "chat": {"id": GROUP, "type": kind, "title": "Paisanos"},
                "from": {"id": ANA, "is_bot": False, "first_name": "Ana", "language_code": "en"},
                "date": 1790000000,
                "old_chat_member": {"status": "left", "user": bot},
                "new_chat_member": {"user": bot, **power, **all_rights},
            }
        )

    async def doing(it: Web) -> None:
        api.chats.add(GROUP)
        await it.take(joined())
        await it.eventually(lambda: api.left)
        (notice,) = api.texts(GROUP)
        assert "https://t.me/orienta_standin_bot?start=help" in notice
        assert "in private" in notice
        said = {**api.message(ANA, text="/ayuda"), "chat": {"id": GROUP, "type": kind, "title": "Paisanos"}}
        await it.take(joined(), api.update(message=said))
        await it.eventually(lambda: len(api.left) == 3)
        assert len(api.texts(GROUP)) == 1
        assert it.conversations() == []

    web(doing)


def test_who_blocks_the_bot_cannot_be_reached_until_they_come_back(web: Run, api: TelegramStandIn) -> None:
    def member(status: str) -> dict[str, Any]:
        bot = {"id": 7000000, "is_bot": True, "first_name": "Orienta"}
        new: dict[str, Any] = {"user": bot, "status": status, **({"until_date": 0} if status == "kicked" else {})}
        return api.update(
            my_chat_member={
                "chat": {"id": ANA, "type": "private"},
                "from": {"id": ANA, "is_bot": False, "first_name": "Ana"},
                "date": 1790000000,
                "old_chat_member": {"status": "member", "user": bot},
                "new_chat_member": new,
            }
        )

    async def doing(it: Web) -> None:
        await it.says(ANA, "hola")
        await it.take(member("kicked"))
        assert it.conversations()[0].unreachable == "blocked"
        await it.take(member("member"))
        assert it.conversations()[0].unreachable is None

    web(doing)


@pytest.mark.parametrize(
    "odd",
    [
        {"update_id": 1},
        {"update_id": 2, "next_years_update": {}},
        {"update_id": 3, "message": {"text": "ohne id"}},
        {"body": "no json"},
        [],
        "x",
        None,
        7,
    ],
)
def test_what_nobody_can_understand_is_kept_and_hurts_nobody(web: Run, api: TelegramStandIn, odd: Any) -> None:
    async def doing(it: Web) -> None:
        await it.take(odd, odd)
        await it.says(ANA, "hola")
        with it.service.database.read() as c:
            (kept,) = c.execute(select(unread)).all()
        assert it.service.keys.open(kept.body, "unread:telegram") == odd
        assert it.texts() == ["hola"]

    web(doing)
