"""tag: gives and takes tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from huitou.journeys.problems import Problem
from huitou.journeys.setting import Setting, read_duration
from huitou.journeys.step import NEXT, Arrival, Go, Outcome, Step, StepContext, one_way
from huitou.segments.services import create_tag, give_tags, is_tag_name, take_tags


def _run(context: StepContext, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
    settings = context.settings
    customers = sorted({arrival.customer_id for arrival in arrivals if arrival.acts})
    if customers:
        expires = None
        if settings.get("expires"):
            expires = context.clock.now() + read_duration(settings["expires"])
        for tag in settings.get("give") or ():
            create_tag(name=tag, clock=context.clock, actor_label="worker")
            give_tags(
                customer_ids=customers,
                tag=tag,
                origin="play",
                origin_ref=context.source,
                expires_at=expires,
                clock=context.clock,
                actor_label="worker",
            )
        for tag in settings.get("take") or ():
            create_tag(name=tag, clock=context.clock, actor_label="worker")
            take_tags(customer_ids=customers, tag=tag, origin="play", clock=context.clock, actor_label="worker")
    return [Go(NEXT, "done" if arrival.acts else "control") for arrival in arrivals]


def _check(settings: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if not settings.get("give") and not settings.get("take"):
        yield Problem(path, "missing", _("Name a tag to give or to take."))
    for name in ("give", "take"):
        listed = settings.get(name)
        for position, tag in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(tag, str) and not is_tag_name(tag):
                told = _("A name has 1 to 60 characters and no quotation marks or bars.")
                yield Problem(f"{path}.{name}[{position}]", "no_tag_name", told)


def _tell(settings: Mapping[str, Any]) -> str:
    told = [gettext("gives %(tags)s") % {"tags": ", ".join(settings["give"])}] if settings.get("give") else []
    told += [gettext("takes %(tags)s") % {"tags": ", ".join(settings["take"])}] if settings.get("take") else []
    return "; ".join(told)


STEP = Step(
    kind="tag",
    label=_("Tag"),
    help=_("Gives or takes tags."),
    icon="tag",
    settings=(
        Setting("give", "tags", _("Give")),
        Setting("take", "tags", _("Take")),
        Setting("expires", "duration", _("Given for"), _("Empty: for good.")),
    ),
    run=_run,
    outlets=one_way,
    tell=_tell,
    check=_check,
)
