"""The radar's shape says what the scores say; a customer without a purchase has none."""

from __future__ import annotations

import math
from itertools import pairwise

from django.utils.translation import override

from huitou.orders.radar import radar_of

VALUES = {
    "rfm_recency_score": 5,
    "rfm_frequency_score": 3,
    "rfm_monetary_score": 1,
    "aov_score": 4,
    "interaction_score": None,
}


def places(points: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in points.split())]


def test_corners_lie_as_far_out_as_the_scores_say() -> None:
    with override("en"):
        radar = radar_of(VALUES)
    assert radar is not None
    outermost = places(radar.rings[-1])
    edge = math.hypot(*outermost[0])
    far = [math.hypot(x, y) / edge * 5 for x, y in places(radar.shape)]
    assert [round(each, 1) for each in far] == [5, 3, 1, 4, 0]
    # The first axis points up, and the others follow it round at equal distances.
    assert outermost[0][0] == 0 > outermost[0][1]
    sides = [math.dist(a, b) for a, b in pairwise([*outermost, outermost[0]])]
    assert max(sides) - min(sides) < 0.2
    assert [axis.text for axis in radar.axes] == ["5 of 5", "3 of 5", "1 of 5", "4 of 5", "none"]


def test_who_never_bought_has_no_radar() -> None:
    assert radar_of({"rfm_recency_score": None, "interaction_score": 4}) is None
    assert radar_of({}) is None
