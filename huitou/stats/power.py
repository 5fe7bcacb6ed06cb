"""How small an effect a comparison can show, and how many customers to leave as control."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from huitou.stats.allocation import WHOLE_BP
from huitou.stats.normal import quantile, tail

POWER = 0.8
ALPHA = 0.05
DEFAULT_CONTROL_BP = 1000
HALF_BP = 5000
# Points of a rate. A message rarely moves more customers than this: a comparison that only larger effects show
# would mostly say nothing.
WORTH_SEEING = 0.05


def power_of_rates(base: float, effect: float, treated: int, controls: int, alpha: float = ALPHA) -> float:
    """How likely a rate of `base` + `effect` against `base` is told from no effect, two-sided at `alpha`.

    References
    ----------
    J. L. Fleiss, *Statistical Methods for Rates and Proportions*, 2nd ed., equation 3.14 (pooled rate under no effect).
    """
    shifted = base + effect
    share = treated / (treated + controls)
    pooled = share * shifted + (1 - share) * base
    null = sqrt(pooled * (1 - pooled) * (1 / treated + 1 / controls))
    real = sqrt(shifted * (1 - shifted) / treated + base * (1 - base) / controls)
    z = quantile(1 - alpha / 2)
    if real == 0:
        return 1.0 if abs(effect) > z * null else 0.0
    return tail((z * null - abs(effect)) / real)


def smallest_detectable(
    base: float, treated: int, controls: int, *, power: float = POWER, alpha: float = ALPHA
) -> float | None:
    """The smallest rise above the rate `base` that is told from no effect with `power`; None where none is.

    Parameters
    ----------
    base : rate of the control, 0 to 1
    treated, controls : customers in the arms

    >>> round(smallest_detectable(0.2, 1094, 1094), 3)
    0.05
    """
    if treated < 1 or controls < 1 or not 0 <= base < 1:
        return None

    def short(effect: float) -> float:
        return power_of_rates(base, effect, treated, controls, alpha) - power

    from scipy.optimize import brentq  # loaded by who asks: see huitou.stats.normal

    most = 1 - base
    if short(most) < 0:
        return None
    return float(brentq(short, 1e-9, most, xtol=1e-7))


@dataclass(frozen=True)
class ControlAdvice:
    """How many to leave as control, and the smallest detectable effects that speak for it.

    `at_default` is with the default share, `at_half` with half of the audience, `at_suggested` with what is advised.
    """

    share_bp: int
    at_default: float | None
    at_half: float | None

    @property
    def at_suggested(self) -> float | None:
        return self.at_default if self.share_bp == DEFAULT_CONTROL_BP else self.at_half


def suggest_control(audience: int, base: float) -> ControlAdvice:
    """10 % where that shows an effect of 5 points; half where the audience is too small for that.

    Equal arms show the smallest effect that an audience can show, so half is the most that can be done about it; a
    larger audience need not pay that many customers left alone.
    """
    found = [
        smallest_detectable(base, audience - (left := audience * share // WHOLE_BP), left)
        for share in (DEFAULT_CONTROL_BP, HALF_BP)
    ]
    enough = found[0] is not None and found[0] <= WORTH_SEEING
    return ControlAdvice(DEFAULT_CONTROL_BP if enough else HALF_BP, found[0], found[1])
