"""Who is drawn for what: one hash, the same in Python, PostgreSQL and the engines, and shares in basis points.

A draw is the first eight hexadecimal digits of `md5("{salt}:{customer_id}")`, read as a number from 0 to 2³² - 1. It
needs no record, is the same on every machine for ever, and draws under different salts are independent. In PostgreSQL
it is `('x' || left(md5(salt || ':' || id), 8))::bit(32)::bigint`; engines compare the eight digits as text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DRAW_SIZE = 2**32
WHOLE_BP = 10_000
_DIGITS = 8
# Greater than every hexadecimal digit: the text behind the last draw.
_BEHIND_ALL = "g"


@dataclass(frozen=True)
class Arm:
    """One treatment of a comparison, and the share of customers that it gets, in basis points."""

    code: str
    share_bp: int


@dataclass(frozen=True)
class Section:
    """An arm's own part of the draws: `low` <= draw < `high`."""

    code: str
    low: int
    high: int


def draw(salt: str, customer_id: int) -> int:
    """The customer's number under `salt`, in [0, 2³²).

    >>> draw("holdout:2026-Q4", 1)
    1453266503
    """
    return int(hashlib.md5(f"{salt}:{customer_id}".encode(), usedforsecurity=False).hexdigest()[:_DIGITS], 16)


def draws(salt: str, customer_ids: Iterable[int]) -> npt.NDArray[np.int64]:
    """`draw` of many: array of shape (customers,)."""
    return np.fromiter((draw(salt, customer) for customer in customer_ids), np.int64)


def bound(basis_points: int) -> int:
    """First draw behind the first `basis_points` of 10,000; whole numbers only, so that no engine rounds."""
    if not 0 <= basis_points <= WHOLE_BP:
        raise ValueError(f"{basis_points} is no share in basis points")
    return basis_points * DRAW_SIZE // WHOLE_BP


def text_bound(basis_points: int) -> str:
    """`bound` as text that the eight lower-case digits of a draw are compared with, in the order of code points."""
    number = bound(basis_points)
    return _BEHIND_ALL if number == DRAW_SIZE else f"{number:0{_DIGITS}x}"


def is_within(number: int, from_bp: int, to_bp: int) -> bool:
    """Whether a draw lies in [`from_bp`, `to_bp`) of 10,000."""
    return bound(from_bp) <= number < bound(to_bp)


def sections(arms: Sequence[Arm]) -> tuple[Section, ...]:
    """The draws cut among `arms`, in their order.

    Raises
    ------
    ValueError
        The shares are not whole numbers from 0 that add up to 10,000, or a code stands twice.
    """
    if sum(arm.share_bp for arm in arms) != WHOLE_BP or any(arm.share_bp < 0 for arm in arms):
        raise ValueError("shares must add up to 10,000 basis points")
    if len({arm.code for arm in arms}) != len(arms):
        raise ValueError("an arm stands twice")
    found, start = [], 0
    for arm in arms:
        found.append(Section(arm.code, bound(start), bound(start + arm.share_bp)))
        start += arm.share_bp
    return tuple(found)


def arm_of(cut: Sequence[Section], number: int) -> str:
    """Code of the arm that the draw falls to."""
    return next(section.code for section in cut if section.low <= number < section.high)
