"""Messages as metrics see them: each that somebody was meant to get, as it stood at an instant."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import ibis

from huitou.analytics import reach
from huitou.analytics.days import local_day
from huitou.analytics.engines import Engine
from huitou.analytics.orders import customers_of

Span = tuple[datetime, datetime]


def touches_span(engine: Engine) -> Span:
    """First and last planned moment of fct_touches, for `touches_until`; any instant where there are none."""
    touches = engine.table("fct_touches")
    extent = touches.aggregate(first_at=touches.planned_at.min(), last_at=touches.planned_at.max())
    row = engine.to_pyarrow(extent).to_pylist()[0]
    first = row["first_at"] or datetime(2000, 1, 1, tzinfo=UTC)
    return first.astimezone(UTC), (row["last_at"] or first).astimezone(UTC)


def touches_until(
    touches: ibis.Table,
    links: ibis.Table | None,
    *,
    as_of: datetime,
    zone: str,
    span: Span,
    confirmed: Collection[str],
) -> ibis.Table:
    """One row per touch that was meant for a customer and planned before `as_of`.

    Without tests, what was taken back, and what the holdout keeps untouched. Of what happened to a touch only what
    happened before `as_of` is told.

    Parameters
    ----------
    touches : fct_touches; the highest version of a touch is how it stands
    links : dim_person_links, or None where nobody was joined
    zone, span : the brand's zone, and instants that enclose the planned moments
    confirmed : kinds of channels where somebody confirms a message before it leaves: there *sent* reaches nobody

    Returns
    -------
    Table of touch_id, person_id (the customer), source, message_channel (empty before one is chosen), day (of the
    planned moment), reached_at (within REACHED_WITHIN, else empty), is_reached, is_in_time, is_clicked.
    """
    newest = ibis.window(group_by="touch_id", order_by=ibis.desc("version"))
    latest = touches.mutate(place=ibis.row_number().over(newest))
    meant = latest.filter(
        latest.place == 0,
        latest.planned_at < ibis.literal(as_of),
        ~latest.source.startswith(reach.TEST_PREFIX),
        latest.state != reach.TAKEN_BACK,
        latest.reason != reach.HELD_OUT,
    )
    known = {name: _before(meant[name], as_of) for name in ("delivered_at", "read_at", "clicked_at", "sent_at")}
    out = meant.mutate(out_at=ibis.coalesce(*known.values()), clicked_at=known["clicked_at"])
    waits = (
        (out.state == "sent") & out.channel.isin(sorted(confirmed)).fill_null(False) & (out.step != reach.WELCOME_STEP)
    )
    reached = (
        out.state.isin(reach.REACHED_STATES)
        & ~waits
        & (out.out_at <= out.planned_at + ibis.interval(hours=_hours(reach.REACHED_WITHIN)))
    ).fill_null(False)
    in_time = (
        reached
        & (out.out_at <= out.planned_at + ibis.interval(hours=_hours(reach.IN_TIME)))
        & (out.out_at <= out.planned_until)
    ).fill_null(False)
    clicked = (reached & (out.clicked_at <= out.out_at + ibis.interval(hours=_hours(reach.ACTED_WITHIN)))).fill_null(
        False
    )
    rows = out.select(
        "touch_id",
        "person_id",
        "source",
        message_channel=out.channel,
        day=local_day(out.planned_at, zone, *span),
        reached_at=reached.ifelse(out.out_at, ibis.null(out.out_at.type())),
        is_reached=reached,
        is_in_time=in_time,
        is_clicked=clicked,
    )
    return customers_of(rows, links)


def _before(instant: ibis.Value, as_of: datetime) -> ibis.Value:
    """The instant, or nothing where it had not come yet."""
    return (instant < ibis.literal(as_of)).ifelse(instant, ibis.null(instant.type()))


def _hours(span: timedelta) -> int:
    return int(span.total_seconds() // 3600)
