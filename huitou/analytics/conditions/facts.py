"""What conditions look at: one view of the lake for audiences, one customer's rows for a single person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis

Row = Mapping[str, Any]
# Sources of rows, besides the features: attribute names of Facts and of History alike.
SOURCES = ("events", "orders", "lines", "tags", "consents", "identifiers", "dates", "segments")


@dataclass(frozen=True)
class Facts:
    """The lake's tables by customer, as a condition reads them; `read_facts` makes one from an engine.

    Parameters
    ----------
    features
        feat_customers: who is in it is a customer, and nobody else can be a member.
    events
        fct_events with the customer in person_id.
    orders
        int_orders.
    lines
        Lines of orders, see `order_lines`.
    tags, consents, identifiers, dates, segments
        dim_person_tags, dim_person_consents, dim_person_identifiers, dim_person_dates, int_segment_members.
    customers
        person_id: the only customers to look at; None: all.
    """

    features: ibis.Table
    events: ibis.Table
    orders: ibis.Table
    lines: ibis.Table
    tags: ibis.Table
    consents: ibis.Table
    identifiers: ibis.Table
    dates: ibis.Table
    segments: ibis.Table
    customers: ibis.Table | None = None

    def source(self, name: str) -> ibis.Table:
        """One of SOURCES."""
        assert name in SOURCES, name
        table: ibis.Table = getattr(self, name)
        return table


@dataclass(frozen=True)
class History:
    """The same for one customer: rows of those tables as mappings by column, times as aware datetimes.

    Parameters
    ----------
    person_id
        The customer.
    features
        The customer's row of feat_customers.
    events, orders, lines, tags, consents, identifiers, dates, segments
        The customer's rows, in any order. `properties` of an event is its JSON text.
    event
        The event at hand, where there is one; it is looked at by `trigger` only.
    """

    person_id: int
    features: Row = field(default_factory=dict)
    events: Sequence[Row] = ()
    orders: Sequence[Row] = ()
    lines: Sequence[Row] = ()
    tags: Sequence[Row] = ()
    consents: Sequence[Row] = ()
    identifiers: Sequence[Row] = ()
    dates: Sequence[Row] = ()
    segments: Sequence[Row] = ()
    event: Row | None = None

    def source(self, name: str) -> Sequence[Row]:
        """One of SOURCES."""
        assert name in SOURCES, name
        rows: Sequence[Row] = getattr(self, name)
        return rows
