"""The family of repurchase rates within a fixed number of days; each member is a file of its own."""

from datetime import timedelta
from functools import partial

import ibis

from huitou.analytics.metric import Metric, quotient
from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Periods


def repurchase_rate_within(days: int) -> Metric:
    """The metric `repurchase_rate_<days>d`: who came back at most `days` × 24 hours after the first purchase."""
    return Metric(
        kind=f"repurchase_rate_{days}d",
        label=f"Repurchase rate within {days} days",
        term_zh=f"{days}天复购率",
        definition=(
            "Of the customers with a purchase in the period, the share with a later purchase at most "
            f"{days} × 24 hours after their first purchase in the period. The later purchase may lie after the "
            f"period's end; two purchases at the same instant are not later. Final {days} days after the period's end."
        ),
        not_to_confuse=(
            "Not the repurchase rate of the period (复购率), which counts only what lies inside it, and not a cohort "
            "of first-time buyers: everybody who bought in the period counts, old customers too."
        ),
        unit="rate",
        compute=partial(_compute, days),
        figures=quotient,
        window_days=days,
    )


def _compute(days: int, facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    by = [*keys(dims), "person_id"]
    every = facts.known_purchases(dims)
    # Local days and windows of 24 hours differ by the zone's offset changes: two more days are surely enough.
    reach = ibis.date(str(periods.last + timedelta(days=days + 2)))
    near = every.filter((every.day >= ibis.date(str(periods.first))) & (every.day <= reach))
    # One row per instant: then the next row of a customer is strictly later.
    instants = near.group_by([*by, "paid_at", "day"]).aggregate()
    followed = instants.mutate(next_at=instants.paid_at.lead().over(group_by=by, order_by="paid_at"))
    inside = followed.inner_join(periods.calendar(), "day")
    # next_at grows with paid_at, so the smallest one is the one that follows the first purchase.
    customers = inside.group_by(["period", *by]).aggregate(
        first_at=inside.paid_at.min(), second_at=inside.next_at.min()
    )
    back = customers.second_at <= customers.first_at + ibis.interval(hours=24 * days)
    return customers.group_by(["period", *keys(dims)]).aggregate(
        numerator=back.fill_null(False).sum(), denominator=customers.count()
    )
