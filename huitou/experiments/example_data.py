"""What experiments keep of the example: every comparison; with the brand also its holdout share and its margin."""

from __future__ import annotations

from huitou.experiments.models import Experiment, HoldoutShare, Margin


def drop() -> None:
    """Delete experiments with their assignments and exposures, those of the global holdout included."""
    Experiment.objects.all().delete()


def drop_settings() -> None:
    """Delete what was set for the example brand, so that the next brand begins with the defaults."""
    HoldoutShare.objects.all().delete()
    Margin.objects.all().delete()
