"""Response rate to messages."""

from __future__ import annotations

import ibis

from huitou.analytics.feature import Feature, Moment

DAYS = 180


def _rate(rows: ibis.Table, moment: Moment) -> ibis.Value:
    lately = rows["first_at"] >= moment.ago(DAYS)
    rate = rows["answered"].sum(where=lately) / rows["sent"].sum(where=lately).nullif(0)
    # An answer may belong to a message from before, and one message may be answered twice.
    return (rate > 1).ifelse(1.0, rate)


FEATURE = Feature(
    kind="message_response_rate",
    label="Message response rate",
    term_zh="消息回应率",
    definition=(
        "Clicks and replies of the last 180 × 24 hours for each message sent in them, at most 1; empty where none was "
        "sent."
    ),
    unit="rate",
    over_messages=_rate,
    cut_days=DAYS,
)
