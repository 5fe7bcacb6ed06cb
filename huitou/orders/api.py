"""Operations on customers as their orders show them: lists, one customer, features, the refresh."""

from __future__ import annotations

import tempfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path as File
from typing import Annotated, Literal

from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext as _
from ninja import Path, Query, Schema
from pydantic import Field

from huitou.accounts.queries import get_brand
from huitou.analytics.feature import FEATURES
from huitou.catalog.labels import category_labels
from huitou.catalog.queries import product_names
from huitou.core.clock import SystemClock, day_start
from huitou.core.http_api.fields import MAX_ID, Body, Day, Id, Text, Whole, Word
from huitou.core.http_api.operations import Operations
from huitou.core.http_api.paging import Page, Paged, next_link, read_cursor
from huitou.core.http_api.problems import NotFoundError
from huitou.customers.labels import customer_labels
from huitou.customers.lookup import find_customers
from huitou.customers.queries import customers_of, find_person, find_person_ids
from huitou.orders import queries
from huitou.orders.export import export_features
from huitou.orders.listing import Place, list_from
from huitou.orders.portrait import describe, tags
from huitou.orders.queries import CustomerRow, Value
from huitou.orders.queueing import RefreshState, queue_refresh, refresh_state

router = Operations("understand")
PersonId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the customer, `person_id`.")]
Features = dict[str, int | float | str | bool | datetime | None]
_FORMS = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv"}


class CustomerOut(Schema):
    """One customer and the features by name. Personal data are masked."""

    person_id: int = Field(examples=[17])
    label: str = Field(description="The brand's customer number, else a masked name.", examples=["C1024"])
    tags: list[str] = Field(description="Short words about the customer.", examples=[["Loyal"]])
    features: Features = Field(
        description="By name, as of the last refresh; units stand in the names and in `GET /features`.",
        examples=[{"order_count": 5, "spend_minor": 45000, "last_order_at": "2025-03-01T08:00:00Z"}],
    )


class CustomerPage(Page):
    """Customers of one refresh."""

    as_of: datetime = Field(description="Instant of the refresh.")
    total: int = Field(description="Customers on all pages.", examples=[2469])
    items: list[CustomerOut]


class CustomerFilter(Paged):
    """Which customers, in which order."""

    lifecycle_stage: Text = Field("", max_length=50, examples=["declining"])
    repurchase_band: Text = Field("", max_length=50, examples=["high"])
    dormant_layer: Text = Field("", max_length=50, examples=["dormant"])
    vip_layer: Literal["", "true", "false"] = Field("", examples=["true"])
    sort: Text = Field(
        "-last_order_at",
        max_length=60,
        description="A feature's name, with a minus sign for falling order; ties by person_id, empty values last.",
        examples=["-spend_minor"],
    )


@router.read("/customers", permission="customers.view", returns=CustomerPage)
def list_customers(request: HttpRequest, asked: Query[CustomerFilter]) -> CustomerPage:
    """Customers, filtered and sorted as in the console.

    All pages show the same refresh, also when a new one ends in between.
    """
    found = read_cursor(request, asked.cursor, (int, (int, float, str, type(None)), int))
    wanted = ("lifecycle_stage", "repurchase_band", "dormant_layer", "vip_layer")
    shown = list_from(
        None if found is None else Place(*found),
        clock=SystemClock(),
        limit=asked.limit,
        sort=asked.sort,
        where={name: value for name in wanted if (value := getattr(asked, name))},
    )
    place = shown.following
    link = next_link(request, None if place is None else (place.run, place.value, place.person_id))
    return CustomerPage(items=_customers(shown.rows), total=shown.total, as_of=shown.as_of, next=link)


class DueFilter(Schema):
    """How many."""

    limit: int = Field(50, ge=1, le=200)


class DueSoonFilter(DueFilter):
    """How many, and how far ahead."""

    days: int = Field(7, ge=1, le=366, description="From the refresh's instant on.", examples=[7])


class DueOut(Schema):
    """Some customers, the biggest spenders first."""

    total: int = Field(description="All of them; `items` holds at most `limit`.", examples=[120])
    items: list[CustomerOut]


class SearchIn(Body):
    """What to look for."""

    text: Annotated[Word, Field(max_length=200)] = Field(
        description="An identifier in any spelling; where nobody has it, the beginning of a customer or member number,"
        " or part of a name.",
        examples=["张"],
    )
    limit: Annotated[Whole, Field(ge=1, le=200)] = 50


@router.read("/customers/search", method="POST", permission="customers.view", returns=DueOut)
def search_customers(request: HttpRequest, body: SearchIn) -> DueOut:
    """Customers found as in the console's search: the biggest spenders first, then who has not bought yet.

    What is searched for stands in the body, so that it enters no log. Nothing is changed.
    """
    people = find_person_ids(body.text)
    rows: list[CustomerRow] = []
    total = 0
    if queries.last_refresh() is not None:
        found = list_from(None, clock=SystemClock(), limit=body.limit, sort="-spend_minor", person_ids=people)
        rows, total = found.rows, found.total
    waiting = [CustomerRow(person_id, {}) for person_id in queries.never_bought(people)]
    return DueOut(total=total + len(waiting), items=_customers([*rows, *waiting][: body.limit]))


@router.read("/customers/due", permission="customers.view", returns=DueOut)
def list_due_customers(request: HttpRequest, asked: Query[DueSoonFilter]) -> DueOut:
    """Customers whose next purchase is due within some days by their own rhythm."""
    found = queries.due_this_week(days=asked.days, limit=asked.limit)
    return DueOut(total=found.total, items=_customers(found.rows))


@router.read("/customers/overdue", permission="customers.view", returns=DueOut)
def list_overdue_customers(request: HttpRequest, asked: Query[DueFilter]) -> DueOut:
    """Customers whose next purchase was due and who are not yet declining."""
    found = queries.overdue(limit=asked.limit)
    return DueOut(total=found.total, items=_customers(found.rows))


class CustomerDetail(CustomerOut):
    """One customer with sentences."""

    as_of: datetime | None = Field(description="Instant of the refresh that the features come from.")
    sentences: list[str] = Field(
        description="What the features say, in the caller's language, the most useful first.",
        examples=[["Buys every 23 days on average."]],
    )


@router.read("/customers/{int:person_id}", permission="customers.view", returns=CustomerDetail)
def show_customer(request: HttpRequest, person_id: PersonId) -> CustomerDetail:
    """One customer: features, tags and sentences.

    Someone who is known and never bought has no features.
    """
    return _detail(_customer(person_id))


class LookupIn(Body):
    """An identifier, exactly."""

    value: Annotated[Word, Field(max_length=200)] = Field(
        description="Phone, e-mail, customer number, openid or any other identifier.", examples=["C1024"]
    )
    kind: Annotated[Text, Field(max_length=30)] = Field(
        "", description="Kind of the identifier, such as customer_id; empty: any kind.", examples=["customer_id"]
    )
    namespace: Annotated[Text, Field(max_length=100)] = Field(
        "", description="Shop or app in which the value is unique, where the kind has one."
    )


class LookupOut(Schema):
    """Who that is; more than one where shops share a number."""

    items: list[CustomerDetail]


@router.read("/customers/lookup", method="POST", permission="customers.view", returns=LookupOut)
def look_up_customer(request: HttpRequest, body: LookupIn) -> LookupOut:
    """Recognize a customer by any identifier, for example as soon as the store page opens.

    The identifier stands in the body, so that it enters no log. Nothing is changed. An empty list means nobody.
    """
    found = find_customers(value=body.value, kind=body.kind, namespace=body.namespace)
    return LookupOut(items=[_detail(person_id) for person_id in found])


class TimelineLineOut(Schema):
    """One line of an order or refund; magnitudes for refunds."""

    sku: str
    name: str | None = Field(description="Product name, where the catalog has one.")
    category: str | None
    quantity: Decimal = Field(examples=["2"])
    amount_minor: int = Field(examples=[2500])
    discount_minor: int = Field(examples=[0])


class TimelineEntryOut(Schema):
    """One order or one refund document."""

    at: datetime
    kind: Literal["order", "refund"]
    source: str = Field(description="Feed; order numbers are unique inside one.", examples=["file"])
    order_id: str = Field(examples=["O-20250301-7"])
    amount_minor: int = Field(examples=[2500])
    channel: str | None
    store: str | None
    status: str = Field(examples=["completed"])
    is_purchase: bool = Field(description="Whether it counts as a purchase.")
    is_excluded: bool = Field(description="Whether the brand's exclusions leave it out.")
    refunded_minor: int = Field(description="What later went back of an order.", examples=[0])
    lines: list[TimelineLineOut]


class TimelineOut(Schema):
    """Orders and refunds, newest first."""

    items: list[TimelineEntryOut]


class TimelineFilter(Schema):
    """How many entries."""

    limit: int = Field(50, ge=1, le=200)


@router.read("/customers/{int:person_id}/timeline", permission="customers.view", returns=TimelineOut)
def show_customer_timeline(request: HttpRequest, person_id: PersonId, asked: Query[TimelineFilter]) -> TimelineOut:
    """What one customer bought and sent back, newest first, as of the last refresh."""
    entries = queries.order_timeline(_customer(person_id), limit=asked.limit)
    names = product_names({line.sku for entry in entries for line in entry.lines})
    return TimelineOut(items=[_timeline_entry(entry, names) for entry in entries])


def _timeline_entry(entry: queries.TimelineEntry, names: dict[str, str]) -> TimelineEntryOut:
    lines = [
        TimelineLineOut(
            sku=line.sku,
            name=names.get(line.sku),
            category=line.category,
            quantity=line.quantity,
            amount_minor=line.amount_minor,
            discount_minor=line.discount_minor,
        )
        for line in entry.lines
    ]
    return TimelineEntryOut(
        at=entry.at,
        kind="order" if entry.kind == "order" else "refund",
        source=entry.source,
        order_id=entry.order_id,
        amount_minor=entry.amount_minor,
        channel=entry.channel,
        store=entry.store,
        status=entry.status,
        is_purchase=entry.is_purchase,
        is_excluded=entry.is_excluded,
        refunded_minor=entry.refunded_minor,
        lines=lines,
    )


class FeatureOut(Schema):
    """One named column about a customer."""

    name: str = Field(examples=["orders_90d"])
    label: str = Field(examples=["Orders in 90 days"])
    term_zh: str = Field(examples=["近90天订单数"])
    unit: str = Field(description="count, minor, days, rate, score, instant, text or flag.", examples=["count"])
    definition: str = Field(description="What exactly is counted.")


class FeaturesOut(Schema):
    """Every feature."""

    items: list[FeatureOut]


@router.read("/features", permission="metrics.view", returns=FeaturesOut)
def list_features(request: HttpRequest) -> FeaturesOut:
    """Every customer feature with its unit and definition."""
    items = [
        FeatureOut(name=f.kind, label=_(f.label), term_zh=f.term_zh, unit=f.unit, definition=_(f.definition))
        for f in FEATURES
    ]
    return FeaturesOut(items=items)


class ExportFilter(Schema):
    """Of which instant, in which form."""

    as_of: Day | None = Field(None, description="A day: its first instant in the brand's zone, exclusive.")
    format: Literal["parquet", "csv"] = Field("parquet")


@router.file("/features/export", permission="customers.export", media_types=tuple(_FORMS.values()))
def export_all_features(request: HttpRequest, asked: Query[ExportFilter]) -> FileResponse:
    """Every customer's features as a file: person_id, the brand's own customer number, and every feature."""
    instant = day_start(asked.as_of, get_brand().tz) if asked.as_of else None
    with tempfile.TemporaryDirectory(prefix="huitou-features-") as folder:
        out = File(folder) / f"features.{asked.format}"
        export_features(out=out, as_of=instant)
        # The open file stays readable after its folder is gone.
        return FileResponse(out.open("rb"), as_attachment=True, filename=out.name, content_type=_FORMS[asked.format])


class RefreshRunOut(Schema):
    """One refresh."""

    id: int
    as_of: datetime = Field(description="The brand's now that the figures were computed for.")
    started_at: datetime
    finished_at: datetime | None
    error: str


class RefreshOut(Schema):
    """Where the figures stand."""

    queued: bool = Field(description="A refresh waits for the worker.")
    running: bool = Field(description="A refresh is being computed.")
    last: RefreshRunOut | None = Field(description="The last finished one: what every page and figure shows.")
    failed: RefreshRunOut | None = Field(description="A later one that did not end well.")


@router.read("/refresh", permission="metrics.view", returns=RefreshOut)
def show_refresh(request: HttpRequest) -> RefreshOut:
    """Where the figures stand: the last refresh, and whether one waits or runs."""
    return _refresh(refresh_state())


@router.write("/refresh", permission="data.write", returns=RefreshOut, status=202)
def start_refresh(request: HttpRequest) -> RefreshOut:
    """Have the figures brought up to date by the worker; `GET /refresh` tells when it is done.

    Asked for again while one is waiting, nothing more is queued. Where nothing has changed, it ends at once.
    """
    get_brand()
    queue_refresh(clock=SystemClock())
    return _refresh(refresh_state())


def _refresh(state: RefreshState) -> RefreshOut:
    def told(run: object) -> RefreshRunOut | None:
        return None if run is None else RefreshRunOut.from_orm(run)

    return RefreshOut(queued=state.queued, running=state.running, last=told(state.last), failed=told(state.failed))


def _customer(person_id: int) -> int:
    """The customer that a person belongs to, which is the person itself where nobody was joined."""
    if find_person(person_id) is None:
        raise NotFoundError(_("There is no customer %(id)s.") % {"id": person_id})
    return customers_of([person_id])[person_id]


def _detail(person_id: int) -> CustomerDetail:
    run = queries.last_refresh()
    values = queries.customer_features(person_id) if run else None
    label = customer_labels([person_id]).get(person_id, f"#{person_id}")
    if run is None or values is None:
        return CustomerDetail(person_id=person_id, label=label, tags=[], features={}, sentences=[], as_of=None)
    features = {name: value for name, value in values.items() if name != "person_id"}
    brand = get_brand()
    told = describe(_with_category(values), currency=brand.currency, zone=brand.tz, now=run.as_of)
    words = [tag.text for tag in tags(values)]
    return CustomerDetail(
        person_id=person_id, label=label, tags=words, features=features, sentences=told, as_of=run.as_of
    )


def _with_category(values: dict[str, Value]) -> dict[str, Value]:
    code = values.get("top_category")
    name = category_labels([code]).get(code) if isinstance(code, str) else None
    return {**values, "top_category": name} if name else values


def _customers(rows: list[CustomerRow]) -> list[CustomerOut]:
    labels = customer_labels([row.person_id for row in rows])
    return [
        CustomerOut(
            person_id=row.person_id,
            label=labels.get(row.person_id, f"#{row.person_id}"),
            tags=[tag.text for tag in tags(row.values)],
            features=row.values,
        )
        for row in rows
    ]
