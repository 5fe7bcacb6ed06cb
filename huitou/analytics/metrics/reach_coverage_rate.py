"""Share of the customers whom messages were meant for that one of them reached."""

from huitou.analytics.metric import TOUCH_DIMENSIONS, Metric, Target, quotient
from huitou.analytics.metrics._reached_share import share_of_meant
from huitou.analytics.reach import COVERAGE_FLOOR, REACHED_WITHIN

METRIC = Metric(
    kind="reach_coverage_rate",
    label="Reach coverage",
    term_zh="触达覆盖率",
    definition=(
        "Of the customers for whom a message was planned in the period, the share whom at least one of these messages "
        "reached within 7 days of its planned moment: it was delivered, read or clicked, or taken by a provider that "
        "tells no more, and was not reported as failed. Tests, messages that were taken back and customers of the "
        "global holdout are left out; whoever has no consent or no address counts as not reached. Final 7 days after "
        "the period's end."
    ),
    not_to_confuse=(
        "Not the share of messages that were delivered: a customer counts once, and one whom the rules refused counts "
        "as meant. Periods do not add up."
    ),
    unit="rate",
    compute=share_of_meant("is_reached"),
    figures=quotient,
    uses_touches=True,
    is_own_record=True,
    window_days=REACHED_WITHIN.days,
    dimensions=TOUCH_DIMENSIONS,
    target=Target(COVERAGE_FLOOR),
)
