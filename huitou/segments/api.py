"""Operations on segments: lists, sizes, members, conditions counted, and every change that the console makes."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path as File
from typing import Annotated, Any, Literal

from django.http import FileResponse, HttpRequest
from ninja import Path, Query, Schema
from pydantic import Field

from huitou.accounts.access_api import acting
from huitou.accounts.queries import get_brand
from huitou.analytics.conditions import condition_schema
from huitou.core.clock import SystemClock, day_start
from huitou.core.http_api.fields import Body, Day, Id, Text, Whole, Word
from huitou.core.http_api.operations import Operations
from huitou.core.http_api.paging import Page, Paged, next_link, read_cursor
from huitou.customers.labels import customer_labels
from huitou.segments import queries
from huitou.segments.exporting import export_members
from huitou.segments.output import detail_object, product_clock, segment_object
from huitou.segments.paging import page_of_members
from huitou.segments.services import (
    archive_segment,
    change_segment,
    create_segment,
    install_layers,
    remove_strategy,
    restore_segment,
    set_strategy,
)

router = Operations("understand")
_FORMS = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv"}
Name = Annotated[str, Path(min_length=1, max_length=60, description="Name of the segment.")]
Definition = Annotated[
    dict[str, Any],
    Field(
        description="A condition; its form is at `GET /condition-schema`.",
        examples=[{"feature": "order_count", "is": ">=", "value": 2}],
    ),
]


class SegmentOut(Schema):
    """One segment with its size at the last refresh."""

    name: str = Field(examples=["win_back"])
    title: str = Field(examples=["待召回"])
    description: str
    group: Literal["own", "layer"] = Field(description="layer: came with the product.")
    version: int = Field(description="Number of the version that counts.", examples=[1])
    size: int | None = Field(description="Customers in it; null before its first refresh.", examples=[1234])
    entered: int | None = Field(description="Who came in at the last refresh.")
    left: int | None = Field(description="Who left at the last refresh.")
    counted_at: datetime | None
    stale: bool = Field(description="The condition was changed since the last count.")
    used_by: list[str] = Field(description="Segments and tags (with #) whose conditions ask about it.")
    archived_at: datetime | None
    sentence: str = Field(description="The condition in the caller's language.")


class SegmentsOut(Schema):
    """Every segment, own ones first."""

    items: list[SegmentOut]


class SegmentsFilter(Schema):
    """Which of them."""

    archived: bool = Field(False, description="Those in the archive instead.")


@router.read("/segments", permission="segments.view", returns=SegmentsOut)
def show_segments(request: HttpRequest, asked: Query[SegmentsFilter]) -> SegmentsOut:
    """Segments with size, what came and went at the last refresh, and who uses them."""
    listed = queries.list_segments(archived=asked.archived)
    return SegmentsOut(items=[SegmentOut(**segment_object(one)) for one in listed])


class SegmentVersionOut(Schema):
    """What the condition was from a time on."""

    number: int
    definition: dict[str, Any]
    at: datetime
    by: str


class SizeOut(Schema):
    """The size at one refresh."""

    as_of: datetime
    size: int
    entered: int
    left: int
    version: int


class SegmentUseOut(Schema):
    """A launch or a journey that asks about the segment."""

    title: str = Field(description="What it is, in the caller's language.", examples=["launch 12: 60天召回, running"])
    stops: bool = Field(description="It runs, and stands still as soon as the segment is in the archive.")


class SegmentDetail(SegmentOut):
    """One segment with its condition and history."""

    asked_by: list[SegmentUseOut] = Field(description="Launches that go on and journeys that ask about it.")
    definition: dict[str, Any]
    versions: list[SegmentVersionOut] = Field(description="The latest first.")
    sizes: list[SizeOut] = Field(description="Oldest first.")


@router.read("/segments/{str:name}", permission="segments.view", returns=SegmentDetail)
def show_segment(request: HttpRequest, name: Name) -> SegmentDetail:
    """One segment: condition, versions, sizes."""
    return SegmentDetail(**detail_object(name))


class ConditionSchemaOut(Schema):
    """A JSON Schema."""

    form: dict[str, Any] = Field(description="JSON Schema, draft 2020-12.")


@router.read("/condition-schema", permission="segments.view", returns=ConditionSchemaOut)
def show_condition_schema(request: HttpRequest) -> ConditionSchemaOut:
    """The form of conditions."""
    return ConditionSchemaOut(form=condition_schema())


class CountIn(Body):
    """A condition, and as of when."""

    where: Definition
    as_of: Day | None = Field(None, description="A day: its first instant in the brand's zone, exclusive.")
    sample: Annotated[Whole, Field(ge=0, le=50)] = Field(0, description="So many of the people, masked.")
    estimate: bool = Field(False, description="From one customer in a hundred, with an interval; quicker.")


class SegmentPersonOut(Schema):
    """One of the people, masked."""

    person_id: int
    label: str


class CountOut(Schema):
    """How many, and some of them."""

    count: int = Field(examples=[1234])
    low: int = Field(description="Lower end of the interval of 95 %; equal to count where it is exact.")
    high: int
    exact: bool
    sentence: str
    people: list[SegmentPersonOut]


@router.read("/segment-counts", method="POST", permission="segments.view", returns=CountOut)
def count_condition(request: HttpRequest, body: CountIn) -> CountOut:
    """How many customers meet a condition, exactly or from a sample. Nothing is changed."""
    instant = day_start(body.as_of, get_brand().tz) if body.as_of else None
    if body.estimate:
        size = queries.sample_size(body.where, instant)
    else:
        count = queries.count_members(body.where, instant)
        size = queries.SizeEstimate(count, count, count, exact=True)
    people = queries.sample_people(body.where, limit=body.sample, as_of=instant) if body.sample else []
    return CountOut(
        count=size.size,
        low=size.low,
        high=size.high,
        exact=size.exact,
        sentence=queries.in_words(body.where),
        people=[SegmentPersonOut(person_id=p.person_id, label=p.label) for p in people],
    )


class MemberOut(SegmentPersonOut):
    """One member and since when."""

    entered_at: datetime


class MembersOut(Page):
    """Members by number, as of one refresh."""

    total: int
    items: list[MemberOut]


@router.read("/segments/{str:name}/members", permission="segments.view", returns=MembersOut)
def show_members(request: HttpRequest, name: Name, asked: Query[Paged]) -> MembersOut:
    """Who is in a segment as of the last refresh, masked, and since when."""
    found = read_cursor(request, asked.cursor, (int,))
    shown = page_of_members(name, after=found[0] if found else 0, limit=asked.limit)
    labels = customer_labels([row[0] for row in shown.rows])
    items = [
        MemberOut(person_id=person, label=labels.get(person, f"#{person}"), entered_at=since)
        for person, since in shown.rows
    ]
    return MembersOut(items=items, total=shown.total, next=next_link(request, (shown.last,) if shown.more else None))


class MembersExportFilter(Schema):
    """Of which instant, in which form."""

    as_of: Day | None = Field(None, description="A day: its first instant in the brand's zone, exclusive.")
    format: Literal["parquet", "csv"] = Field("parquet")


@router.file("/segments/{str:name}/export", permission="customers.export", media_types=tuple(_FORMS.values()))
def export_segment(request: HttpRequest, name: Name, asked: Query[MembersExportFilter]) -> FileResponse:
    """Every member as a file: person_id, the brand's own customer number, since when."""
    instant = day_start(asked.as_of, get_brand().tz) if asked.as_of else None
    with tempfile.TemporaryDirectory(prefix="huitou-segment-") as folder:
        out = File(folder) / f"segment.{asked.format}"
        export_members(name=name, out=out, as_of=instant, clock=SystemClock(), **acting(request))
        return FileResponse(out.open("rb"), as_attachment=True, filename=out.name, content_type=_FORMS[asked.format])


class SegmentIn(Body):
    """A condition to keep."""

    where: Definition
    title: Annotated[Text, Field(max_length=120)] = Field("", examples=["待召回"])
    name: Annotated[Text, Field(max_length=60)] = Field("", description="Follows from the title where it is empty.")
    description: Annotated[Text, Field(max_length=500)] = ""


@router.write("/segments", permission="segments.write", returns=SegmentDetail, status=201)
def create_one_segment(request: HttpRequest, body: SegmentIn) -> SegmentDetail:
    """Keep a condition as a segment. It is counted at the next refresh, which is asked for."""
    made = create_segment(
        definition=body.where,
        title=body.title,
        name=body.name,
        description=body.description,
        clock=product_clock(),
        **acting(request),
    )
    return SegmentDetail(**detail_object(made.name))


class SegmentChange(Body):
    """What to change; what is left out stays."""

    where: Definition | None = None
    title: Annotated[Word, Field(max_length=120)] | None = None
    description: Annotated[Text, Field(max_length=500)] | None = None
    expected_version: Id | None = Field(None, description="Refused where the segment is at another one meanwhile.")


@router.write("/segments/{str:name}", method="PATCH", permission="segments.write", returns=SegmentDetail)
def change_one_segment(request: HttpRequest, name: Name, body: SegmentChange) -> SegmentDetail:
    """Change a segment; another condition is a new version."""
    change_segment(
        name=name,
        definition=body.where,
        title=body.title,
        description=body.description,
        expected_version=body.expected_version,
        clock=product_clock(),
        **acting(request),
    )
    return SegmentDetail(**detail_object(name))


class ArchivingFilter(Schema):
    """Whether what asks about it matters."""

    although_used: bool = Field(
        False, description="Although launches or journeys ask about it (`segment_in_use`); launches then stand still."
    )


@router.write("/segments/{str:name}", method="DELETE", permission="segments.write", returns=SegmentDetail)
def archive_one_segment(request: HttpRequest, name: Name, asked: Query[ArchivingFilter]) -> SegmentDetail:
    """Put a segment into the archive; its history stays. Twice is once. Refused where something asks about it."""
    archive_segment(name=name, although_used=asked.although_used, clock=product_clock(), **acting(request))
    return SegmentDetail(**detail_object(name))


@router.write("/segments/{str:name}/restoration", permission="segments.write", returns=SegmentDetail)
def restore_one_segment(request: HttpRequest, name: Name) -> SegmentDetail:
    """Take a segment back from the archive. Twice is once."""
    restore_segment(name=name, clock=product_clock(), **acting(request))
    return SegmentDetail(**detail_object(name))


class LayersOut(Schema):
    """What was created."""

    created: list[str]


@router.write("/segment-layers", permission="segments.write", returns=LayersOut)
def create_ready_layers(request: HttpRequest) -> LayersOut:
    """Create the ready layers that are not there yet."""
    return LayersOut(created=install_layers(clock=product_clock(), **acting(request)))


class StrategyOut(Schema):
    """What the people of a segment get."""

    segment: str
    title: str
    priority: int = Field(description="1 comes first: whoever is in several segments gets that of the first.")
    offers: str
    content: str
    channel: str
    service_level: str


class StrategiesOut(Schema):
    """Strategies by priority."""

    items: list[StrategyOut]


@router.read("/strategies", permission="segments.view", returns=StrategiesOut)
def show_strategies(request: HttpRequest) -> StrategiesOut:
    """What the people of each segment get, by priority."""
    rows = [
        StrategyOut(segment=s.segment.name, title=s.segment.title, **_strategy_texts(s))
        for s in queries.list_strategies()
    ]
    return StrategiesOut(items=rows)


class StrategyIn(Body):
    """What they get; `priority` is the place among all, the last where it is left out."""

    offers: Annotated[Text, Field(max_length=2000)] = ""
    content: Annotated[Text, Field(max_length=2000)] = ""
    channel: Annotated[Text, Field(max_length=200)] = ""
    service_level: Annotated[Text, Field(max_length=200)] = ""
    priority: Annotated[Whole, Field(ge=1, le=10_000)] | None = None


@router.write("/strategies/{str:name}", method="PUT", permission="segments.write", returns=StrategyOut)
def set_one_strategy(request: HttpRequest, name: Name, body: StrategyIn) -> StrategyOut:
    """Say what the people of a segment get."""
    done = set_strategy(segment=name, clock=product_clock(), **body.dict(), **acting(request))
    return StrategyOut(segment=name, title=done.segment.title, **_strategy_texts(done))


@router.write("/strategies/{str:name}", method="DELETE", permission="segments.write", returns=None)
def remove_one_strategy(request: HttpRequest, name: Name) -> None:
    """Let the people of a segment get nothing because of it. Twice is once."""
    remove_strategy(segment=name, clock=product_clock(), **acting(request))


def _strategy_texts(strategy: Any) -> dict[str, Any]:
    return {n: getattr(strategy, n) for n in ("priority", "offers", "content", "channel", "service_level")}
