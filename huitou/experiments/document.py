"""A readout as one plain document: what the API, the command line and programs read."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from huitou.experiments.judging import Cohort, Comparison
from huitou.experiments.looks import Look
from huitou.experiments.models import Experiment
from huitou.experiments.readout import Readout
from huitou.experiments.words import tell, title_of
from huitou.stats.estimate import Difference


def experiment_document(experiment: Experiment) -> dict[str, Any]:
    """What was fixed when it was opened."""
    return {
        "key": experiment.key,
        "title": title_of(experiment),
        "kind": experiment.kind,
        "arms": {arm.code: arm.share_bp for arm in experiment.shares},
        "outcome": experiment.outcome,
        "window_days": experiment.window_days,
        "looks": list(experiment.look_instants[:-1]),
        "starts_at": experiment.starts_at,
        "ends_at": experiment.ends_at,
        "closed_at": experiment.closed_at,
    }


def readout_document(readout: Readout, zone: ZoneInfo) -> dict[str, Any]:
    """The whole readout; rates from 0 to 1, money in minor units, and the sentences in the reader's language."""
    return {
        "experiment": experiment_document(readout.experiment),
        "state": readout.state,
        "as_of": readout.as_of,
        "data_until": readout.data_until,
        "assigned": dict(readout.assigned),
        "balance": {
            "expected": dict(readout.balance.expected),
            "p_value": readout.balance.p_value,
            "is_broken": readout.balance.is_broken,
        },
        "arms": [vars(figures) for figures in readout.arms],
        "comparisons": [_comparison(compared) for compared in readout.comparisons],
        "looks": [_look(look) for look in readout.looks],
        "cohort_grain": readout.cohort_grain,
        "cohorts": [_cohort(cohort) for cohort in readout.cohorts],
        "not_counted": readout.not_counted,
        "mixed": readout.mixed,
        "margin_bp": readout.margin_bp,
        "spent_minor": readout.spent.minor if readout.spent else None,
        "spent_doubtful_minor": readout.spent.doubtful_minor if readout.spent else None,
        "currency": readout.currency,
        "words": [sentence.text for sentence in tell(readout, zone)],
    }


def difference_document(found: Difference | None) -> dict[str, float] | None:
    """An estimate with its interval."""
    return None if found is None else {"estimate": found.estimate, "low": found.low, "high": found.high}


def _comparison(compared: Comparison) -> dict[str, Any]:
    money = compared.money
    return {
        "arm": compared.arm,
        "verdict": compared.verdict,
        "rate": difference_document(compared.rate),
        "rate_adjusted": difference_document(compared.adjusted.difference if compared.adjusted else None),
        "variance_kept": compared.adjusted.variance_kept if compared.adjusted else None,
        "buyers": difference_document(compared.buyers),
        "revenue_minor": difference_document(money.revenue if money else None),
        "margin_minor": difference_document(money.margin if money else None),
        "cost_minor": money.cost_minor if money else None,
        "net_minor": difference_document(money.net if money else None),
        "roi": difference_document(money.roi if money else None),
        "detectable": compared.detectable,
        "opt_outs": difference_document(compared.opt_outs),
    }


def _look(look: Look) -> dict[str, Any]:
    return {
        "number": look.number,
        "at": look.at,
        "customers": dict(look.customers),
        "is_broken": look.is_broken,
        "arms": [
            {
                "arm": told.arm,
                "verdict": told.verdict,
                "rate": told.rate,
                "control_rate": told.control_rate,
                "difference": difference_document(told.difference),
            }
            for told in look.arms
        ],
    }


def _cohort(cohort: Cohort) -> dict[str, Any]:
    return {
        "name": cohort.name,
        "first_day": cohort.first_day,
        "customers": dict(cohort.customers),
        "rates": dict(cohort.rates),
        "differences": {arm: difference_document(found) for arm, found in cohort.differences.items()},
    }
