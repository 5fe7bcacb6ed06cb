"""Operations on figures: the same definitions and the same answers as page and command line."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import Path, Query, Schema
from pydantic import ConfigDict, Field

from huitou.accounts.access_api import acting
from huitou.accounts.queries import get_brand
from huitou.console.downloads import csv_response
from huitou.core.clock import day_start
from huitou.core.http_api.fields import Day, Text
from huitou.core.http_api.operations import Operations
from huitou.core.http_api.paging import Page, Paged, next_link, read_cursor
from huitou.core.http_api.problems import NotFoundError
from huitou.customers.labels import customer_labels
from huitou.reports.contact_gap import contact_gap, read_month, silent_page
from huitou.reports.explorer import CSV_HEADER, csv_rows
from huitou.reports.output import metric_object, result_object
from huitou.reports.queries import MetricResult, list_metrics, show_metric
from huitou.reports.services import make_gap_segment

router = Operations("understand")
Name = Annotated[str, Path(min_length=1, max_length=60, description="Name of the metric.", example="repurchase_rate")]

Month = Annotated[str, Path(min_length=7, max_length=7, description="Month of the purchase.", example="2017-09")]


class TargetOut(Schema):
    """What a metric is held against, in its own unit."""

    at_least: float | None = Field(None, examples=[0.9])
    at_most: float | None = None


class MetricOut(Schema):
    """One named number and its one definition."""

    metric: str = Field(description="Its name.", examples=["repurchase_rate"])
    label: str = Field(examples=["Repurchase rate"])
    term_zh: str = Field(examples=["复购率"])
    definition: str
    not_to_confuse: str = Field(description="What it is not.")
    unit: str = Field(
        description="rate (0 to 1), minor (smallest currency units), count, days or ratio.", examples=["rate"]
    )
    grains: list[str] = Field(description="Time grains it can be asked by.", examples=[["day", "month", "total"]])
    dimensions: list[str] = Field(examples=[["channel", "store", "category", "attribute.<name>"]])
    series: str | None = Field(description="What its series are, where it has several.")
    window_days: int | None = Field(description="Days after a period's end until its figures are final.")
    target: TargetOut | None = Field(description="The floor or ceiling that comes with it.")


class MetricsOut(Schema):
    """Every metric."""

    items: list[MetricOut]


@router.read("/metrics", permission="metrics.view", returns=MetricsOut)
def show_metrics(request: HttpRequest) -> MetricsOut:
    """Every metric with its definition, in alphabetical order."""
    return MetricsOut(items=[MetricOut(**metric_object(metric)) for metric in list_metrics()])


@router.read("/metrics/{name}", permission="metrics.view", returns=MetricOut)
def show_metric_definition(request: HttpRequest, name: Name) -> MetricOut:
    """One metric's definition."""
    found = next((metric for metric in list_metrics() if metric.kind == name), None)
    if found is None:
        raise NotFoundError(_("There is no metric %(name)s; GET /api/v1/metrics lists them.") % {"name": name})
    return MetricOut(**metric_object(found))


def _with_days(schema: dict[str, Any]) -> None:
    """`from` is a word of Python, so these two cannot stand among the fields below."""
    day = {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}
    schema["properties"]["from"] = {**day, "description": "First day of the period, cut to the range."}
    schema["properties"]["to"] = {**day, "description": "Last day of the period, cut to the range."}
    schema["required"] += ["from", "to"]


class FigureOut(Schema):
    """One figure. The values of the dimensions asked for stand beside these under the dimensions' names."""

    model_config = ConfigDict(extra="allow", json_schema_extra=_with_days)

    period: str | None = Field(description="null for the whole range.", examples=["2025-03"])
    series: str | None = Field(None, description="Only where the metric has several.")
    value: int | float | None = Field(description="As `unit` says; null where it is not defined.", examples=[0.284])
    numerator: int | None = Field(examples=[284])
    denominator: int | None = Field(examples=[1000])
    complete: bool = Field(description="The period and the metric's window after it are over, and not cut.")
    covered: bool = Field(description="The facts span the period and that window.")
    unit: str = Field(examples=["rate"])


class FiguresOut(Schema):
    """A metric's answer, with everything that must be printed beside it."""

    metric: str
    label: str
    term_zh: str
    definition: str
    not_to_confuse: str
    caveat: str
    unit: str
    target: TargetOut | None = Field(description="at_least or at_most, whichever it has.")
    currency: str = Field(examples=["CNY"])
    exclusions: str = Field(description="What is not counted as a purchase, in a sentence.")
    occasion: str
    as_of: str = Field(description="Instant in the brand's zone.", examples=["2025-03-31T09:00:00+08:00"])
    observed_until: str | None = Field(description="Last instant of the order facts.")
    rows: list[FigureOut]


class FiguresFilter(Schema):
    """Which figures."""

    from_date: Day = Field(alias="from", description="First day, in the brand's zone.", examples=["2025-01-01"])
    to_date: Day = Field(alias="to", description="Last day, included.", examples=["2025-06-30"])
    by: list[Text] = Field(
        [],
        max_length=10,
        description="day, week, month, quarter, year or total; and any of the metric's dimensions: channel, store,"
        " category, attribute.NAME, of messages message_channel and source. Nothing means month; only dimensions mean"
        " total.",
        examples=[["month"]],
    )
    as_of: Day | None = Field(None, description="Look at nothing from this day on.")
    occasion: Literal["order", "day"] = Field(
        "order", description="order: each purchase; day: one customer's purchases of a day are one."
    )


@router.read("/metrics/{name}/figures", permission="metrics.view", returns=FiguresOut)
def show_figures(request: HttpRequest, name: Name, asked: Query[FiguresFilter]) -> JsonResponse:
    """A metric over a range of days: the same answer as `huitou metrics show --json`."""
    return JsonResponse(result_object(_figures(name, asked)), json_dumps_params={"ensure_ascii": False})


@router.file("/metrics/{name}/figures.csv", permission="metrics.view", media_types=("text/csv",))
def download_figures(request: HttpRequest, name: Name, asked: Query[FiguresFilter]) -> HttpResponse:
    """The same figures as a file for spreadsheets, as the console gives it."""
    result = _figures(name, asked)
    return csv_response(f"{result.metric}.csv", CSV_HEADER, csv_rows(result))


def _figures(name: str, asked: FiguresFilter) -> MetricResult:
    return show_metric(
        name,
        from_date=asked.from_date,
        to_date=asked.to_date,
        by=asked.by,
        as_of=day_start(asked.as_of, get_brand().tz) if asked.as_of else None,
        occasion=asked.occasion,
    )


class GapFilter(Paged):
    """Which month."""

    month: Text = Field(
        "", description="Month of the purchase; nothing: the last whose figure is final.", examples=["2017-09"]
    )


class SilentOut(Schema):
    """A buyer out of contact."""

    person_id: int
    label: str = Field(description="The shop's number, or the masked name or phone.")
    bought_on: date = Field(description="Day of the first purchase in the month, in the brand's zone.")


class GapOut(Page):
    """A month's buyers with whom nothing happened in the 30 days after they bought."""

    month: str = Field(examples=["2017-09"])
    rate: float | None = Field(description="`contact_gap_rate` of the month; null where nobody bought.")
    silent: int | None = Field(description="Its numerator.")
    buyers: int | None = Field(description="Its denominator.")
    target: float = Field(description="Stay below it.", examples=[0.68])
    final: bool = Field(description="The month and 30 days after it are over, and covered by the facts.")
    total: int = Field(description="Customers in the list: those whose 30 days are over.")
    items: list[SilentOut]


class GapSegmentOut(Schema):
    """The segment of a month's buyers out of contact."""

    segment: str = Field(examples=["contact_gap_2017_09"])
    customers: int
    added: int = Field(description="Who came to it by this call.")


@router.read("/contact-gap", permission="metrics.view", returns=GapOut)
def show_contact_gap(request: HttpRequest, asked: Query[GapFilter]) -> GapOut:
    """The contact gap of a month with its buyers, by ascending number."""
    month = read_month(asked.month, get_brand())
    position = read_cursor(request, asked.cursor, [int])
    gap = contact_gap(month)
    found, total = silent_page(month, after=position[0] if position else 0, limit=asked.limit + 1)
    people = found[: asked.limit]
    labels = customer_labels([one.person_id for one in people])
    row = gap.row
    return GapOut(
        month=gap.month,
        rate=row.value if row else None,
        silent=row.numerator if row else None,
        buyers=row.denominator if row else None,
        target=gap.target,
        final=bool(row and row.complete and row.covered),
        total=total,
        items=[
            SilentOut(person_id=one.person_id, label=labels.get(one.person_id, ""), bought_on=one.bought_on)
            for one in people
        ],
        next=next_link(request, [people[-1].person_id]) if len(found) > asked.limit else None,
    )


@router.write("/contact-gap/{str:month}/segment", permission="segments.write", returns=GapSegmentOut)
def make_contact_gap_segment(request: HttpRequest, month: Month) -> GapSegmentOut:
    """Keep a month's buyers out of contact as a segment; again it adds who has become one since."""
    brand = get_brand()
    made = make_gap_segment(month=read_month(month, brand), clock=brand.clock, **acting(request))
    return GapSegmentOut(segment=made.segment.name, customers=made.customers, added=made.added)
