"""branch: the first condition that holds says where to go, else the last way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from huitou.journeys.conditions import check_condition, tell_condition
from huitou.journeys.event_words import tell_filter
from huitou.journeys.filters import check_filter, passes
from huitou.journeys.problems import Problem
from huitou.journeys.setting import Setting
from huitou.journeys.step import NEXT, Arrival, Go, Outcome, Outlet, Step, StepContext

MOST_CASES = 20


def _run(context: StepContext, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
    chosen: dict[int, Go] = {}
    left = list(range(len(arrivals)))
    for position, case in enumerate(context.settings["cases"]):
        if not left:
            break
        data = case.get("data")
        met = [i for i in left if passes(data, arrivals[i].data)] if data else left
        if met and case.get("when"):
            holding = context.matching(case["when"], [arrivals[i].customer_id for i in met])
            met = [i for i in met if arrivals[i].customer_id in holding]
        for i in met:
            chosen[i] = Go(f"cases[{position}]", f"case {position + 1}")
        left = [i for i in left if i not in chosen]
    return [chosen.get(i) or Go(NEXT, "else") for i in range(len(arrivals))]


def _outlets(settings: Mapping[str, Any]) -> list[Outlet]:
    cases = settings.get("cases")
    ways = [
        Outlet(f"cases[{i}]", case.get(NEXT), case.get("label") or _case_words(case))
        for i, case in enumerate(cases if isinstance(cases, list) else ())
        if isinstance(case, dict)
    ]
    return [*ways, Outlet(NEXT, settings.get(NEXT), _("else"))]


def _case_words(case: Mapping[str, Any]) -> str:
    told = [tell_condition(case["when"])] if isinstance(case.get("when"), dict) else []
    told += [tell_filter(gettext("what let them in"), case["data"])] if isinstance(case.get("data"), list) else []
    return "; ".join(told)


def _check(settings: Mapping[str, Any], path: str) -> Iterator[Problem]:
    cases = settings.get("cases")
    if not isinstance(cases, list) or not 1 <= len(cases) <= MOST_CASES:
        values = {"most": MOST_CASES}
        yield Problem(f"{path}.cases", "missing", _("A branch needs 1 to %(most)s conditions."), values)
        return
    for position, case in enumerate(cases):
        place = f"{path}.cases[{position}]"
        if not isinstance(case, dict) or set(case) - {"when", "data", "next", "label"}:
            yield Problem(place, "no_case", _('Write {"when": condition, "next": step}.'))
            continue
        if not case.get("when") and not case.get("data"):
            yield Problem(f"{place}.when", "missing", _("The branch needs a condition."))
        if case.get("when"):
            yield from check_condition(case["when"], f"{place}.when")
        if case.get("data"):
            yield from check_filter(case["data"], f"{place}.data")


def _tell(settings: Mapping[str, Any]) -> str:
    return gettext("the first that holds, of %(count)s") % {"count": len(settings.get("cases") or ())}


STEP = Step(
    kind="branch",
    label=_("Branch"),
    help=_("Customers go the way of the first condition that holds, the others the last way."),
    icon="split",
    settings=(Setting("cases", "cases", _("Conditions"), required=True),),
    run=_run,
    outlets=_outlets,
    tell=_tell,
    check=_check,
)
