"""Share of the customers whom messages were meant for that one of them reached in time."""

from huitou.analytics.metric import TOUCH_DIMENSIONS, Metric, Target, quotient
from huitou.analytics.metrics._reached_share import share_of_meant
from huitou.analytics.reach import IN_TIME, TIMELINESS_FLOOR

METRIC = Metric(
    kind="reach_timeliness_rate",
    label="Reach timeliness",
    term_zh="触达及时率",
    definition=(
        "Of the customers for whom a message was planned in the period, the share whom at least one of these messages "
        "reached within 24 hours of its planned moment and before its window closed; a message that follows an unread "
        "one has a plan of its own. Who counts, and what reaching means, is as for reach coverage. Final one day after "
        "the period's end."
    ),
    not_to_confuse="Not the share of the reached who were reached in time: it never lies above reach coverage.",
    unit="rate",
    compute=share_of_meant("is_in_time"),
    figures=quotient,
    uses_touches=True,
    is_own_record=True,
    window_days=IN_TIME.days,
    dimensions=TOUCH_DIMENSIONS,
    target=Target(TIMELINESS_FLOOR),
)
