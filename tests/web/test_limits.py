from __future__ import annotations

import time

import pytest

from bot.web.limits import Limits, TooFast


def test_a_session_may_say_ten_things_at_once_and_then_one_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    its = Limits(on=True)
    for _ in range(10):
        its.message("1.2.3.4", "c1")

    with pytest.raises(TooFast) as refused:
        its.message("1.2.3.4", "c1")
    assert refused.value.retry_after == 1
    its.message("1.2.3.4", "c2")  # another session is not touched
    now += 1.0
    its.message("1.2.3.4", "c1")


def test_an_address_may_open_120_sessions_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    its = Limits(on=True)
    for _ in range(120):
        its.session("1.2.3.4")

    with pytest.raises(TooFast):
        its.session("1.2.3.4")
    its.session("1.2.3.5")
    now += 60.0
    its.session("1.2.3.4")


def test_limits_are_lifted_on_loopback_only() -> None:
    its = Limits(on=False)
    for _ in range(2_000):
        its.message("127.0.0.1", "c")
        its.session("127.0.0.1")
    for _ in range(10):
        its.message("1.2.3.4", "c")
    with pytest.raises(TooFast):
        its.message("1.2.3.4", "c")
