"""split: customers are divided by chance, the same customer always the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from huitou.journeys.problems import Problem
from huitou.journeys.setting import Setting
from huitou.journeys.step import Arrival, Go, Outcome, Outlet, Step, StepContext
from huitou.stats.allocation import draw

WHOLE = 10_000


def _run(context: StepContext, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
    arms = context.settings["arms"]
    salt = context.settings.get("salt") or f"{context.journey}:{context.step_id}"
    borders, upto = [], 0
    for arm in arms:
        upto += arm["share_bp"]
        borders.append(upto * 2**32 // WHOLE)
    found = []
    for arrival in arrivals:
        drawn = draw(salt, arrival.customer_id)
        position = next(i for i, border in enumerate(borders) if drawn < border)
        found.append(Go(f"arms[{position}]", f"arm {position + 1}"))
    return found


def _outlets(settings: Mapping[str, Any]) -> list[Outlet]:
    arms = settings.get("arms")
    return [
        Outlet(f"arms[{i}]", arm.get("next"), f"{arm.get('label') or chr(65 + i)} {_percent(arm.get('share_bp'))}")
        for i, arm in enumerate(arms if isinstance(arms, list) else ())
        if isinstance(arm, dict)
    ]


def _percent(share: object) -> str:
    return f"{share / 100:g} %" if isinstance(share, int) else "?"


def _check(settings: Mapping[str, Any], path: str) -> Iterator[Problem]:
    arms = settings.get("arms")
    if not isinstance(arms, list) or not 2 <= len(arms) <= 10:
        yield Problem(f"{path}.arms", "missing", _("A split needs 2 to 10 ways."))
        return
    shares = 0
    for position, arm in enumerate(arms):
        place = f"{path}.arms[{position}]"
        share = arm.get("share_bp") if isinstance(arm, dict) else None
        if not isinstance(arm, dict) or set(arm) - {"share_bp", "next", "label"}:
            yield Problem(place, "no_arm", _('Write {"share_bp": basis points, "next": step}.'))
        elif not isinstance(share, int) or isinstance(share, bool) or not 1 <= share < WHOLE:
            yield Problem(f"{place}.share_bp", "out_of_range", _("A share is 1 to 9999 basis points."))
        else:
            shares += share
    if shares != WHOLE:
        values = {"sum": f"{shares / 100:g}"}
        yield Problem(f"{path}.arms", "shares", _("The shares come to %(sum)s %%, not 100 %%."), values)


def _tell(settings: Mapping[str, Any]) -> str:
    arms = settings.get("arms") or ()
    return " / ".join(_percent(arm.get("share_bp")) for arm in arms if isinstance(arm, dict))


STEP = Step(
    kind="split",
    label=_("Split"),
    help=_("Divides customers by chance; the same customer always goes the same way."),
    icon="split",
    settings=(
        Setting("arms", "arms", _("Ways and shares"), required=True),
        Setting("salt", "code", _("Salt"), _("The same salt elsewhere divides the same customers the same way.")),
    ),
    run=_run,
    outlets=_outlets,
    tell=_tell,
    check=_check,
)
