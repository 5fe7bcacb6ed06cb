"""Finding the likeliest parameters, the same ones every time, from any file that bears the model.

The customary way (Nelder-Mead or BFGS from one start, a penalty where it fails) drifts along ridges of the likelihood:
where few customers stop, for instance, every large pair of dropout parameters is as likely as the next. Here logarithms
of the parameters have a prior, all but flat as far as any brand's customers go and a wall beyond, that holds the
ridges; times are measured in mean ages, exact gradients are climbed from fixed starts (a further one only where the
first led to no top), and the end is polished by Newton's method until the gradient is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from huitou.stats.buy_till_you_die.histories import CannotFitError, Floats

# log-likelihood at the logarithms of the parameters, and its gradient
Objective = Callable[[Floats], tuple[float, Floats]]

BOUND = 8.0
_FLAT_SD = 12.0
# Beyond e to the power of 5 customers are all alike, or none is like another: more of it says nothing new.
_WALL, _WALL_SD = 5.0, 0.3
_TINY_GRADIENT = 1e-9
_NEWTON_STEPS = 30


@dataclass(frozen=True)
class Optimum:
    """Where the climb ended: logarithms of the parameters, log-likelihood there (without the prior), and the covariance
    of the logarithms by the curvature (None where it is not curved every way)."""

    place: Floats
    log_likelihood: float
    covariance: Floats | None


def climb(objective: Objective, starts: Sequence[Sequence[float]], customers: float) -> Optimum:
    """The best place that any of the starts leads to.

    Parameters
    ----------
    objective : total log-likelihood and its gradient at the logarithms of the parameters
    starts : logarithms to begin at, always the same ones
    customers : how many there are, so that gradients are judged per customer

    Raises
    ------
    CannotFitError : no start led to a finite likelihood
    """
    # Algebra of four numbers on every processor at once is slower than on one, and much slower on a busy machine.
    with _one_thread().limit(limits=1):
        return _climb(objective, starts, customers)


@cache
def _one_thread() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _climb(objective: Objective, starts: Sequence[Sequence[float]], customers: float) -> Optimum:
    from scipy.optimize import minimize  # a second to import, so by who asks

    def loss(place: Floats) -> tuple[float, Floats]:
        value, slope = objective(place)
        beyond = place - np.clip(place, -_WALL, _WALL)
        value -= float(place @ place) / (2 * _FLAT_SD**2) + float(beyond @ beyond) / (2 * _WALL_SD**2)
        slope = slope - place / _FLAT_SD**2 - beyond / _WALL_SD**2
        if not np.isfinite(value) or not np.isfinite(slope).all():
            return 1e300, np.zeros_like(place)
        return -value / customers, -slope / customers

    best: tuple[float, Floats, Floats | None] | None = None
    for start in starts:
        begin = np.clip(np.asarray(start, dtype=np.float64), -BOUND, BOUND)
        found = minimize(
            loss,
            begin,
            jac=True,
            method="L-BFGS-B",
            bounds=[(-BOUND, BOUND)] * len(begin),
            options={"maxiter": 300, "ftol": 1e-10, "gtol": 1e-6},
        )
        if found.fun >= 1e299:
            continue
        value, place, curvature = _polish(loss, np.asarray(found.x, dtype=np.float64))
        if best is None or value < best[0]:
            best = (value, place, curvature)
        if curvature is not None:
            break
    if best is None:
        raise CannotFitError("the likelihood is not finite anywhere that was tried")
    _value, place, curvature = best
    covariance: Floats | None = None
    if curvature is not None:
        covariance = np.linalg.inv(curvature).astype(np.float64) / customers
    return Optimum(place, objective(place)[0], covariance)


def _polish(loss: Callable[[Floats], tuple[float, Floats]], place: Floats) -> tuple[float, Floats, Floats | None]:
    """Newton's steps, the curvature by differences of the exact gradient; where they end, with loss and curvature."""
    value, slope = loss(place)
    curvature: Floats | None = None
    for _step in range(_NEWTON_STEPS):
        curvature = _curvature(loss, place)
        inside = np.abs(place) < BOUND - 1e-6
        eigenvalues = np.linalg.eigvalsh(curvature)
        if eigenvalues[0] <= 0 or not inside.all():
            return value, place, None
        if np.abs(slope).max() < _TINY_GRADIENT:
            break
        step = np.linalg.solve(curvature, slope)
        length = 1.0
        while length > 1e-4:
            there = np.clip(place - length * step, -BOUND, BOUND)
            value_there, slope_there = loss(there)
            if value_there <= value + 1e-14:
                break
            length /= 2
        else:
            break
        moved = float(np.abs(there - place).max())
        place, value, slope = there, value_there, slope_there
        if moved < 1e-9:
            break
    return value, place, curvature


def _curvature(loss: Callable[[Floats], tuple[float, Floats]], place: Floats, width: float = 1e-4) -> Floats:
    rows = []
    for axis in range(len(place)):
        shift = np.zeros_like(place)
        shift[axis] = width
        rows.append((loss(place + shift)[1] - loss(place - shift)[1]) / (2 * width))
    matrix = np.array(rows)
    symmetric: Floats = (matrix + matrix.T) / 2
    return symmetric
