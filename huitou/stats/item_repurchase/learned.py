"""Probabilities that gradient-boosted trees learned from earlier instants, setting out from a smooth curve.

References
----------
G. Ke et al., "LightGBM: a highly efficient gradient boosting decision tree", NIPS (2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from huitou.stats.item_repurchase.features import Matrix
from huitou.stats.item_repurchase.purchases import Flags, Reals
from huitou.stats.trees import REPEATABLE, THREADS, lightgbm

# LightGBM's own, which is loaded by who grows one.
Booster = Any
ROUNDS, _QUANTILE_ROUNDS = 150, 100
# Of more rows than this a share is learned from, each k-th one: more move no figure that is shown.
MOST_ROWS = 800_000
SETTINGS: dict[str, Any] = {
    "learning_rate": 0.08,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_fraction": 0.5,
    "lambda_l2": 5.0,
    "max_bin": 63,
    **REPEATABLE,
}


@dataclass(frozen=True)
class Trees:
    """Fitted trees; the same rows give the same trees on every machine of one kind."""

    booster: Booster
    rounds: int = ROUNDS

    def p_any(self, features: Matrix, start: Reals) -> Reals:
        """Probabilities of shape (rows,), for features of shape (rows, columns) and the probabilities that the trees
        set out from."""
        raw = self.booster.predict(features, num_iteration=self.rounds, raw_score=True, num_threads=THREADS)
        found: Reals = expit(_odds(start) + np.asarray(raw, np.float64))
        return found

    def gains(self) -> dict[str, float]:
        """What each column brought, as a share of all."""
        gain = self.booster.feature_importance("gain")
        return dict(zip(self.booster.feature_name(), (gain / max(gain.sum(), 1e-12)).tolist(), strict=True))


def fit_trees(names: list[str], features: Matrix, hit: Flags, start: Reals, rounds: int = ROUNDS) -> Trees:
    """Learn from rows of earlier instants.

    Parameters
    ----------
    names, features
        Columns, and their values of shape (rows, columns).
    hit
        Of shape (rows,): whether it was bought again.
    start
        Of shape (rows,): probabilities that the trees set out from.
    rounds
        Trees to grow.
    """
    every = max(-(-len(hit) // MOST_ROWS), 1)
    rows = lightgbm().Dataset(
        np.ascontiguousarray(features[::every]),
        hit[::every].astype(np.float32),
        init_score=_odds(start[::every]),
        feature_name=names,
    )
    return Trees(lightgbm().train({**SETTINGS, "objective": "binary"}, rows, rounds), rounds)


def fit_quantile(names: list[str], features: Matrix, value: Reals, share: float) -> Booster:
    """Trees for what `share` of the values of alike rows lie below."""
    least = min(200, max(len(value) // 50, 5))
    settings = {**SETTINGS, "objective": "quantile", "alpha": share, "num_leaves": 15, "min_data_in_leaf": least}
    return lightgbm().train(settings, lightgbm().Dataset(features, value, feature_name=names), _QUANTILE_ROUNDS)


def _odds(p: Reals) -> Reals:
    found: Reals = logit(np.clip(p, 1e-6, 1 - 1e-6))
    return found
