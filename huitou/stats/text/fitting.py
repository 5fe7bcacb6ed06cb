"""Fitting the model of praise and blame: regularisation and calibration on topics that were left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from huitou.stats.text.lexicon import Lexicon
from huitou.stats.text.ngrams import Matrix, clean, count_ngrams
from huitou.stats.text.polarity import LEVELS, TOP_IDF, Polarity, weigh

# Half-widths of the neutral band that are tried, widest last; inside it a guess is hardly better than a coin.
_BANDS = (0.01, 0.02, 0.03)
_COIN = 0.6


@dataclass(frozen=True)
class Fitted:
    """The model, and how it did on each topic while that was left out: texts, share right, mean log loss."""

    model: Polarity
    strength: float
    topics: dict[str, tuple[int, float, float]]


def fit_logistic(features: Matrix, labels: np.ndarray, strength: float, offset: np.ndarray | None = None) -> np.ndarray:
    """Weights and, last, the intercept of a logistic regression with a ridge of 1 / strength: shape (columns + 1,).

    Parameters
    ----------
    features : shape (texts, columns)
    labels : shape (texts,), 0 or 1
    strength : how far weights may go; the intercept is free
    offset : shape (texts,), log-odds that are known before
    """
    signs = 2.0 * labels - 1.0
    known = np.zeros(len(labels)) if offset is None else offset
    across = sparse.csr_matrix(features.T)
    ridge = np.full(features.shape[1] + 1, 1.0 / strength)
    ridge[-1] = 0.0

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        margins = signs * (features @ weights[:-1] + weights[-1] + known)
        slopes = -signs * expit(-margins)
        value = np.logaddexp(0, -margins).sum() + 0.5 * (ridge * weights * weights).sum()
        return float(value), np.append(across @ slopes, slopes.sum()) + ridge * weights

    start = np.zeros(features.shape[1] + 1)
    return np.asarray(
        minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 120, "maxcor": 20, "ftol": 1e-9}).x
    )


def fit_polarity(
    texts: Sequence[str],
    labels: np.ndarray,
    topics: Sequence[str],
    lexicon: Lexicon,
    *,
    longest: int = 4,
    bits: int = 20,
    rarest: int = 4,
    strengths: Sequence[float] = (0.5, 1.0, 2.0),
) -> Fitted:
    """The model of these texts.

    The strength of regularisation is the one that judges topics best while they are left out; the calibration is
    fitted to the same judgements, so that a probability holds for a trade that the model has not seen.

    Parameters
    ----------
    texts : different texts
    labels : shape (texts,), 1 praise, 0 blame
    topics : what each text is about
    rarest : an n-gram is known if it stands in at least so many texts

    Raises
    ------
    ValueError : texts of one label or of one topic only

    References
    ----------
    Wang and Manning 2012, Baselines and bigrams; Platt 1999, Probabilistic outputs, equation 1 with B = 0.
    """
    named = np.array(topics)
    if len(set(labels.tolist())) < 2 or len(set(topics)) < 2:
        raise ValueError("two labels and two topics are needed")
    cleaned = [clean(text) for text in texts]
    counts = count_ngrams([lexicon.marked(text) for text in cleaned], longest, bits)
    spread = np.asarray((counts > 0).sum(axis=0)).ravel()
    buckets = np.flatnonzero(spread >= rarest).astype(np.uint32)
    idf = np.log((1 + len(texts)) / (1 + spread[buckets])) + 1
    stored_idf = np.clip(np.rint(idf * 255 / TOP_IDF), 1, 255).astype(np.uint8)
    words = weigh(sparse.csr_matrix(counts[:, buckets]), stored_idf.astype(np.float64) * (TOP_IDF / 255))
    evidence = lexicon.evidence(cleaned)
    scale = np.maximum(evidence.std(axis=0), 1e-9)
    features = sparse.csr_matrix(sparse.hstack([words, sparse.csr_matrix(evidence / scale)]))

    best_loss, strength, margins = np.inf, strengths[0], np.zeros(len(texts))
    for tried in strengths:
        judged = _left_out(features, labels, named, tried)
        loss = float(_log_losses(_slope(judged, labels) * judged, labels).mean())
        if loss < best_loss:
            best_loss, strength, margins = loss, tried, judged
    slope = _slope(margins, labels)
    weights = fit_logistic(features, labels, strength)
    ngram_weights = weights[: len(buckets)]
    unit = float(np.abs(ngram_weights).max() / LEVELS)
    model = Polarity(
        longest=longest,
        bits=bits,
        buckets=buckets,
        weights=np.rint(ngram_weights / unit).astype(np.int8),
        idf=stored_idf,
        unit=unit,
        evidence=weights[len(buckets) : -1] / scale,
        intercept=float(weights[-1]),
        slope=slope,
        band=_band(expit(slope * margins), labels),
    )
    return Fitted(model, strength, _by_topic(slope * margins, labels, named))


def _left_out(features: Matrix, labels: np.ndarray, topics: np.ndarray, strength: float) -> np.ndarray:
    """Margin of each text by a model that has seen no text of its topic: shape (texts,)."""
    margins = np.zeros(len(labels))
    for topic in sorted(set(topics.tolist())):
        out = topics == topic
        weights = fit_logistic(sparse.csr_matrix(features[~out]), labels[~out], strength)
        margins[out] = features[out] @ weights[:-1] + weights[-1]
    return margins


def _slope(margins: np.ndarray, labels: np.ndarray) -> float:
    """By how much margins are too bold. There is no shift: it would only tell how many texts of a topic praise, which
    is another topic's own affair. A weak ridge keeps the slope finite where every text is judged right."""

    def loss(slope: float) -> float:
        return float(_log_losses(slope * margins, labels).sum()) + 0.05 * slope * slope

    return float(minimize_scalar(loss, bounds=(0.01, 100.0), method="bounded", options={"xatol": 1e-6}).x)


def _log_losses(log_odds: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.asarray(np.logaddexp(0, -(2.0 * labels - 1.0) * log_odds))


def _band(p: np.ndarray, labels: np.ndarray) -> float:
    """The widest half-width within which hardly more than half of the calls are right."""
    band = _BANDS[0]
    for tried in _BANDS:
        inside = np.abs(p - 0.5) < tried
        right = (p[inside] > 0.5) == (labels[inside] == 1)
        if inside.any() and float(np.mean(right)) <= _COIN:
            band = tried
    return band


def _by_topic(log_odds: np.ndarray, labels: np.ndarray, topics: np.ndarray) -> dict[str, tuple[int, float, float]]:
    table = {}
    for topic in sorted(set(topics.tolist())):
        own = topics == topic
        right = float(((log_odds[own] > 0) == labels[own]).mean())
        table[topic] = (int(own.sum()), right, float(_log_losses(log_odds[own], labels[own]).mean()))
    return table
