"""The web application: chat API, widget and pages, console, health, and the OpenAPI page. Nothing on any page comes from elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from swagger_ui_bundle import swagger_ui_path

from bot.channels.telegram import routes as telegram_webhook
from bot.channels.telegram.receiver import Receiver as TelegramReceiver
from bot.channels.web import files as chat_files
from bot.channels.web import routes as chat
from bot.channels.whatsapp import routes as whatsapp_webhook
from bot.channels.whatsapp.receiver import Receiver as WhatsAppReceiver
from bot.channels.whatsapp.receiver import is_on as whatsapp_is_on
from bot.console import app as console
from bot.settings import Settings
from bot.web import health, pages
from bot.web.service import Service

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds the headers that every answer carries."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)  # what a page says for itself stands
            await send(message)

        await self.app(scope, receive, send_with_headers)


def create_app(settings: Settings) -> FastAPI:
    """The application; its service starts and stops with it."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = app.state.service = Service(settings)
        app.state.telegram = telegram = TelegramReceiver(service) if settings.telegram_token else None
        app.state.whatsapp = whatsapp = WhatsAppReceiver(service) if whatsapp_is_on(settings) else None
        async with contextlib.AsyncExitStack() as running:
            await running.enter_async_context(service.running())
            for receiver in (telegram, whatsapp):
                if receiver:
                    await running.enter_async_context(receiver.running())
            yield

    app = FastAPI(title="Orienta", version="1", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.add_middleware(SecurityHeaders)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
        expose_headers=["Retry-After"],
        max_age=7200,
    )
    app.include_router(chat.router)
    app.include_router(telegram_webhook.router)
    app.include_router(whatsapp_webhook.router)
    app.include_router(chat_files.router)
    app.include_router(health.router)
    app.include_router(pages.router)
    console.mount(app)
    app.mount("/api/docs/assets", StaticFiles(directory=str(swagger_ui_path)), name="docs-assets")

    @app.exception_handler(chat.Refused)
    async def refused(request: Request, error: chat.Refused) -> Response:
        return chat.refusal(request, error)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return chat.refusal(request, chat.Refused(503, "unavailable", headers={"Retry-After": "2"}))

    @app.get("/api/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/api/openapi.json",
            title="Orienta API",
            swagger_js_url="/api/docs/assets/swagger-ui-bundle.js",
            swagger_css_url="/api/docs/assets/swagger-ui.css",
            swagger_favicon_url="/static/icon.svg",
        )

    return app
