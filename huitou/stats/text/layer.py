"""A small layer over the model of praise and blame, learned from texts that somebody corrected."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from scipy.special import expit

from huitou.stats.text.fitting import fit_logistic
from huitou.stats.text.lexicon import Lexicon
from huitou.stats.text.ngrams import Matrix, clean, count_ngrams
from huitou.stats.text.polarity import Polarity

BITS, LONGEST = 16, 3
LEAST = 20
"""Fewer corrections teach nothing: a third of them is held back to judge by."""
_STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)
_HELD_SHARE = 3


@dataclass(frozen=True)
class Layer:
    """What is added to the calibrated log-odds: weights of hashed n-grams that stand in corrected texts.

    Attributes
    ----------
    buckets : shape (n-grams,), int64
    weights : shape (n-grams,), float64
    """

    buckets: np.ndarray
    weights: np.ndarray

    def added(self, texts: Sequence[str]) -> np.ndarray:
        """Log-odds that the layer adds: shape (texts,)."""
        return np.asarray(_features(texts)[:, self.buckets] @ self.weights)

    def probabilities(self, texts: Sequence[str], model: Polarity, lexicon: Lexicon) -> np.ndarray:
        """Probability of praise with the layer: shape (texts,), 1/2 for a text without a character."""
        p = expit(model.log_odds(model.margins(texts, lexicon)) + self.added(texts))
        p[[not clean(text) for text in texts]] = 0.5
        return np.asarray(p)


@dataclass(frozen=True)
class Learned:
    """A layer, or None where none did better; how many corrections, and the held-back part judged without and with
    it: mean log loss, and share of right calls."""

    layer: Layer | None
    count: int
    held: int
    loss_before: float
    loss_after: float
    right_before: float
    right_after: float


def _features(texts: Sequence[str]) -> Matrix:
    counts = count_ngrams([clean(text) for text in texts], LONGEST, BITS).astype(np.float64)
    counts.data[:] = 1.0
    lengths = np.sqrt(np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1.0))
    return sparse.csr_matrix(sparse.diags(1 / lengths) @ counts)


def is_held(text: str) -> bool:
    """Whether a corrected text is held back: always the same third, whatever else is corrected."""
    return hashlib.sha256(clean(text).encode("utf-8", "surrogatepass")).digest()[0] % _HELD_SHARE == 0


def learn_layer(
    texts: Sequence[str], labels: np.ndarray, model: Polarity, lexicon: Lexicon, current: Layer | None = None
) -> Learned:
    """The layer that corrections teach, if it does better on those that it was not taught than what is in use.

    A layer is taken only if on the held-back third the mean log loss falls and no fewer calls are right, so that it
    never gets worse there. The more careful of two equal layers is taken.

    Parameters
    ----------
    texts : corrected texts, all different
    labels : shape (texts,), 1 praise, 0 blame
    current : the layer in use, which a new one has to beat and does not build on
    """
    held = np.array([is_held(text) for text in texts], dtype=bool)
    base = model.log_odds(model.margins(texts, lexicon)) if len(texts) else np.zeros(0)
    used = base if current is None else base + current.added(texts)
    loss, right = _judge(used[held], labels[held])
    nothing = Learned(None, len(texts), int(held.sum()), loss, loss, right, right)
    taught = ~held
    if len(texts) < LEAST or held.all() or not held.any():
        return nothing
    features = _features(texts)
    buckets = np.unique(features[taught].indices).astype(np.int64)
    known = sparse.csr_matrix(features[:, buckets])
    best, best_loss, best_right = None, loss, right
    for strength in _STRENGTHS:
        weights = fit_logistic(sparse.csr_matrix(known[taught]), labels[taught], strength, base[taught])[:-1]
        tried_loss, tried_right = _judge(base[held] + known[held] @ weights, labels[held])
        if tried_loss < best_loss - 1e-9 and tried_right >= right:
            best, best_loss, best_right = Layer(buckets, weights), tried_loss, tried_right
    return Learned(best, len(texts), int(held.sum()), loss, best_loss, right, best_right)


def _judge(log_odds: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    if not len(labels):
        return 0.0, 0.0
    losses = np.logaddexp(0, -(2.0 * labels - 1.0) * log_odds)
    return float(losses.mean()), float(((log_odds > 0) == (labels == 1)).mean())
