"""Reads of experiments: which arm a customer has, who is held out, and what an experiment showed."""

from __future__ import annotations

from huitou.experiments.finding import (
    CustomerArm,
    ExperimentUnknownError,
    arms_of,
    arms_of_customer,
    count_by_arm,
    current_quarter,
    find_experiment,
    get_experiment,
    held_out,
    list_experiments,
)
from huitou.experiments.readout import Readout, margin_bp, readout, readouts

__all__ = [
    "CustomerArm",
    "ExperimentUnknownError",
    "Readout",
    "arms_of",
    "arms_of_customer",
    "count_by_arm",
    "current_quarter",
    "find_experiment",
    "get_experiment",
    "held_out",
    "list_experiments",
    "margin_bp",
    "readout",
    "readouts",
]
