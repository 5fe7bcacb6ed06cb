"""What the settings say of the global holdout and the margin."""

from __future__ import annotations

from dataclasses import dataclass

from huitou.accounts.queries import get_brand
from huitou.experiments.holdout import Quarter, quarter_after, quarter_of
from huitou.experiments.readout import margin_bp


@dataclass(frozen=True)
class HoldoutStanding:
    """The holdout of this quarter, and of the next as it is set now; the margin in basis points."""

    current: Quarter
    following: Quarter
    margin_bp: int | None


def holdout_standing() -> HoldoutStanding:
    """As of the brand's now. Raises NoBrandError in an empty store."""
    brand = get_brand()
    now = brand.now()
    return HoldoutStanding(quarter_of(now, brand.tz), quarter_after(now, brand.tz), margin_bp())
