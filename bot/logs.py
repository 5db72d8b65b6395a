"""Log lines: what happened and where, never what a person wrote, who they are, or an exception's text."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Any

from bot.settings import ROOT


class _NoTexts(logging.Formatter):
    """Shows exceptions by type and place only: their texts may hold what a person wrote."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 (logging's name)
        kind: type[BaseException] = ei[0]
        trace: TracebackType | None = ei[2]
        places = []
        while trace is not None:
            code = trace.tb_frame.f_code
            if code.co_filename.startswith(str(ROOT)):
                places.append(f"{code.co_name}:{trace.tb_lineno}")
            trace = trace.tb_next
        return f"{kind.__name__} at {' > '.join(places[-4:])}"


def set_up(level: str) -> None:
    """Log to standard error, one line an event; libraries only from WARNING on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_NoTexts("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("httpx", "httpcore"):  # they tell addresses, and Telegram's hold the token
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("telegram").setLevel(logging.CRITICAL)  # it shows bodies that it cannot read
    logging.getLogger("orienta").setLevel(level)
