"""The normal distribution from the standard library: as exact as SciPy's, and there at once.

Every command and server loads this package, and importing scipy.stats alone takes longer than starting Python.
"""

from __future__ import annotations

from math import erfc, sqrt
from statistics import NormalDist

_STANDARD = NormalDist()
_SQRT2 = sqrt(2)


def quantile(probability: float) -> float:
    """The value that a standard normal variable stays below with `probability`, 0 to 1 without its ends.

    >>> round(quantile(0.975), 6)
    1.959964
    """
    return _STANDARD.inv_cdf(probability)


def tail(z: float) -> float:
    """How likely a standard normal variable is above `z`; exact far out.

    >>> f"{tail(8):.3g}"
    '6.22e-16'
    """
    return erfc(z / _SQRT2) / 2
