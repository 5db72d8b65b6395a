"""Supervisors: withdrawing and correcting what the assistant says, at once."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/content", include_in_schema=False)
