"""Counts of hashed character n-grams, a whole batch of texts at once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sparse

_LINK = re.compile(r"https?://\S+|&[a-z]+;")
_DIGITS = re.compile(r"\d+")
_RUN = re.compile(r"(.)\1{3,}", re.DOTALL)
_SPACE = re.compile(r"\s+")
_EDGE = "\x01"
# Odd constants of 64-bit mixing as in splitmix64: the same text gives the same bucket on every machine.
_GOLDEN, _MIX, _LAST = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_STEP = np.uint64(0x100000001B3)

# A sparse matrix in rows; SciPy declares no types.
Matrix = Any


def clean(text: str) -> str:
    """One spelling of a text: wide and narrow forms, case, links, numbers and long runs of one character are evened
    out.

    >>> clean("超级超级好！！！！！！  2024年")
    '超级超级好!!! 0年'
    """
    text = unicodedata.normalize("NFKC", text).lower()
    text = _DIGITS.sub("0", _LINK.sub(" ", text))
    return _SPACE.sub(" ", _RUN.sub(r"\1\1\1", text)).strip()


def _codes(cleaned: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Code point and number of the text for every character of all texts, in one row."""
    lengths = np.array([len(text) for text in cleaned], dtype=np.int64)
    codes = np.frombuffer("".join(cleaned).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    return codes, np.repeat(np.arange(len(cleaned), dtype=np.int64), lengths)


def buckets_of(cleaned: Sequence[str], longest: int, bits: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Bucket of every n-gram.

    Parameters
    ----------
    cleaned : texts as `clean` leaves them, with edges if they are wanted
    longest : n-grams of 1 to this many characters
    bits : there are 2**bits buckets

    Returns
    -------
    for each n one triple of arrays of shape (n-grams of n characters,): number of the text, place of the n-gram's
    first character in all texts put together, bucket
    """
    codes, owner = _codes(cleaned)
    found = []
    mixed = (codes + np.uint64(1)) * _GOLDEN
    mixed ^= mixed >> np.uint64(29)
    mixed *= _MIX
    mixed ^= mixed >> np.uint64(32)
    rolling = np.zeros(len(codes), dtype=np.uint64)
    for size in range(1, longest + 1):
        count = max(len(codes) - size + 1, 0)
        rolling = rolling[:count] * _STEP + mixed[size - 1 : size - 1 + count]
        whole = owner[:count] == owner[size - 1 : size - 1 + count]
        value = rolling[whole]
        value ^= value >> np.uint64(31)
        value *= _LAST
        value ^= value >> np.uint64(33)
        buckets = (value & np.uint64((1 << bits) - 1)).astype(np.int64)
        found.append((owner[:count][whole], np.flatnonzero(whole), buckets))
    return found


def with_edges(cleaned: str) -> str:
    """A cleaned text between two marks, so that an n-gram knows where a text begins and ends."""
    return f"{_EDGE}{cleaned}{_EDGE}"


def count_ngrams(cleaned: Sequence[str], longest: int = 4, bits: int = 20) -> Matrix:
    """How often each hashed n-gram stands in each cleaned text: shape (texts, 2**bits), float32.

    >>> counts = count_ngrams(["好好", ""], longest=1)
    >>> counts.shape, sorted(counts.toarray()[0][counts.toarray()[0] > 0].tolist())
    ((2, 1048576), [2.0, 2.0])

    References
    ----------
    Weinberger et al. 2009, Feature hashing for large scale multitask learning.
    """
    parts = buckets_of([with_edges(text) for text in cleaned], longest, bits)
    rows = np.concatenate([owner for owner, _at, _bucket in parts])
    columns = np.concatenate([bucket for _owner, _at, bucket in parts])
    ones = np.ones(len(rows), dtype=np.float32)
    return sparse.coo_matrix((ones, (rows, columns)), shape=(len(cleaned), 1 << bits)).tocsr()
