"""An estimated difference and its interval: what every comparison gives back."""

from __future__ import annotations

from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """Treatment minus control, with the interval from `low` to `high`, in the unit of what is compared."""

    estimate: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether no difference lies outside the interval: what *significant* means."""
        return self.low > 0 or self.high < 0

    def times(self, factor: float) -> Difference:
        """The same in another unit, for example of all customers instead of one; `factor` is not negative."""
        return Difference(self.estimate * factor, self.low * factor, self.high * factor)

    def plus(self, amount: float) -> Difference:
        """The same moved by an amount that is known for certain."""
        return Difference(self.estimate + amount, self.low + amount, self.high + amount)
