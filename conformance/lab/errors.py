"""What can go wrong in the lab, in words for a person."""

from __future__ import annotations

__all__ = ["EngineStartError", "LabError"]


class LabError(Exception):
    """The lab cannot do what was asked. The message says what, why, and what to do."""


class EngineStartError(LabError):
    """An engine did not start; the message ends with the last lines of its log."""
