"""What was asked of a metric, checked: every refusal names what is possible."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from huitou.analytics.metric import Metric
from huitou.analytics.metric_facts import OCCASIONS
from huitou.analytics.metrics import METRICS
from huitou.analytics.periods import GRAINS, Periods
from huitou.core.errors import DomainError

_FIRST_YEAR, _LAST_YEAR = 1900, 2199
MAX_PERIODS = 4_000
_ATTRIBUTE = "attribute."


class QuestionError(DomainError):
    """A metric cannot be asked that; the message says what it can be asked."""

    code = "bad_question"


@dataclass(frozen=True)
class Question:
    """One metric, one range, one time grain, some dimensions, as of one instant (None: as known now)."""

    metric: Metric
    from_date: date
    to_date: date
    grain: str
    dims: tuple[str, ...]
    as_of: datetime | None
    occasion: str


def find_metric(name: str) -> Metric:
    """The metric of that name. Raises QuestionError with the closest names."""
    if name in METRICS:
        return METRICS[name]
    close = difflib.get_close_matches(name, METRICS.kinds(), n=3, cutoff=0.5)
    text = _("There is no metric %(name)s. `huitou metrics list` names them all.")
    if close:
        text = _("There is no metric %(name)s. Did you mean: %(names)s?")
    raise QuestionError(text % {"name": name, "names": ", ".join(close)}, code="unknown_metric")


def read_question(
    name: str, from_date: date, to_date: date, by: tuple[str, ...], as_of: datetime | None, occasion: str
) -> Question:
    """The question, checked against what the metric allows. Raises QuestionError."""
    metric = find_metric(name)
    if occasion not in OCCASIONS:
        raise QuestionError(
            _("The occasion is %(name)s; it can be: %(names)s.") % {"name": occasion, "names": ", ".join(OCCASIONS)},
            code="unknown_occasion",
        )
    grain, dims = _split(metric, by)
    _check_range(from_date, to_date, grain)
    return Question(metric, from_date, to_date, grain, dims, as_of, occasion)


def _split(metric: Metric, by: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Time grain and dimensions; only dimensions mean the whole range where the metric has one, nothing means month."""
    grains = [name for name in by if name in GRAINS]
    dims = tuple(dict.fromkeys(name for name in by if name not in GRAINS))
    if len(set(grains)) > 1:
        raise QuestionError(
            _("Only one time grain at once, not %(names)s.") % {"names": ", ".join(grains)}, code="two_time_grains"
        )
    for dim in dims:
        kind = "attribute" if dim.startswith(_ATTRIBUTE) and dim != _ATTRIBUTE else dim
        if kind not in metric.dimensions or dim == "attribute":
            raise QuestionError(
                _("%(metric)s cannot be shown by %(name)s; it can by: %(names)s.")
                % {"metric": metric.kind, "name": dim, "names": ", ".join(_possible(metric))},
                code="unknown_dimension",
            )
    grain = grains[0] if grains else "total" if dims and "total" in metric.grains else "month"
    if grain not in metric.grains:
        raise QuestionError(
            _("%(metric)s cannot be shown by %(name)s; it can by: %(names)s.")
            % {"metric": metric.kind, "name": grain, "names": ", ".join(_possible(metric))},
            code="unknown_time_grain",
        )
    return grain, dims


def _possible(metric: Metric) -> list[str]:
    return [*metric.grains, *("attribute.<name>" if dim == "attribute" else dim for dim in metric.dimensions)]


def _check_range(from_date: date, to_date: date, grain: str) -> None:
    if from_date > to_date:
        raise QuestionError(
            _("The range ends on %(to)s, before it begins on %(from)s.") % {"from": from_date, "to": to_date},
            code="empty_range",
        )
    if from_date.year < _FIRST_YEAR or to_date.year > _LAST_YEAR:
        raise QuestionError(
            _("Dates lie between the years %(first)d and %(last)d.") % {"first": _FIRST_YEAR, "last": _LAST_YEAR},
            code="range_too_long",
        )
    if len(Periods(grain, from_date, to_date)) > MAX_PERIODS:
        raise QuestionError(
            _("That would be more than %(count)d rows; take a longer time grain or a shorter range.")
            % {"count": MAX_PERIODS},
            code="range_too_long",
        )


def check_attributes(dims: tuple[str, ...], known: list[str]) -> None:
    """Raises QuestionError where an attribute is asked for that no person has."""
    for dim in dims:
        if dim.startswith(_ATTRIBUTE) and dim.removeprefix(_ATTRIBUTE) not in known:
            names = ", ".join(f"{_ATTRIBUTE}{name}" for name in known)
            raise QuestionError(
                _("No customer has %(name)s. Known: %(names)s.") % {"name": dim, "names": names or _("none")},
                code="unknown_attribute",
            )
