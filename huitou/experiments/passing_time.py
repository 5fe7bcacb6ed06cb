"""What experiments do while the example's clock is moved on."""

from __future__ import annotations

from huitou.core.clock import SystemClock
from huitou.core.home import Home
from huitou.experiments.exposures import write_exposures


def keep_up(*, home: Home) -> None:
    """Bring assignments and first touches into the lake."""
    write_exposures(home=home, clock=SystemClock())
