"""A customer's five scores as a drawn shape: who buys lately, often, for much, large baskets, and responds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from huitou.orders.portrait import Value

BEST = 5
_RADIUS = 80.0
_LABEL_RADIUS = 96.0


@dataclass(frozen=True)
class Axis:
    """One score: 1 to 5, or None where nothing is known. Places in units of the drawing, whose middle is 0, 0."""

    label: str
    score: int | None
    text: str
    end: tuple[float, float]
    label_at: tuple[float, float]
    anchor: str


@dataclass(frozen=True)
class Radar:
    """The axes clockwise from the top, a ring for each score, and the customer's shape; points as SVG reads them."""

    axes: Sequence[Axis]
    rings: Sequence[str]
    shape: str


def radar_of(values: Mapping[str, Value]) -> Radar | None:
    """The radar of a customer's features; None for whoever has not bought, as four of its five axes are purchases."""
    if values.get("rfm_recency_score") is None:
        return None
    asked = [
        (_("Recency"), "rfm_recency_score"),
        (_("Frequency"), "rfm_frequency_score"),
        (_("Money"), "rfm_monetary_score"),
        (_("Order value"), "aov_score"),
        (_("Interaction"), "interaction_score"),
    ]
    scores = [None if (told := values.get(name)) is None else int(str(told)) for _label, name in asked]
    axes = [
        _axis(n, label, score, len(asked)) for n, ((label, _name), score) in enumerate(zip(asked, scores, strict=True))
    ]
    return Radar(
        axes,
        [_points([ring] * len(asked)) for ring in range(1, BEST + 1)],
        _points([score or 0 for score in scores]),
    )


def _axis(n: int, label: str, score: int | None, count: int) -> Axis:
    x, y = _place(n, count, _LABEL_RADIUS)
    anchor = "middle" if abs(x) < 1 else "start" if x > 0 else "end"
    text = _("none") if score is None else _("%(score)s of %(best)s") % {"score": score, "best": BEST}
    return Axis(label, score, text, _place(n, count, _RADIUS), (x, y + 4), anchor)


def _place(n: int, count: int, radius: float) -> tuple[float, float]:
    angle = 2 * math.pi * n / count
    return round(radius * math.sin(angle), 1), round(-radius * math.cos(angle), 1)


def _points(scores: Sequence[int]) -> str:
    places = [_place(n, len(scores), _RADIUS * score / BEST) for n, score in enumerate(scores)]
    return " ".join(f"{x},{y}" for x, y in places)
