"""Probabilities as the logistic function of a few numbers, fitted by Newton's method: fast, smooth, the same each time.

References
----------
D. R. Cox, "The regression analysis of binary sequences", JRSS B 20 (1958); calibration by it: J. Platt, "Probabilistic
outputs for support vector machines" (1999).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from huitou.stats.item_repurchase.features import Matrix
from huitou.stats.item_repurchase.purchases import Flags, Reals

_ROUNDS, _PENALTY = 25, 1.0
# Columns of the features that the adjusted form reads, as they are or as logarithms.
_LOGS = (
    "elapsed",
    "due",
    "count",
    "visits_7",
    "visits_28",
    "visits_91",
    "visits_since",
    "items",
    "item_lately",
    "item_14_of_28",
    "rate_short",
    "item_base",
    "item_came_back",
)


@dataclass(frozen=True)
class Logistic:
    """A fitted curve; one mean, scale and weight for each column."""

    mean: Reals
    scale: Reals
    weights: Reals
    intercept: float

    def p_any(self, columns: Reals) -> Reals:
        """Probabilities of shape (rows,), for columns of shape (rows, columns)."""
        found: Reals = expit(self.intercept + (columns - self.mean) @ (self.weights / self.scale))
        return found


def fit_logistic(columns: Reals, hit: Flags) -> Logistic:
    """The likeliest curve, with a light penalty on its weights, so that there always is one."""
    mean, scale = columns.mean(0), columns.std(0)
    scale = np.where(scale > 0, scale, 1.0)
    design = np.column_stack([np.ones(len(hit)), (columns - mean) / scale])
    penalty = np.full(design.shape[1], _PENALTY)
    weights = np.zeros(design.shape[1])
    share = (hit.sum() + 0.5) / (len(hit) + 1)
    weights[0] = logit(share)
    for _ in range(_ROUNDS):
        p = expit(design @ weights)
        slope = design.T @ (hit - p) - penalty * weights
        curve = (design * (p * (1 - p))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        # A step that is too long for the curve under it is cut short.
        weights = weights + step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < 1e-6:
            break
    return Logistic(mean, scale, weights[1:], float(weights[0]))


def adjusting_columns(names: list[str], features: Matrix) -> Reals:
    """What the adjusted form reads, of shape (pairs, columns), all finite."""
    place: dict[str, int] = {name: number for number, name in enumerate(names)}

    def column(name: str) -> Reals:
        return np.nan_to_num(features[:, place[name]].astype(np.float64))

    closed = np.clip(column("closed_form"), 1e-6, 1 - 1e-6)
    found = [logit(closed), closed, column("count") == 1]
    found += [np.log(np.maximum(column(name), 0.0) + (1e-4 if "rate" in name else 0.1)) for name in _LOGS]
    return np.column_stack(found)
