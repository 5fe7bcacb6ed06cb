"""A linear score whose highest values are what was really chosen: multinomial choice, fitted by maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

Reals = npt.NDArray[np.float64]
_ROUNDS = 60


@dataclass(frozen=True)
class Choice:
    """A fitted score: `(features - mean) / scale @ weights`, with one number per feature in each."""

    mean: Reals
    scale: Reals
    weights: Reals

    def score(self, features: Reals) -> Reals:
        """Of shape (rows,), for features of shape (rows, features). Only differences inside a list mean anything."""
        found: Reals = features @ (self.weights / self.scale) - float((self.mean / self.scale) @ self.weights)
        return found


def fit_choice(features: Reals, chosen: npt.NDArray[np.bool_], lists: npt.NDArray[np.int64], penalty: float) -> Choice:
    """Weights under which the chosen rows of each list are the most likely draws of its softmax.

    A list with n chosen rows counts as the square root of n draws: a large basket says more than a small one, and not
    so much more. What is the same for all rows of a list has no influence, so there is nothing to fit for it.

    Parameters
    ----------
    features
        Of shape (rows, features).
    chosen
        Of shape (rows,): whether the row was chosen.
    lists
        Of shape (rows,): which list the row belongs to; rows of a list stand together.
    penalty
        Weight of the squared weights of standardized features, above 0.

    Raises
    ------
    ValueError
        Where no row of any list was chosen.

    References
    ----------
    D. McFadden, *Conditional logit analysis of qualitative choice behavior* (1974). Z. Cao et al., *Learning to rank:
    from pairwise approach to listwise approach*, ICML (2007), top-one probability.
    """
    starts = np.flatnonzero(np.diff(lists, prepend=lists[0] - 1)) if len(lists) else np.empty(0, np.int64)
    sizes = np.diff(starts, append=len(lists))
    picks = np.add.reduceat(chosen.astype(float), starts) if len(starts) else np.empty(0)
    useful = np.repeat(picks > 0, sizes)
    if not useful.any():
        raise ValueError("nothing was chosen from any list")
    rows = features[useful]
    mean, scale = rows.mean(0), rows.std(0)
    scale = np.where(scale > 0, scale, 1.0)
    standard = np.ascontiguousarray((rows - mean) / scale)
    sizes, picks = sizes[picks > 0], picks[picks > 0]
    starts = np.cumsum(sizes) - sizes
    place = np.repeat(np.arange(len(sizes)), sizes)
    draws = np.sqrt(picks)
    # Every chosen row of a list has an equal share of its draws.
    wanted = np.where(chosen[useful], (draws / picks)[place], 0.0)
    reached = standard.T @ wanted

    def loss(weights: Reals) -> tuple[float, Reals]:
        scores = standard @ weights
        scores -= np.maximum.reduceat(scores, starts)[place]
        shares = np.exp(scores)
        totals = np.add.reduceat(shares, starts)
        shares *= (draws / totals)[place]
        value = float(draws @ np.log(totals) - wanted @ scores + penalty * weights @ weights)
        return value, standard.T @ shares - reached + 2 * penalty * weights

    found = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": _ROUNDS})
    return Choice(mean, scale, found.x)
