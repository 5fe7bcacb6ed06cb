"""Praise or blame: a linear model over hashed character n-grams and a lexicon's evidence, with a probability."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sparse
from scipy.special import expit

from huitou.stats.text.lexicon import Lexicon
from huitou.stats.text.ngrams import Matrix, buckets_of, clean, count_ngrams, with_edges

POSITIVE, NEGATIVE, NEUTRAL = "positive", "negative", "neutral"
_AT_ONCE = 4_000
_BLANK = "□"
# An n-gram's weight is stored as one byte; the rarest and the commonest differ in idf by less than this.
LEVELS, TOP_IDF = 127, 12.0


@dataclass(frozen=True)
class Polarity:
    """A fitted model, as small as it is shipped.

    Attributes
    ----------
    longest, bits : as for `count_ngrams`
    buckets : shape (n-grams,), uint32, sorted: the buckets that the model knows
    weights : shape (n-grams,), int8: weight of each, in units of `unit`
    idf : shape (n-grams,), uint8: inverse document frequency of each, in units of TOP_IDF / 255
    unit : float
    evidence : shape (EVIDENCE,), float64: weights of `Lexicon.evidence`
    intercept : log-odds of a text that says nothing
    slope : p = expit(slope * margin), from texts of topics that were left out of the fit
    band : half of the width around p = 1/2 inside which the text is called neutral
    """

    longest: int
    bits: int
    buckets: np.ndarray
    weights: np.ndarray
    idf: np.ndarray
    unit: float
    evidence: np.ndarray
    intercept: float
    slope: float
    band: float

    @cached_property
    def _place(self) -> np.ndarray:
        """Place of each bucket in `buckets`, -1 where the model does not know it."""
        place = np.full(1 << self.bits, -1, dtype=np.int32)
        place[self.buckets] = np.arange(len(self.buckets), dtype=np.int32)
        return place

    def features(self, marked: Sequence[str]) -> Matrix:
        """Weighted known n-grams, each text of length one: shape (texts, n-grams); texts as `Lexicon.marked`."""
        counts = count_ngrams(marked, self.longest, self.bits).tocoo()
        place = self._place[counts.col]
        known = place >= 0
        shape = (len(marked), len(self.buckets))
        found = sparse.coo_matrix((counts.data[known], (counts.row[known], place[known])), shape=shape).tocsr()
        return weigh(found, self.idf.astype(np.float64) * (TOP_IDF / 255))

    def margins(self, texts: Sequence[str], lexicon: Lexicon) -> np.ndarray:
        """Log-odds of praise before calibration: shape (texts,)."""
        parts = [self._margins(texts[at : at + _AT_ONCE], lexicon) for at in range(0, len(texts), _AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _margins(self, texts: Sequence[str], lexicon: Lexicon) -> np.ndarray:
        cleaned = [clean(text) for text in texts]
        words = self.features([lexicon.marked(text) for text in cleaned]) @ (self.weights * self.unit)
        return np.asarray(words + lexicon.evidence(cleaned) @ self.evidence + self.intercept)

    def log_odds(self, margins: np.ndarray) -> np.ndarray:
        """Calibrated log-odds of praise: shape (texts,)."""
        return self.slope * margins

    def probabilities(self, texts: Sequence[str], lexicon: Lexicon) -> np.ndarray:
        """Probability of praise: shape (texts,), 1/2 for a text without a character."""
        p = expit(self.log_odds(self.margins(texts, lexicon)))
        p[[not clean(text) for text in texts]] = 0.5
        return np.asarray(p)

    def call(self, p: float) -> str:
        """positive, negative, or neutral inside the band."""
        if abs(p - 0.5) < self.band:
            return NEUTRAL
        return POSITIVE if p > 0.5 else NEGATIVE

    def character_shares(self, text: str, lexicon: Lexicon) -> tuple[str, np.ndarray]:
        """The cleaned text, and how much each of its characters adds to the log-odds: shape (characters,).

        An n-gram's part is spread evenly over its characters. A word of the lexicon gets what its absence would change.
        """
        cleaned = clean(text)
        marked = lexicon.marked(cleaned)
        edged = with_edges(marked)
        shares = np.zeros(len(edged))
        found = self.features([marked])
        value = dict(zip(found.indices.tolist(), found.data.tolist(), strict=True))
        times = dict(_bucket_counts(edged, self.longest, self.bits))
        for size, (_owner, starts, buckets) in enumerate(buckets_of([edged], self.longest, self.bits), start=1):
            for start, bucket in zip(starts.tolist(), buckets.tolist(), strict=True):
                place = int(self._place[bucket])
                if place >= 0:
                    whole = value.get(place, 0.0) * float(self.weights[place]) * self.unit
                    shares[start : start + size] += whole / times[bucket] / size
        inner = shares[1:-1]
        self._add_evidence(cleaned, lexicon, inner)
        return cleaned, inner * self.slope

    def _add_evidence(self, cleaned: str, lexicon: Lexicon, shares: np.ndarray) -> None:
        hits = [hit for clause in lexicon.find(cleaned) for hit in clause]
        without = [f"{cleaned[: hit.start]}{_BLANK * (hit.end - hit.start)}{cleaned[hit.end :]}" for hit in hits]
        whole, *others = lexicon.evidence([cleaned, *without]) @ self.evidence
        for hit, other in zip(hits, others, strict=True):
            shares[hit.start : hit.end] += (whole - other) / (hit.end - hit.start)


def _bucket_counts(edged: str, longest: int, bits: int) -> Iterator[tuple[int, int]]:
    every = np.concatenate([bucket for _owner, _at, bucket in buckets_of([edged], longest, bits)])
    values, counts = np.unique(every, return_counts=True)
    return zip(values.tolist(), counts.tolist(), strict=True)


def weigh(counts: Matrix, idf: np.ndarray) -> Matrix:
    """(1 + log count) × idf, each row then of length one: shape as given."""
    weighed = counts.astype(np.float64)
    weighed.data = (1 + np.log(weighed.data)) * idf[weighed.indices]
    lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    return sparse.csr_matrix(sparse.diags(1 / np.maximum(lengths, 1e-12)) @ weighed)
