"""event: whoever does something enters, from the instant at which they did it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from huitou.journeys.event_words import tell_event
from huitou.journeys.setting import Setting
from huitou.journeys.trigger import Trigger

# An event that arrives later than this, such as one of an old file, lets nobody in.
LATEST = "3d"


def _tell(settings: Mapping[str, Any]) -> str:
    return tell_event(settings.get("event") or "?", settings.get("where"))


TRIGGER = Trigger(
    kind="event",
    label=_("Something a customer does"),
    help=_("Each such event lets its customer in, as often as the rule for entering again allows."),
    icon="bolt",
    settings=(
        Setting("event", "event", _("Event"), required=True),
        Setting("where", "filter", _("Only if")),
        Setting("late", "duration", _("Arriving at most so late"), _("Older events let nobody in; empty: 3 days.")),
    ),
    tell=_tell,
    events=lambda settings: (settings["event"],) if settings.get("event") else (),
)
