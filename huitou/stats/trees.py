"""LightGBM, loaded by who grows trees. It needs the system's OpenMP library, which a bare system may lack."""

from __future__ import annotations

import os
from functools import cache
from typing import Any


@cache
def lightgbm() -> Any:
    """The module. Raises OSError where it cannot be loaded."""
    # Threads that wait do so without spinning: on a machine that has other work, spinning makes fits many times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import lightgbm as module  # a second to import

    return module


@cache
def can_grow() -> bool:
    """Whether it can be loaded here."""
    try:
        lightgbm()
    except OSError:
        return False
    return True
