"""The web process: `python -m bot.web FD` serves on a listening socket that the supervisor has opened.

The socket outlives this process: while a new one starts, connections wait instead of being refused.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

import uvicorn

from bot.logs import set_up
from bot.process import begin
from bot.settings import Settings
from bot.web.app import create_app


def main() -> None:
    begin("orienta web")
    settings = Settings()
    set_up(settings.log_level)
    listening = socket.socket(fileno=int(sys.argv[1]))
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=2,
        limit_concurrency=None,
    )
    server = uvicorn.Server(config)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor, which stops us in order
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]

    async def serve() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: setattr(server, "should_exit", True))
        await server._serve([listening])  # `serve` would take over SIGINT

    asyncio.run(serve())


if __name__ == "__main__":
    main()
