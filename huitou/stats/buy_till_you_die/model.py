"""What every model of this kind can say, whichever it is."""

from __future__ import annotations

from typing import Protocol

from huitou.stats.buy_till_you_die.histories import Floats, Histories


class Model(Protocol):
    """Fitted parameters with their answers; times are in the unit of the histories that it was fitted to."""

    @property
    def name(self) -> str: ...

    @property
    def parameters(self) -> dict[str, float]: ...

    @property
    def log_likelihood(self) -> float: ...

    def p_alive(self, told: Histories) -> Floats:
        """Probability of each history that its customer has not stopped."""
        ...

    def reach(self, told: Histories, horizon: float) -> Floats:
        """Probability of at least one purchase within `horizon` of those who have not stopped."""
        ...

    def p_any(self, told: Histories, horizon: float) -> Floats:
        """Probability of at least one purchase within `horizon` after the end of each history."""
        ...

    def expected(self, told: Histories, horizon: float) -> Floats:
        """Expected days with a purchase within `horizon` after the end of each history."""
        ...

    def expected_of_new(self, times: Floats) -> Floats:
        """Expected repeat purchases of a new customer from the first purchase until each of `times`."""
        ...
