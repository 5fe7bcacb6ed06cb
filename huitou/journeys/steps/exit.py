"""exit: the way ends here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from huitou.journeys.setting import Setting
from huitou.journeys.step import Arrival, Leave, Outcome, Step, StepContext

DEFAULT = "finished"


def _run(context: StepContext, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
    return [Leave(context.settings.get("reason") or DEFAULT)] * len(arrivals)


def _tell(settings: Mapping[str, Any]) -> str:
    return str(settings.get("reason") or _("finished"))


STEP = Step(
    kind="exit",
    label=_("End"),
    help=_("The customer leaves the journey here."),
    icon="flag",
    settings=(Setting("reason", "code", _("Reason"), _("A short name for the counts; empty: finished."), default=""),),
    run=_run,
    outlets=lambda _settings: [],
    tell=_tell,
)
