"""What a feature is: one named, documented column about a customer as of an instant; and how all become one table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import ibis

from huitou.analytics.days import days_between, micros
from huitou.analytics.interactions import MESSAGE_ANSWERS, MESSAGE_SENT, interactions_of
from huitou.analytics.registry import Registry

if TYPE_CHECKING:
    from huitou.analytics.rules import Thresholds

# Lines without a category of their own or of their product stand under this one.
UNKNOWN_CATEGORY = "unknown"
UNITS = ("count", "minor", "days", "rate", "score", "instant", "text", "flag")
INSTANT = "timestamp('UTC', 6)"
_DTYPES = {
    "instant": INSTANT,
    "text": "string",
    "flag": "boolean",
    "score": "int32",
    "count": "int64",
    "minor": "int64",
}


@dataclass(frozen=True)
class Moment:
    """When, and by which cut-offs, features are taken."""

    as_of: datetime
    thresholds: Thresholds

    def ago(self, days: int) -> ibis.Scalar:
        """The instant `days` times 24 hours before."""
        return ibis.literal(self.as_of - timedelta(days=days))

    def days_since(self, instant: ibis.Value) -> ibis.Value:
        """Whole spans of 24 hours since a timestamp column, int64."""
        elapsed = _micros_of(self.as_of) - micros(instant)
        return (elapsed / 86_400_000_000).floor().cast("int64")


def _micros_of(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


Build = Callable[[ibis.Table, Moment], ibis.Value]


@dataclass(frozen=True)
class Feature:
    """One column of feat_customers, computed in exactly one of the ways `over_orders`, `over_categories`,
    `over_interactions`, `over_messages` and `derive`.

    Parameters
    ----------
    kind
        Name of the column and of the module; its unit stands last in it.
    label, term_zh, definition
        English name (a message id), Chinese term, and one or two sentences that say exactly what is counted.
    unit
        One of UNITS; `minor` is money in minor units, `days` are days of 24 hours, `rate` is 0 to 1.
    over_orders
        Aggregate over the customer's orders (see `order_rows`).
    over_categories
        Aggregate over the customer's categories (see `category_rows`).
    over_interactions
        Aggregate over the customer's interactions by day (see `interaction_rows`).
    over_messages
        Aggregate over the customer's messages and answers by day (see `message_rows`).
    cut_days
        With `over_interactions` and `over_messages`: the days before the instant at which a window begins.
    derive
        Value from the customer's other features, which `needs` names; windows see all customers.
    empty
        Value for customers without anything to aggregate; None: no value.
    whole_days
        For unit days: int64 rather than float64.
    """

    kind: str
    label: str
    term_zh: str
    definition: str
    unit: str
    over_orders: Build | None = None
    over_categories: Build | None = None
    over_interactions: Build | None = None
    over_messages: Build | None = None
    cut_days: int | None = None
    derive: Build | None = None
    needs: tuple[str, ...] = ()
    empty: int | None = None
    whole_days: bool = False

    def __post_init__(self) -> None:
        by_days = self.over_interactions, self.over_messages
        ways = (self.over_orders, self.over_categories, *by_days, self.derive)
        assert sum(way is not None for way in ways) == 1, f"{self.kind}: exactly one way to compute it"
        assert self.cut_days is None or any(by_days), f"{self.kind}: only what is told by day is cut"
        assert self.unit in UNITS, f"{self.kind}: unknown unit {self.unit}"
        assert bool(self.needs) == (self.derive is not None), f"{self.kind}: derived features name what they need"

    @property
    def dtype(self) -> str:
        """Ibis type of the column."""
        if self.unit == "days" and self.whole_days:
            return "int64"
        return _DTYPES.get(self.unit, "float64")


FEATURES = Registry("huitou.analytics.features", "FEATURE", Feature)


def order_rows(orders: ibis.Table) -> ibis.Table:
    """Orders of known persons that are not excluded, as features aggregate them.

    Returns
    -------
    Table
        One row per order of int_orders. `at`, `amount`, `refunded`, `discount` (minor units), `is_repeat` and
        `gap_days` (float days since the purchase before) are filled for purchases only; `ordered` and `returned`
        (minor units) for every order.
    """
    rows = orders.filter(orders.person_id.notnull(), ~orders.is_excluded)
    counts = rows.is_purchase
    return rows.select(
        person_id="person_id",
        at=counts.ifelse(rows.paid_at, ibis.null(rows.paid_at.type())),
        amount=counts.ifelse(rows.amount_minor, ibis.null("int64")),
        refunded=counts.ifelse(rows.refunded_minor, ibis.null("int64")),
        discount=counts.ifelse(rows.discount_minor, ibis.null("int64")),
        is_repeat=counts & rows.previous_paid_at.notnull(),
        gap_days=days_between(rows.previous_paid_at, rows.paid_at),
        ordered="amount_minor",
        returned="refunded_minor",
    )


def category_rows(categories: ibis.Table, names: ibis.Table) -> ibis.Table:
    """Known categories that known persons purchased in.

    Parameters
    ----------
    categories
        int_order_categories.
    names
        One row per category: `category`, `place` in the order of their names, from 0.

    Returns
    -------
    Table
        One row per person and category: `person_id`, `place`, `orders` (purchases with the category in them).
    """
    bought = categories.filter(
        categories.person_id.notnull(), categories.is_purchase, categories.category != UNKNOWN_CATEGORY
    )
    counted = bought.inner_join(names, "category")
    return counted.group_by(["person_id", "place"]).aggregate(orders=counted.count())


def interaction_rows(days: ibis.Table) -> ibis.Table:
    """Interactions of customers by day, as features aggregate them.

    Parameters
    ----------
    days
        What customers did by day and event name, in pieces that none of `interaction_cuts` divides.

    Returns
    -------
    Table
        `person_id`, `day` (brand zone), `events` (count), `first_at` and `last_at`: a row lies in a window whole if
        its `first_at` does.
    """
    return interactions_of(days).select("person_id", "day", "events", "first_at", "last_at")


def message_rows(days: ibis.Table) -> ibis.Table:
    """Messages to customers and their answers by day, as features aggregate them.

    Parameters
    ----------
    days
        As for `interaction_rows`.

    Returns
    -------
    Table
        `person_id`, `first_at`, and `sent` and `answered` (counts), of which one is 0.
    """
    rows = days.filter(days.name.isin((MESSAGE_SENT, *MESSAGE_ANSWERS)))
    is_sent = rows.name == MESSAGE_SENT
    return rows.select(
        "person_id", "first_at", sent=is_sent.ifelse(rows.events, 0), answered=is_sent.ifelse(0, rows.events)
    )


def interaction_cuts(as_of: datetime) -> list[datetime]:
    """Instants at which the windows of features over interactions and messages begin."""
    return [as_of - timedelta(days=days) for days in sorted({f.cut_days for f in FEATURES if f.cut_days})]


def category_names(categories: ibis.Table) -> ibis.Table:
    """One row per category of int_order_categories: `category` and its `place` in the order of names, from 0."""
    names = categories.select("category").distinct()
    return names.mutate(place=ibis.row_number().over(order_by="category").cast("int64"))


def build_features(
    *,
    customers: ibis.Table,
    orders: ibis.Table,
    categories: ibis.Table,
    names: ibis.Table,
    days: Callable[[], ibis.Table],
    moment: Moment,
    only: Collection[str] | None = None,
) -> ibis.Table:
    """feat_customers: every registered feature, each source aggregated once.

    Parameters
    ----------
    customers
        `person_id`, one row per customer.
    orders, categories
        int_orders and int_order_categories, cut at the same instant.
    names
        `category_names(categories)`.
    days
        Gives what customers did by day and event name before the instant, for `interaction_rows`; asked only where a
        feature wants it, as finding it may take a query.
    moment
        The instant and the cut-offs.
    only
        Names of the features that are wanted, with whatever they need; None: all.

    Returns
    -------
    Table
        One row per customer: person_id, then the features in the order of their names.
    """
    chosen = _with_needs(only)
    known_days = cache(days)
    sources: tuple[tuple[str, Callable[[], ibis.Table]], ...] = (
        ("over_orders", lambda: order_rows(orders)),
        ("over_categories", lambda: category_rows(categories, names)),
        ("over_interactions", lambda: interaction_rows(known_days())),
        ("over_messages", lambda: message_rows(known_days())),
    )
    table = customers
    for way, rows_of in sources:
        asked = [feature for feature in chosen if getattr(feature, way)]
        if asked:
            rows = rows_of()
            measures = {feature.kind: getattr(feature, way)(rows, moment) for feature in asked}
            table = table.left_join(rows.group_by("person_id").aggregate(**measures), "person_id")
            table = table.drop("person_id_right")
    filled = {f.kind: table[f.kind].fill_null(f.empty) for f in chosen if not f.derive and f.empty is not None}
    table = table.mutate(**filled)
    if any(feature.kind == "top_category" for feature in chosen):
        table = _with_names(table, names)
    for level in _levels(f for f in chosen if f.derive):
        table = table.mutate(**{f.kind: f.derive(table, moment).cast(f.dtype) for f in level if f.derive})
    return table.select("person_id", **{f.kind: table[f.kind].cast(f.dtype) for f in chosen})


def _with_needs(only: Collection[str] | None) -> list[Feature]:
    """The features of these names with all that they need, in the order of their names; None: every one."""
    if only is None:
        return list(FEATURES)
    waiting, wanted = list(only), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += FEATURES[name].needs
    return [feature for feature in FEATURES if feature.kind in wanted]


def _with_names(table: ibis.Table, names: ibis.Table) -> ibis.Table:
    """Categories leave the aggregate as places; here they get their names back."""
    joined = table.rename(top_place="top_category").left_join(
        names.select(top_category="category", place="place"), [("top_place", "place")]
    )
    return joined.drop("top_place", "place")


def _levels(derived: Iterable[Feature]) -> list[list[Feature]]:
    """Derived features in steps, so that each step needs only earlier ones."""
    waiting = {f.kind: f for f in derived}
    levels = []
    while waiting:
        ready = [f for f in waiting.values() if not set(f.needs) & set(waiting)]
        assert ready, f"features need each other in a circle: {sorted(waiting)}"
        levels.append(ready)
        for feature in ready:
            del waiting[feature.kind]
    return levels
