"""Every command of this app; each stands in its own room."""

from __future__ import annotations

from typing import Any

from huitou.predictions.items.cli import items
from huitou.predictions.ordering.cli import predict_app
from huitou.predictions.recommending.cli import COMMANDS as RECOMMENDING
from huitou.predictions.text.cli import COMMANDS as TEXT

predict_app.command("items")(items)

COMMANDS: dict[str, Any] = {"predict": predict_app, **RECOMMENDING, **TEXT}
