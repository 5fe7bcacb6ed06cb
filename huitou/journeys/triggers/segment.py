"""segment: whoever enters or leaves a segment, as the refresh finds it; each change lets in once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from huitou.journeys.setting import Setting
from huitou.journeys.trigger import Candidate, Trigger, Window
from huitou.segments.layering import shown
from huitou.segments.queries import changes_of, compared_runs, find_segment, members_of_segment, read_where

ENTERED, LEFT = "entered", "left"


def _find(settings: Mapping[str, Any], window: Window) -> Iterator[Sequence[Candidate]]:
    segment, wanted = settings["segment"], settings.get("change") or ENTERED
    # Of a segment in the archive everybody leaves at once: the launch stands still instead.
    read_where({"segment": segment})
    if window.last_run is None:
        return
    from_inside = wanted == ENTERED and settings.get("inside") == "enter"
    if window.after_run is None:
        if from_inside:
            for batch in members_of_segment(segment):
                yield [_inside(segment, person, window.upto) for person in batch.column("person_id").to_pylist()]
        return
    compared = compared_runs(segment, window.after_run)
    for batch in changes_of(segment, window.after_run):
        found = []
        for row in batch.to_pylist():
            if row["change"] != wanted or row["run"] > window.last_run:
                continue
            if row["run"] in compared:
                key = f"segment:{row['run']}:{wanted}:{row['person_id']}"
                found.append(Candidate(row["person_id"], row["at"], key, {"segment": segment}))
            elif from_inside:
                found.append(_inside(segment, row["person_id"], row["at"]))
        yield found


def _inside(segment: str, person: int, at: datetime) -> Candidate:
    """Somebody who is in the segment as it begins to be counted, or as the launch begins to look."""
    return Candidate(person, at, f"segment:inside:{person}", {"segment": segment})


def _tell(settings: Mapping[str, Any]) -> str:
    found = find_segment(str(settings.get("segment") or ""))
    values = {"segment": shown(found)[0] if found else settings.get("segment") or "?"}
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
    # A refresh ends ways and finds changes at once: both are of it, although the ways end when the engine looks.
    tells_when=False,
)
