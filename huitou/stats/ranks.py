"""How well scores put some before others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rank_area(score: NDArray[np.float64], hit: NDArray[np.bool_]) -> float:
    """Area under the receiver's curve, ties counted half (Mann and Whitney); nan where all are hits or none is.

    >>> rank_area(np.array([1.0, 1.0, 0.0, 2.0]), np.array([True, False, False, True]))
    0.875
    """
    hits, misses = int(hit.sum()), int((~hit).sum())
    if not hits or not misses:
        return float("nan")
    _values, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[hit].sum() - hits * (hits + 1) / 2) / (hits * misses))
