"""segment: whoever enters or leaves a segment, as the refresh finds it; each change lets in once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from huitou.journeys.setting import Setting
from huitou.journeys.trigger import Candidate, Trigger, Window
from huitou.segments.queries import changes_of, members_of_segment

ENTERED, LEFT = "entered", "left"


def _find(settings: Mapping[str, Any], window: Window) -> Iterator[Sequence[Candidate]]:
    segment, wanted = settings["segment"], settings.get("change") or ENTERED
    if window.last_run is None:
        return
    if window.after_run is None:
        if wanted == ENTERED and settings.get("inside") == "enter":
            for batch in members_of_segment(segment):
                yield [
                    Candidate(person, window.upto, f"segment:inside:{person}", {"segment": segment})
                    for person in batch.column("person_id").to_pylist()
                ]
        return
    for batch in changes_of(segment, window.after_run or 0):
        yield [
            Candidate(
                row["person_id"],
                row["at"],
                f"segment:{row['run']}:{wanted}:{row['person_id']}",
                {"segment": segment},
            )
            for row in batch.to_pylist()
            if row["change"] == wanted and row["run"] <= window.last_run
        ]


def _tell(settings: Mapping[str, Any]) -> str:
    values = {"segment": settings.get("segment") or "?"}
    left = settings.get("change") == LEFT
    return (gettext("leaves %(segment)s") if left else gettext("enters %(segment)s")) % values


TRIGGER = Trigger(
    kind="segment",
    label=_("A segment changes"),
    help=_("Lets in who enters or leaves the segment at a refresh, once for each change."),
    icon="people",
    settings=(
        Setting("segment", "segment", _("Segment"), required=True),
        Setting(
            "change",
            "choice",
            _("Change"),
            default=ENTERED,
            choices=((ENTERED, _("enters")), (LEFT, _("leaves"))),
        ),
        Setting(
            "inside",
            "choice",
            _("Who is inside at the start"),
            default="skip",
            choices=(("skip", _("is left out")), ("enter", _("enters at the start"))),
            when=("change", (ENTERED,)),
        ),
    ),
    tell=_tell,
    find=_find,
)
