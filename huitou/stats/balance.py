"""Whether the arms have the sizes that they were drawn with: if not, something kept customers out of one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from huitou.stats.allocation import WHOLE_BP, Arm

# So rarely by chance that a cause has to be looked for.
ALARM_BELOW = 0.001


@dataclass(frozen=True)
class Balance:
    """The sample-ratio check: `expected` customers by arm, and how likely such a deviation is by chance."""

    expected: Mapping[str, float]
    p_value: float

    @property
    def is_broken(self) -> bool:
        """Whether no verdict can be trusted."""
        return self.p_value < ALARM_BELOW


def check_balance(arms: Sequence[Arm], counts: Mapping[str, int]) -> Balance:
    """Compare the arms' sizes with their shares by a chi-square test; arms that share nothing must have nobody.

    References
    ----------
    A. Fabijan et al., *Diagnosing sample ratio mismatch in online controlled experiments*, KDD 2019.

    >>> halves = [Arm("control", 5000), Arm("treatment", 5000)]
    >>> check_balance(halves, {"control": 821588, "treatment": 815482}).is_broken
    True
    """
    everybody = sum(counts.get(arm.code, 0) for arm in arms)
    expected = {arm.code: everybody * arm.share_bp / WHOLE_BP for arm in arms}
    drawn = [arm.code for arm in arms if arm.share_bp]
    if any(counts.get(arm.code, 0) and not arm.share_bp for arm in arms):
        return Balance(expected, 0.0)
    if not everybody or len(drawn) < 2:
        return Balance(expected, 1.0)
    from scipy.special import chdtrc  # the tail of chi-square; see huitou.stats.normal

    deviation = sum((counts.get(code, 0) - expected[code]) ** 2 / expected[code] for code in drawn)
    return Balance(expected, float(chdtrc(len(drawn) - 1, deviation)))
