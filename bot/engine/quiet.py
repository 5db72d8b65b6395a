"""Rasa prints message texts to standard output and into logs; here it is made silent before it is imported.

A test holds that no text of a person reaches any output while the engine works.
"""

from __future__ import annotations

import logging
import warnings

import structlog


def silence() -> None:
    """Configure structlog and the loggers of Rasa and its libraries so that nothing below CRITICAL is written."""
    structlog.configure(
        processors=[lambda logger, name, event: (_ for _ in ()).throw(structlog.DropEvent)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        cache_logger_on_first_use=False,
    )
    for name in ("rasa", "rasa_sdk", "apscheduler", "asyncio", "matplotlib"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"rasa\.")
