"""Brands drawn with a season, so that what comes after a peak is known."""

from __future__ import annotations

import numpy as np

from huitou.stats.buy_till_you_die.days import PurchaseDays
from huitou.stats.buy_till_you_die.histories import Floats

YEAR = 365


def pace(days: int, peak: float) -> Floats:
    """Intensity by day: a peak of twelve weeks around day 345 of each year, a slump after it."""
    day = np.arange(days)

    def near(centre: int, width: float) -> Floats:
        around = (day - centre + 182) % YEAR - 182
        return np.exp(-0.5 * (around / width) ** 2)

    level: Floats = 1 + (peak - 1) * near(345, 28) - 0.35 * near(45, 25)
    return level


def seasonal_brand(seed: int, *, years: int = 4, size: int = 2500, peak: float = 2.5) -> PurchaseDays:
    """Customers who come and buy at that pace, at rates of their own (mean gap 45 days), for lifetimes of their own."""
    draw = np.random.default_rng(seed)
    days = years * YEAR
    level = pace(days, peak) * np.exp(draw.normal(0, 0.1, days // 7 + 1))[np.arange(days) // 7]
    clock = np.concatenate([[0.0], np.cumsum(level)])
    born = draw.choice(days, size, p=level / level.sum())
    rate = draw.gamma(1.2, 1 / 45 / 1.2, size)
    gone = np.minimum(born + draw.exponential(500, size), days).astype(int)
    count = draw.poisson(rate * (clock[gone] - clock[born]))
    who = np.repeat(np.arange(size), count)
    when = clock[born][who] + draw.random(len(who)) * (clock[gone] - clock[born])[who]
    bought = np.searchsorted(clock, when, side="right") - 1
    return PurchaseDays.of(np.concatenate([np.arange(size), who]), np.concatenate([born, bought]))
