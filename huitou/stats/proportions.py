"""The difference of two rates, honest where arms are small or rates near 0 or 1."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from huitou.stats.estimate import CONFIDENCE, Difference
from huitou.stats.normal import quantile


@dataclass(frozen=True)
class Successes:
    """So many `successes` among `trials`."""

    successes: int
    trials: int

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.trials or self.trials < 1:
            raise ValueError(f"{self.successes} of {self.trials} is no rate")

    @property
    def rate(self) -> float:
        return self.successes / self.trials


def wilson(count: Successes, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of one rate by the score test.

    References
    ----------
    E. B. Wilson, *Probable inference, the law of succession, and statistical inference*, JASA 22 (1927).

    >>> [round(edge, 4) for edge in wilson(Successes(81, 263))]
    [0.2553, 0.3662]
    """
    z = quantile((1 + confidence) / 2)
    n, p = count.trials, count.rate
    center = p + z * z / (2 * n)
    reach = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # The edges of none and of all are exactly 0 and 1, whatever rounding says.
    low = 0.0 if count.successes == 0 else (center - reach) / (1 + z * z / n)
    high = 1.0 if count.successes == n else (center + reach) / (1 + z * z / n)
    return low, high


def compare_proportions(treatment: Successes, control: Successes, confidence: float = CONFIDENCE) -> Difference:
    """Treatment rate minus control rate, with Newcombe's interval.

    It puts the two Wilson intervals together, so it never leaves -1 to 1, is no single point where nobody or everybody
    succeeded, and covers close to `confidence` from 100 customers an arm on, equal arms or not.

    References
    ----------
    R. G. Newcombe, *Interval estimation for the difference between independent proportions: comparison of eleven
    methods*, Statistics in Medicine 17 (1998), method 10.

    >>> found = compare_proportions(Successes(56, 70), Successes(48, 80))
    >>> round(found.low, 4), round(found.high, 4)
    (0.0524, 0.3339)
    """
    t, c = treatment.rate, control.rate
    t_low, t_high = wilson(treatment, confidence)
    c_low, c_high = wilson(control, confidence)
    down = sqrt((t - t_low) ** 2 + (c_high - c) ** 2)
    up = sqrt((t_high - t) ** 2 + (c - c_low) ** 2)
    return Difference(t - c, t - c - down, t - c + up)
