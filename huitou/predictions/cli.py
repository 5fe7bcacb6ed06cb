"""Every command of this app; each stands in its own room."""

from __future__ import annotations

from typing import Any

COMMANDS: dict[str, Any] = {}
