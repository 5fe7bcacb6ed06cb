"""LightGBM, loaded by who grows trees. It needs the system's OpenMP library, which a bare system may lack."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

THREADS = 2
# The same rows give the same trees, on every machine of one kind.
REPEATABLE: dict[str, Any] = {
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": THREADS,
    "verbose": -1,
}


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
