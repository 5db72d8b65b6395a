from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.running import RunningService


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for the tests that do not hurt it."""
    running = RunningService(tmp_path_factory.mktemp("service")).start()
    yield running
    running.stop()
