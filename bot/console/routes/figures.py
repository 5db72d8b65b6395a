"""The dashboard: figures as charts with their findings, their data and a CSV of each."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from bot.cases.figures import Figures, Spread, figures
from bot.console import audit, views
from bot.console.charts import Bar, Chart, bars, week
from bot.console.routes.common import AtDesk, Desk, Problem, span
from bot.console.texts import say

router = APIRouter(prefix="/figures")

Words = Callable[..., str]

DAYS = (1, 7, 30, 90)
"""Spans that can be asked for."""
TOP = 10
"""Topics that the chart shows; the table has all."""
STALE_SHOWN = 30


def _asked(request: Request) -> int:
    given = request.query_params.get("days", "")
    return int(given) if given in map(str, DAYS) else 7


def _zone(desk: Desk) -> ZoneInfo:
    """The zone of the officer's first consulate, else Mexico City's."""
    own = sorted(desk.scope.consulates or ())
    post = desk.content.consulates.get(own[0]) if own else None
    return ZoneInfo(post.timezone if post else "America/Mexico_City")


@router.get("", include_in_schema=False)
async def page(request: Request, desk: AtDesk) -> HTMLResponse:
    """All charts of a span of days."""
    days = _asked(request)
    found = _counted(desk, days)
    stale = sorted(desk.content.knowledge.warnings)
    return desk.page(
        "figures.html",
        figures=found,
        charts=_charts(desk, found),
        days=days,
        spans=DAYS,
        zone=str(_zone(desk)),
        alone=_share(found.alone, found.conversations),
        misunderstood=_share(found.misunderstood, found.answered),
        helped=_share(found.helped, found.rated),
        stale=stale[:STALE_SHOWN],
        stale_count=len(stale),
    )


@router.get("/{name}.csv", include_in_schema=False)
async def as_csv(request: Request, name: str, desk: AtDesk) -> Response:
    """The data of one chart."""
    days = _asked(request)
    chart = next((chart for chart in _charts(desk, _counted(desk, days)) if chart.id == name), None)
    if chart is None:
        raise Problem("no_such_page", 404)
    await desk.its.writer.write(lambda c: audit.record(c, desk.officer.id, "figures_exported", name, f"{days} d", time.time()))
    text = io.StringIO()
    csv.writer(text).writerows([chart.columns, *chart.rows])
    headers = {"Content-Disposition": f'attachment; filename="orienta-{name}-{days}d.csv"', "Cache-Control": "no-store"}
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _counted(desk: Desk, days: int) -> Figures:
    with desk.its.database.read() as c:
        return figures(c, time.time() - days * 86_400, desk.scope, _zone(desk))


def _share(part: int, whole: int) -> int | None:
    return round(100 * part / whole) if whole else None


def _charts(desk: Desk, found: Figures) -> list[Chart]:
    t = partial(say, language=desk.officer.language)
    spoken = partial(span, language=desk.officer.language)
    levels = {n: t(f"level_{n}") for n in (1, 2, 3, 0)}
    return [
        _times("wait", found.wait, levels, t, spoken),
        _times("resolution", found.resolution, levels, t, spoken),
        _counts("topics", {views.topic_title(desk.content, k, desk.officer.language): n for k, n in found.topics.items()}, t),
        _counts("levels", {levels.get(k, str(k)): n for k, n in found.levels.items()}, t),
        _counts("languages", {t(f"lang_{k}"): n for k, n in found.languages.items()}, t),
        _counts("channels", {t(f"channel_{k}"): n for k, n in found.channels.items()}, t),
        _counts("states", {t(f"state_{k}"): n for k, n in found.states.items()}, t),
        _week(found.hours, t),
    ]


def _times(name: str, spreads: Mapping[int, Spread], levels: Mapping[int, str], t: Words, spoken: Callable[[float | None], str]) -> Chart:
    known = [(levels.get(level, str(level)), s) for level, s in spreads.items() if s.median is not None and s.p90 is not None]
    columns = [t("column_level"), t("column_cases"), t("column_median"), t("column_p90")]
    rows: list[list[str | int | float]] = [[label, s.count, s.median or 0.0, s.p90 or 0.0] for label, s in known]
    if not known:
        return Chart(name, t(f"chart_{name}_none"), "", "", columns, [])
    label, first = known[0]
    told = {"level": label, "median": spoken(first.median), "p90": spoken(first.p90)}
    summary = "; ".join(f"{label}: {spoken(s.median)}, 90 %: {spoken(s.p90)}" for label, s in known)
    drawn = bars(summary, [Bar(label, s.median or 0, f"{spoken(s.median)} · {spoken(s.p90)}", s.p90) for label, s in known])
    return Chart(name, t(f"chart_{name}", **told), summary, drawn, columns, rows)


def _counts(name: str, counted: Mapping[str, int], t: Words) -> Chart:
    columns = [t(f"column_{name}"), t("column_cases")]
    rows: list[list[Any]] = [[label, n] for label, n in counted.items()]
    if not counted:
        return Chart(name, t(f"chart_{name}_none"), "", "", columns, [])
    most = max(counted, key=lambda label: counted[label])
    share = _share(counted[most], sum(counted.values()))
    summary = "; ".join(f"{label}: {n}" for label, n in list(counted.items())[:TOP])
    drawn = bars(summary, [Bar(label, n, str(n)) for label, n in list(counted.items())[:TOP]])
    return Chart(name, t(f"chart_{name}", most=most, share=str(share)), summary, drawn, columns, rows)


def _week(hours: Mapping[tuple[int, int], int], t: Words) -> Chart:
    days = [t(f"short_day_{n}") for n in range(7)]
    columns = [t("column_day"), t("column_hour"), t("column_messages")]
    rows: list[list[str | int | float]] = [[days[day], hour, n] for (day, hour), n in sorted(hours.items())]
    if not hours:
        return Chart("hours", t("chart_hours_none"), "", "", columns, [])
    day, hour = max(hours, key=lambda at: hours[at])
    title = t("chart_hours", day=t(f"day_{day}"), hour=f"{hour}:00")
    return Chart("hours", title, t("chart_hours_summary", n=str(sum(hours.values()))), week(title, hours, days), columns, rows)
