"""When a pair that buys within the horizon buys: a day and an 80 % window, for pairs whose own rhythm earns one.

The last purchase plus the mean gap is no forecast: it is worse than one and the same day for everybody. What is known
of a pair is learned into three quantiles of the days to its next purchase, and the window is widened or narrowed until
it held 80 in 100 at an instant that was not learned from.

References
----------
R. Koenker, G. Bassett, "Regression quantiles", Econometrica 46 (1978). Y. Romano, E. Patterson, E. Candès,
"Conformalized quantile regression", NeurIPS (2019).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from huitou.stats.item_repurchase.features import Matrix
from huitou.stats.item_repurchase.learned import Booster, fit_quantile
from huitou.stats.item_repurchase.purchases import Codes, Flags, Reals
from huitou.stats.trees import THREADS, can_grow

COVER = 0.8
LEAST_HITS = 300
# A date is for pairs that buy within the horizon rather than not.
LEAST_P = 0.5
# Where classes of pairs by the number of their purchases begin; two gaps are the least that can be called a rhythm.
_CLASSES = (3, 5, 9, 17)
_LEAST_OF_CLASS = 30
_OFFSETS = np.arange(-5.0, 5.01, 0.05)


@dataclass(frozen=True)
class Waits:
    """Pairs at one instant, and the days until they were bought again where `hit` says that they were."""

    names: list[str]
    features: Matrix
    wait: Codes
    hit: Flags

    @property
    def count(self) -> Reals:
        found: Reals = self.features[:, self.names.index("count")].astype(np.float64)
        return found


@dataclass(frozen=True)
class Windows:
    """Days to the next purchase, and the window they lie in: of shape (pairs,), nan where no date is earned."""

    wait: Reals
    early: Reals
    late: Reals

    @classmethod
    def none(cls, count: int) -> Windows:
        nothing = np.full(count, np.nan)
        return cls(nothing, nothing, nothing)


@dataclass(frozen=True)
class Timing:
    """Fitted quantiles and how good they were.

    Attributes
    ----------
    horizon : days; 0 is the first
    least_count : purchases from which on a pair's dates were better than one day for all
    pairs, mean_error, constant_error, cover : of pairs that earned a date and bought, at the instant of the test: how
        many, mean absolute error in days, that of one day for all, and the share within its window
    """

    horizon: int
    least_count: int
    offset: float
    pairs: int
    mean_error: float
    constant_error: float
    cover: float
    boosters: tuple[Booster, ...] = field(repr=False, default=())

    def windows(self, names: list[str], features: Matrix, p_buy: Reals, *, only_earned: bool = True) -> Windows:
        """A day and a window for each pair that earns them, or for all."""
        found = _rounded(_quantiles(self.boosters, features), self.offset, self.horizon)
        if not only_earned:
            return Windows(*found)
        earned = (features[:, names.index("count")] >= self.least_count) & (p_buy >= LEAST_P)
        return Windows(*(np.where(earned, days, np.nan) for days in found))


def fit_timing(earlier: list[Waits], test: Waits, p_buy: Reals, horizon: int) -> Timing | None:
    """Learn from earlier instants and test at a later one, of which `p_buy` was said; None where no pair earns a date.

    Parameters
    ----------
    earlier
        Instants to learn from.
    test
        The instant of the test.
    p_buy
        Of shape (pairs of the test,), learned from earlier instants only.
    """
    chosen = [one.hit & (one.count >= 2) for one in earlier]
    if sum(int(rows.sum()) for rows in chosen) < LEAST_HITS or not can_grow():
        return None
    features = np.concatenate([one.features[rows] for one, rows in zip(earlier, chosen, strict=True)])
    wait = np.concatenate([one.wait[rows] for one, rows in zip(earlier, chosen, strict=True)]).astype(np.float64)
    shares = ((1 - COVER) / 2, 0.5, (1 + COVER) / 2)
    boosters = tuple(fit_quantile(test.names, features, wait, share) for share in shares)
    sure = test.hit & (p_buy >= LEAST_P) & (test.count >= _CLASSES[0])
    came = test.wait[sure].astype(np.float64)
    quantiles = _quantiles(boosters, test.features[sure])
    day = _rounded(quantiles, 0.0, horizon)[0]
    better = np.abs(np.median(wait) - came) - np.abs(day - came)
    least = _least_count(test.count[sure], better)
    if least is None:
        return None
    earned = test.count[sure] >= least
    quantiles, came = quantiles[:, earned], came[earned]
    covers = [_cover(_rounded(quantiles, offset, horizon), came) for offset in _OFFSETS]
    best = int(np.argmin(np.abs(np.array(covers) - COVER)))
    return Timing(
        horizon=horizon,
        least_count=least,
        offset=float(_OFFSETS[best]),
        pairs=len(came),
        mean_error=float(np.abs(day[earned] - came).mean()),
        constant_error=float(np.abs(np.median(wait) - came).mean()),
        cover=covers[best],
        boosters=boosters,
    )


def _least_count(count: Reals, better: Reals) -> int | None:
    """From which class on every class was better than one day for all, by more than a standard error."""
    least = None
    for number in reversed(range(len(_CLASSES))):
        until = _CLASSES[number + 1] if number + 1 < len(_CLASSES) else np.inf
        rows = better[(count >= _CLASSES[number]) & (count < until)]
        if len(rows) < _LEAST_OF_CLASS:
            # Too few to tell: what holds for more purchases is not carried over to fewer.
            if least is None:
                continue
            break
        if rows.mean() <= rows.std() / np.sqrt(len(rows)):
            break
        least = _CLASSES[number]
    return least


def _quantiles(boosters: tuple[Booster, ...], features: Matrix) -> Reals:
    """Of shape (3, pairs), in order."""
    found = np.array([one.predict(features, num_threads=THREADS) for one in boosters])
    return np.sort(found, axis=0)


def _rounded(quantiles: Reals, offset: float, horizon: int) -> tuple[Reals, Reals, Reals]:
    """Whole days: the day itself, and the first and the last of the window around it."""
    low, middle, high = quantiles
    day = np.clip(np.rint(middle), 0, horizon - 1)
    early = np.clip(np.rint(low - offset), 0, day)
    late = np.clip(np.rint(high + offset), day, horizon - 1)
    return day, early, late


def _cover(window: tuple[Reals, Reals, Reals], came: Reals) -> float:
    _day, early, late = window
    return float(((came >= early) & (came <= late)).mean()) if len(came) else float("nan")
