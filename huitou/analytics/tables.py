"""Every table in the lake: grain, key, columns with units, partition, who writes it and when.

Names follow one rule: `fct_` append-only facts, `dim_` things, `int_` steps, `feat_` one row per customer.
Identifiers of people (names, phones, e-mails, openids) and free text never enter the lake.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import pyarrow as pa

from huitou.analytics.feature import FEATURES

INSTANT = pa.timestamp("us", tz="UTC")
QUANTITY = pa.decimal128(18, 4)


@dataclass(frozen=True)
class Column:
    """One column: its Arrow type, whether it may be empty, and what it means, with its unit."""

    name: str
    type: pa.DataType
    doc: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One lake table. `key` identifies a row, `partition` names the folder columns, `written_by` the owner."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    partition: tuple[str, ...]
    written_by: str
    refresh: str

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema in column order."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])


# As the shop reported them. `unpaid` and `cancelled` orders are kept and counted nowhere.
ORDER_STATUSES = ("unpaid", "paid", "completed", "cancelled", "partly_refunded", "refunded")

FCT_ORDER_LINES = Table(
    name="fct_order_lines",
    grain="one line of one reported version of one order or refund document",
    key=("source", "order_id", "batch_id", "line_no"),
    partition=("month",),
    written_by="sources",
    refresh="appended at every import; of each order the highest batch_id counts, whole",
    columns=(
        Column("batch_id", pa.int64(), "arrival order of the report; a later report of an order replaces it whole"),
        Column("source", pa.string(), "feed that the order came from; order numbers are unique inside one"),
        Column("order_id", pa.string(), "the shop's order or refund number"),
        Column("line_no", pa.int32(), "position of the line in this report of the order, from 1"),
        Column("kind", pa.string(), "sale, or refund (quantity and amount are then what went back, as magnitudes)"),
        Column("person_id", pa.int64(), "who bought; empty for anonymous sales", nullable=True),
        Column("sku", pa.string(), "the shop's product code"),
        Column("category", pa.string(), "category as the order reported it, if it did", nullable=True),
        Column("quantity", QUANTITY, "pieces (or kg), never negative"),
        Column("amount_minor", pa.int64(), "line amount in minor units, after discount; a magnitude for refunds"),
        Column("discount_minor", pa.int64(), "reduction already taken off amount_minor, in minor units"),
        Column("status", pa.string(), "order status as last reported: " + ", ".join(ORDER_STATUSES)),
        Column("order_type", pa.string(), "normal, sample, staff or brushing (刷单)"),
        Column("occurred_at", INSTANT, "when it was paid, or for a refund when it went back; UTC"),
        Column("refund_of", pa.string(), "order number that a refund names, if it names one", nullable=True),
        Column("channel", pa.string(), "sales channel code", nullable=True),
        Column("store", pa.string(), "store code", nullable=True),
        Column("month", pa.string(), "UTC month of occurred_at, 2011-03"),
    ),
)

FCT_EVENTS = Table(
    name="fct_events",
    grain="one message about one person: something done, or an identify, alias or group call; orders' events included",
    key=("event_id",),
    partition=("month",),
    written_by="sources",
    refresh="appended as batches arrive",
    columns=(
        Column("batch_id", pa.int64(), "the batch that brought it; ids are not committed in their order"),
        Column("event_id", pa.string(), "hash of feed and message id as 32 hexadecimal digits; repeats count once"),
        Column("name", pa.string(), "event name, in the Segment spec's words where it has one"),
        Column(
            "kind",
            pa.string(),
            "track, page or screen: something done; identify, alias or group: something told",
            nullable=True,
        ),
        Column("person_id", pa.int64(), "who it was recorded under", nullable=True),
        Column("occurred_at", INSTANT, "when it happened, the device's clock corrected; UTC"),
        Column("received_at", INSTANT, "when it arrived; UTC", nullable=True),
        Column("source", pa.string(), "feed that it came from"),
        Column("channel", pa.string(), "where it happened: channel code of the event, else of its key", nullable=True),
        Column("object_type", pa.string(), "what it was done to: product, order, coupon, page ...", nullable=True),
        Column("object_id", pa.string(), "code of that object: SKU, order number, path without query", nullable=True),
        Column("properties", pa.string(), "JSON object of properties neither personal nor free text", nullable=True),
        Column("month", pa.string(), "UTC month of occurred_at, 2011-03"),
    ),
)

DIM_PRODUCTS = Table(
    name="dim_products",
    grain="one product",
    key=("sku",),
    partition=(),
    written_by="orders",
    refresh="rewritten at every refresh from the catalog",
    columns=(
        Column("sku", pa.string(), "the shop's product code"),
        Column("category", pa.string(), "category code", nullable=True),
        Column("brand", pa.string(), "brand code", nullable=True),
        Column("list_price_minor", pa.int64(), "list price in minor units", nullable=True),
    ),
)

DIM_PERSONS = Table(
    name="dim_persons",
    grain="one person",
    key=("person_id",),
    partition=(),
    written_by="orders",
    refresh="rewritten at every refresh from the customers register",
    columns=(
        Column("person_id", pa.int64(), "the person"),
        Column(
            "known_since", INSTANT, "when the shop first knew the person, where a customer file said so", nullable=True
        ),
    ),
)

DIM_PERSON_LINKS = Table(
    name="dim_person_links",
    grain="one person whose customer is another person; everybody else is a customer of their own",
    key=("person_id",),
    partition=(),
    written_by="orders",
    refresh="rewritten at a refresh when joins have changed; joined when facts are read",
    columns=(
        Column("person_id", pa.int64(), "the person that facts were recorded under"),
        Column("customer_id", pa.int64(), "the customer: the smallest person_id among those joined"),
    ),
)

DIM_PERSON_ATTRIBUTES = Table(
    name="dim_person_attributes",
    grain="one declared attribute of one customer",
    key=("person_id", "attribute"),
    partition=(),
    written_by="orders",
    refresh="rewritten at every refresh from the customers register",
    columns=(
        Column("person_id", pa.int64(), "the customer; of several persons' values the latest told"),
        Column("attribute", pa.string(), "attribute name, for example city or age_band; milestones as their months"),
        Column("value", pa.string(), "its value as text; attributes that identify a person are never mirrored"),
    ),
)

INT_ORDERS = Table(
    name="int_orders",
    grain="one order in its latest version (sales only, unpaid and cancelled orders left out)",
    key=("source", "order_id"),
    partition=(),
    written_by="orders",
    refresh="rewritten at every refresh",
    columns=(
        Column("source", pa.string(), "feed that the order came from"),
        Column("order_id", pa.string(), "the shop's order number"),
        Column("person_id", pa.int64(), "the customer who bought; empty for anonymous sales", nullable=True),
        Column("paid_at", INSTANT, "earliest payment instant among the order's lines; UTC"),
        Column("day", pa.date32(), "paid_at in the brand's zone"),
        Column("channel", pa.string(), "sales channel code", nullable=True),
        Column("store", pa.string(), "store code", nullable=True),
        Column("amount_minor", pa.int64(), "sum of line amounts, before refunds, in minor units"),
        Column("discount_minor", pa.int64(), "sum of reductions already taken off, in minor units"),
        Column("refunded_minor", pa.int64(), "what later went back for this order, in minor units"),
        Column("is_excluded", pa.bool_(), "matches a purchase exclusion of the brand"),
        Column("is_purchase", pa.bool_(), "positive amount, not excluded, not wholly refunded"),
        Column(
            "purchase_no", pa.int32(), "1 for the customer's first purchase; empty if none or anonymous", nullable=True
        ),
        Column("previous_paid_at", INSTANT, "instant of the customer's purchase before this one", nullable=True),
    ),
)

INT_ORDER_CATEGORIES = Table(
    name="int_order_categories",
    grain="one category within one order of int_orders",
    key=("source", "order_id", "category"),
    partition=(),
    written_by="orders",
    refresh="rewritten at every refresh",
    columns=(
        Column("source", pa.string(), "feed that the order came from"),
        Column("order_id", pa.string(), "the shop's order number"),
        Column("category", pa.string(), "category of the lines, else of the product, or 'unknown'"),
        Column("person_id", pa.int64(), "the customer who bought; empty for anonymous sales", nullable=True),
        Column("paid_at", INSTANT, "payment instant of the order; UTC"),
        Column("amount_minor", pa.int64(), "sum of the category's line amounts, in minor units"),
        Column("wholly_refunded", pa.bool_(), "every line of the category with a positive amount went back"),
        Column("is_purchase", pa.bool_(), "belongs to a purchase, has a positive amount and is not wholly refunded"),
    ),
)

INT_REFUNDS = Table(
    name="int_refunds",
    grain="one part of one refund line, matched to one sale line or to none",
    key=("source", "order_id", "line_no", "part_no"),
    partition=(),
    written_by="orders",
    refresh="rewritten at every refresh",
    columns=(
        Column("source", pa.string(), "feed of the refund document"),
        Column("order_id", pa.string(), "number of the refund document"),
        Column("line_no", pa.int32(), "line of the refund document"),
        Column("part_no", pa.int32(), "part of the line, from 1, where it was split over several sale lines"),
        Column("person_id", pa.int64(), "the customer whose refund it is; empty for anonymous", nullable=True),
        Column("refunded_at", INSTANT, "when it went back; UTC"),
        Column("day", pa.date32(), "refunded_at in the brand's zone"),
        Column("sku", pa.string(), "product code"),
        Column("category", pa.string(), "category of the product, or 'unknown'"),
        Column("quantity", QUANTITY, "pieces of this part"),
        Column("amount_minor", pa.int64(), "money of this part in minor units; parts add up to the line"),
        Column("sale_source", pa.string(), "feed of the matched order; empty: unmatched refund", nullable=True),
        Column("sale_order_id", pa.string(), "number of the matched order", nullable=True),
        Column("sale_line_no", pa.int32(), "line of the matched order", nullable=True),
        Column("channel", pa.string(), "channel of the matched order, else of the refund", nullable=True),
        Column("store", pa.string(), "store of the matched order, else of the refund", nullable=True),
        Column("is_excluded", pa.bool_(), "belongs to an excluded order"),
    ),
)

INT_PERSON_DAYS = Table(
    name="int_person_days",
    grain="what one person did under one event name on one day, by the person that it was recorded under",
    key=("person_id", "day", "name"),
    partition=("month",),
    written_by="orders",
    refresh="at every refresh the months are rewritten that new events fall into; in full where the zone changed",
    columns=(
        Column("person_id", pa.int64(), "the person, not the customer: merges rewrite nothing"),
        Column("day", pa.date32(), "day of the events in the brand's zone"),
        Column("name", pa.string(), "event name"),
        Column("events", pa.int64(), "number of events"),
        Column("first_at", INSTANT, "instant of the first of them; UTC"),
        Column("last_at", INSTANT, "instant of the last of them; UTC"),
        Column("month", pa.string(), "month of the day, 2011-03"),
    ),
)

FEAT_CUSTOMERS = Table(
    name="feat_customers",
    grain="one customer: anyone with an order or refund line, or known to the shop, before the refresh's instant",
    key=("person_id",),
    partition=(),
    written_by="orders",
    refresh="rewritten at every refresh, as of its instant",
    columns=(
        Column("person_id", pa.int64(), "the customer"),
        *(
            Column(
                f.kind, ibis.dtype(f.dtype).to_pyarrow(), f.definition, nullable=f.empty is None and f.unit != "flag"
            )
            for f in FEATURES
        ),
    ),
)

INT_HISTORY_SCORES = Table(
    name="int_history_scores",
    grain="one history of purchase days that some customers share",
    key=("repeats", "first_day", "last_day"),
    partition=(),
    written_by="predictions",
    refresh="worked out when a forecast is asked for; not kept",
    columns=(
        Column("repeats", pa.int64(), "days with a purchase after the first"),
        Column("first_day", pa.int64(), "first day with a purchase, in days since 1970"),
        Column("last_day", pa.int64(), "last day with a purchase, in days since 1970"),
        Column("expected_orders", pa.float64(), "days with a purchase to expect within the horizon"),
        Column("p_order", pa.float64(), "probability of any of them, 0 to 1"),
        Column("p_alive", pa.float64(), "probability of any within a year, 0 to 1"),
        Column("next_order_date", pa.date32(), "when a purchase is as likely to have come as not", nullable=True),
        Column("even_orders", pa.float64(), "expected_orders were the horizon of mean pace", nullable=True),
        Column("even_p_order", pa.float64(), "p_order were the horizon of mean pace", nullable=True),
        Column("p_active", pa.float64(), "the model's probability of not having stopped", nullable=True),
        Column("even_orders_steady", pa.float64(), "even_orders if nobody ever stopped", nullable=True),
    ),
)

DIM_PERSON_TAGS = Table(
    name="dim_person_tags",
    grain="one tag that one customer has",
    key=("person_id", "tag"),
    partition=(),
    written_by="segments",
    refresh="rewritten at every refresh from the customers register",
    columns=(
        Column("person_id", pa.int64(), "the customer; tags of all persons joined are one set"),
        Column("tag", pa.string(), "code of the tag"),
        Column("since", INSTANT, "when it was given; UTC"),
        Column("expires_at", INSTANT, "from when on it no longer counts; empty: never", nullable=True),
    ),
)

DIM_PERSON_CONSENTS = Table(
    name="dim_person_consents",
    grain="the consent or refusal that holds for one customer, channel and purpose",
    key=("person_id", "channel", "purpose"),
    partition=(),
    written_by="segments",
    refresh="rewritten at every refresh from the customers register",
    columns=(
        Column("person_id", pa.int64(), "the customer; of several persons' words the most restrictive"),
        Column("channel", pa.string(), "channel code, for example sms"),
        Column("purpose", pa.string(), "purpose code, for example marketing"),
        Column("granted", pa.bool_(), "true: consented; false: refused"),
        Column("at", INSTANT, "when it was said; UTC"),
    ),
)

DIM_PERSON_IDENTIFIERS = Table(
    name="dim_person_identifiers",
    grain="one kind of identifier that a customer is known by: that there is one, never which",
    key=("person_id", "kind"),
    partition=(),
    written_by="segments",
    refresh="rewritten at every refresh from the customers register",
    columns=(
        Column("person_id", pa.int64(), "the customer"),
        Column("kind", pa.string(), "kind of identifier, for example phone"),
    ),
)

DIM_PERSON_DATES = Table(
    name="dim_person_dates",
    grain="one yearly date of one customer, without its year",
    key=("person_id", "kind"),
    partition=(),
    written_by="segments",
    refresh="rewritten at every refresh from the customers register",
    columns=(
        Column("person_id", pa.int64(), "the customer"),
        Column("kind", pa.string(), "what the date is, for example birthday"),
        Column("month", pa.int32(), "month, 1 to 12"),
        Column("day", pa.int32(), "day of the month, 1 to 31"),
    ),
)

INT_SEGMENT_MEMBERS = Table(
    name="int_segment_members",
    grain="one customer in one segment",
    key=("segment", "person_id"),
    partition=(),
    written_by="segments",
    refresh="rewritten at every refresh, as of its instant",
    columns=(
        Column("segment", pa.string(), "name of the segment"),
        Column("person_id", pa.int64(), "the customer"),
        Column("entered_at", INSTANT, "instant of the refresh at which the customer came in; UTC"),
    ),
)

FCT_SEGMENT_CHANGES = Table(
    name="fct_segment_changes",
    grain="one customer who came into one segment or left it, at one refresh",
    key=("run", "segment", "person_id", "change"),
    partition=("month",),
    written_by="segments",
    refresh="appended when a refresh is published",
    columns=(
        Column("segment", pa.string(), "name of the segment"),
        Column("person_id", pa.int64(), "who was the customer at that refresh"),
        Column("change", pa.string(), "entered or left"),
        Column("at", INSTANT, "instant of the refresh; UTC"),
        Column("run", pa.int64(), "number of the refresh"),
        Column("month", pa.string(), "UTC month of the instant, 2011-03"),
    ),
)

FCT_EXPOSURES = Table(
    name="fct_exposures",
    grain="one assignment of a person to an arm of an experiment, or the first touch that reached it there",
    key=("experiment", "person_id", "kind"),
    partition=("month",),
    written_by="experiments",
    refresh="appended every few minutes",
    columns=(
        Column("batch_id", pa.int64(), "the batch that brought it"),
        Column("experiment", pa.string(), "key of the experiment, for example launch:12"),
        Column("person_id", pa.int64(), "the person that was assigned; of joined persons the earliest counts"),
        Column("kind", pa.string(), "assigned: drawn, before anything was sent; reached: a touch was delivered"),
        Column("arm", pa.string(), "code of the arm; control is left untouched on purpose"),
        Column("at", INSTANT, "when it was assigned or reached; UTC"),
        Column("channel", pa.string(), "channel of the touch that reached it", nullable=True),
        Column("touch_id", pa.int64(), "number of that touch", nullable=True),
        Column("month", pa.string(), "UTC month of at, 2011-03"),
    ),
)

FCT_TOUCHES = Table(
    name="fct_touches",
    grain="one version of one intended contact; the highest version of a touch is how it stands",
    key=("touch_id", "version"),
    partition=("month",),
    written_by="messaging",
    refresh="appended every minute",
    columns=(
        Column("batch_id", pa.int64(), "the batch that brought it"),
        Column("touch_id", pa.int64(), "number of the touch"),
        Column("version", pa.int32(), "counts what happened to the touch"),
        Column("person_id", pa.int64(), "the person that it was asked for"),
        Column("parent_id", pa.int64(), "the touch that it follows because that stayed unread", nullable=True),
        Column("source", pa.string(), "who asked for it, for example launch:12"),
        Column("step", pa.string(), "step of the journey"),
        Column("variant", pa.string(), "arm or variant of the content"),
        Column("purpose", pa.string(), "marketing or service"),
        Column("channel", pa.string(), "kind of the channel, once one was chosen", nullable=True),
        Column("state", pa.string(), "planned, waiting, sending, sent, delivered, read, clicked, unknown, failed ..."),
        Column("reason", pa.string(), "code of the latest decision"),
        Column("planned_at", INSTANT, "first moment of its window; UTC"),
        Column("planned_until", INSTANT, "last moment of its window; UTC"),
        Column("sent_at", INSTANT, "when the provider took it; UTC", nullable=True),
        Column("delivered_at", INSTANT, "when it was delivered; UTC", nullable=True),
        Column("read_at", INSTANT, "when it was read; UTC", nullable=True),
        Column("clicked_at", INSTANT, "first click; UTC", nullable=True),
        Column("unsubscribed_at", INSTANT, "when the customer unsubscribed by it; UTC", nullable=True),
        Column("month", pa.string(), "UTC month of planned_at, 2011-03"),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        FCT_ORDER_LINES,
        FCT_EVENTS,
        DIM_PRODUCTS,
        DIM_PERSONS,
        DIM_PERSON_LINKS,
        DIM_PERSON_ATTRIBUTES,
        INT_ORDERS,
        INT_ORDER_CATEGORIES,
        INT_REFUNDS,
        INT_PERSON_DAYS,
        FEAT_CUSTOMERS,
        INT_HISTORY_SCORES,
        FCT_EXPOSURES,
        FCT_TOUCHES,
        DIM_PERSON_TAGS,
        DIM_PERSON_CONSENTS,
        DIM_PERSON_IDENTIFIERS,
        DIM_PERSON_DATES,
        INT_SEGMENT_MEMBERS,
        FCT_SEGMENT_CHANGES,
    )
}
