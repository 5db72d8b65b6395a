"""A form that nobody goes on with: at level 1 it is a case all the same, with what there is; else it ends quietly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select, update

from bot.cases import desk, resume, steps
from bot.intake import Progress
from bot.knowledge.render import Renderer, payload_for
from bot.outcome import SayPhrase
from bot.store import claims, holder
from bot.store.schema import conversation, message, tracker
from bot.taxonomy import levels

if TYPE_CHECKING:
    from bot.store.timers import Due
    from bot.timers import Effect
    from bot.web.service import Service

MINUTE = 60.0


def abandoned(its: Service, timer: Due, now: float) -> Effect:
    """The timer of an open form has run out."""
    here = timer.conversation_id or ""

    def effect(c: Connection) -> float | None:
        talk = c.execute(select(conversation).where(conversation.c.id == here)).first()
        body = c.execute(select(tracker.c.body).where(tracker.c.conversation_id == here)).scalar()
        if talk is None or body is None or talk.holder != "bot":
            return None
        last = (
            c.execute(select(func.max(message.c.at)).where(message.c.conversation_id == here, message.c.author == "user")).scalar() or 0.0
        )
        late = float(last) + its.settings.abandon_minutes * MINUTE
        if now < late:
            return late
        state = its.keys.open(body, f"tracker:{here}")
        progress = Progress.of(state["slots"].get("intake"))
        if state["loop"] is None or progress is None:
            return None
        told = state["slots"].get("told") or {}
        state["loop"] = None
        state["slots"] = {k: v for k, v in state["slots"].items() if k not in ("requested_slot", "intake", "told")}
        c.execute(update(tracker).where(tracker.c.conversation_id == here).values(body=its.keys.seal(state, f"tracker:{here}")))
        holder.raise_fence(c, here)
        if levels().get(progress.form) == 1 and resume.open_case_of(c, here) is None:
            _open(c, progress, str(told.get("text", "")), talk.language, talk.channel)
        return None

    def _open(c: Connection, progress: Progress, summary: str, language: str, channel: str) -> None:
        content = its.live.current
        renderer = Renderer(content.knowledge, content.consulates, "en" if language == "en" else "es", payload_for(its.keys, here))
        number = claims.case_number(here, progress.began)
        opened = claims.new_case(content.intake.case(progress, summary, incomplete=True))
        desk.open_case(c, its.keys, here, claims.case_id(here, progress.began), number, opened, renderer.language, channel, now)
        said = renderer.phrase(SayPhrase("intake_abandoned", {"number": number}, ["human"]))
        steps.say(c, its.keys, here, [said], now, "bot")

    return effect
