"""Last interaction."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="last_interaction_at",
    label="Last interaction",
    term_zh="最近互动时间",
    definition=(
        "Instant of the last thing that the customer did other than buying: a visit, a reply, a check-in. What was "
        "done to the customer, such as a message received, does not count."
    ),
    unit="instant",
    over_interactions=lambda rows, moment: rows["last_at"].max(),
)
