"""The metrics explorer: what was asked in the address, and the answer as chart, table and file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext as _

from huitou.accounts.models import Brand
from huitou.catalog.labels import category_labels
from huitou.console.channels import channel_labels
from huitou.console.charts import Chart
from huitou.console.formats import format_value
from huitou.core.clock import day_start
from huitou.customers.attributes import attribute_label, attribute_value_label
from huitou.customers.labels import list_attributes
from huitou.messaging.origins import origins_of
from huitou.reports.dimensions import dimension_value
from huitou.reports.figures import (
    BARS_LIMIT,
    SERIES_LIMIT,
    SMALL_GROUP,
    cached_metric,
    chart_of,
    is_curve,
    is_small,
    note,
    row_label,
    series_label,
)
from huitou.reports.output import target_words
from huitou.reports.pivot import Pivot, pivot_of
from huitou.reports.queries import MetricResult, MetricRow, list_metrics

Choices = list[tuple[str, str | Promise]]

GRAINS: Choices = [
    ("month", gettext_lazy("Month")),
    ("quarter", gettext_lazy("Quarter")),
    ("year", gettext_lazy("Year")),
    ("week", gettext_lazy("Week")),
    ("day", gettext_lazy("Day")),
    ("total", gettext_lazy("Whole range")),
]
OCCASIONS: Choices = [
    ("order", gettext_lazy("Every order")),
    ("day", gettext_lazy("Orders of one day as one")),
]
# Longest range by grain, in days: what a chart and a table can still show.
_LONGEST = {"day": 400, "week": 1500}


class ExplorerForm(forms.Form):
    """What may be asked. Dates are whole days of the brand, both inclusive; as-of means the start of its day."""

    metric = forms.ChoiceField(label=gettext_lazy("Metric"))
    grain = forms.ChoiceField(label=gettext_lazy("By"), choices=GRAINS)
    dimension = forms.ChoiceField(label=gettext_lazy("Split by"), required=False)
    from_date = forms.DateField(
        label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    to_date = forms.DateField(
        label=gettext_lazy("To"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    occasion = forms.ChoiceField(label=gettext_lazy("A purchase is"), choices=OCCASIONS)
    as_of = forms.DateField(
        label=gettext_lazy("As known on (optional)"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    @classmethod
    def from_query(cls, query: QueryDict, *, first_day: date, last_day: date) -> ExplorerForm:
        """The form with what the address asks for, and where it says nothing the last year of the days with orders."""
        start = max((last_day.replace(day=1) - timedelta(days=360)).replace(day=1), first_day.replace(day=1))
        # Whole months: one that the data do not reach to the end of is not covered, but it is not cut either.
        end = (last_day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        data = {
            "metric": "repurchase_rate",
            "grain": "month",
            "dimension": "",
            "from_date": start.isoformat(),
            "to_date": end.isoformat(),
            "occasion": "order",
            "as_of": "",
        }
        data |= {name: str(query[name]) for name in data if name in query}
        metrics = {metric.kind: metric for metric in list_metrics()}
        asked = metrics.get(data["metric"])
        if asked is not None and data["grain"] not in asked.grains:
            data["grain"] = asked.grains[0]
        form = cls(data)
        form._choose("metric", [(kind, gettext(metric.label)) for kind, metric in metrics.items()])
        dims: Choices = [("", _("Nothing")), *dimension_choices()]
        if asked is not None:
            form._choose("grain", [choice for choice in GRAINS if choice[0] in asked.grains])
            dims = [c for c in dims if not c[0] or c[0].split(".")[0] in asked.dimensions]
        form._choose("dimension", dims)
        return form

    def _choose(self, name: str, choices: Choices) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField), "only choice fields have choices"
        field.choices = choices

    def clean(self) -> dict[str, object]:
        data = self.cleaned_data
        first, last = data.get("from_date"), data.get("to_date")
        if first and last and first > last:
            self.add_error("from_date", _("The range begins after it ends."))
        elif first and last and (last - first).days > _LONGEST.get(str(data.get("grain")), 40_000):
            self.add_error("grain", _("The range is too long for this; choose a coarser one."))
        return data


def dimension_choices() -> Choices:
    """Everything that figures can be split by: the fixed dimensions and the attributes that customers have."""
    fixed: Choices = [
        ("channel", _("Channel")),
        ("store", _("Store")),
        ("category", _("Category")),
        ("message_channel", _("Message channel")),
        ("source", _("Launch or sender")),
    ]
    return [*fixed, *[(f"attribute.{name}", attribute_label(name)) for name in list_attributes()]]


@dataclass(frozen=True)
class TableRow:
    """One line of the explorer's table, ready to print."""

    period: str
    group: str
    value: str
    numerator: str
    denominator: str
    note: str


@dataclass(frozen=True)
class Answer:
    """What the explorer shows. `rows` is every row, or `pivot` where groups and periods make a table of two ways;
    `chart` holds at most the largest groups.
    """

    result: MetricResult
    chart: Chart
    rows: list[TableRow]
    pivot: Pivot | None
    by_period: bool
    grouped: bool
    made_of: bool
    hidden_groups: int
    small_groups: int
    small_limit: int = field(default=SMALL_GROUP, kw_only=True)
    not_to_confuse: str
    target: str = field(default="", kw_only=True)


def explore(brand: Brand, form: ExplorerForm) -> Answer:
    """Compute what a valid form asks for. Raises DomainError where the metric refuses."""
    data = form.cleaned_data
    by = [data["grain"], *([data["dimension"]] if data["dimension"] else [])]
    result = cached_metric(
        brand,
        data["metric"],
        from_date=data["from_date"],
        to_date=data["to_date"],
        by=by,
        as_of=day_start(data["as_of"], brand.tz) if data["as_of"] else None,
        occasion=data["occasion"],
    )
    result = _with_names(result)
    own = None if data["dimension"] or data["grain"] != "month" else brand.targets.get(data["metric"])
    target = own if own is not None else result.target.value if result.target else None
    rows = [_table_row(result, row) for row in result.rows]
    chart = chart_of(result, key="explorer", target=target)
    groups = {row_label(row) for row in result.rows}
    declared = next((metric for metric in list_metrics() if metric.kind == result.metric), None)
    return Answer(
        result=result,
        chart=chart,
        rows=rows,
        pivot=pivot_of(result),
        by_period=any(row.period for row in result.rows) or not any(row.group for row in rows),
        grouped=any(row.group for row in rows),
        made_of=any(row.denominator is not None for row in result.rows),
        hidden_groups=0 if is_curve(result) else max(0, len(groups) - _drawn(chart)),
        small_groups=len({row_label(row) for row in result.rows if is_small(row) and row.complete and row.covered}),
        target=target_words(result.target, result.unit, result.currency) if result.target else "",
        not_to_confuse=gettext(declared.not_to_confuse) if declared and declared.not_to_confuse else "",
    )


def _drawn(chart: Chart) -> int:
    """How many groups the chart can show: bars stand for a group each, lines and stacks for one each."""
    return BARS_LIMIT if chart.kind == "bar" else SERIES_LIMIT


def _with_names(result: MetricResult) -> MetricResult:
    """The result with categories and attribute values as people call them."""
    codes = {row.dims["category"] for row in result.rows if "category" in row.dims}
    names = category_labels(codes) if codes else {}
    channels = channel_labels({row.dims["channel"] for row in result.rows if "channel" in row.dims})
    sources = origins_of({row.dims["source"] for row in result.rows if "source" in row.dims})

    def name(dim: str, value: str) -> str:
        if dim == "channel":
            return channels[value]
        if dim == "message_channel":
            return dimension_value(dim, value)
        if dim == "source":
            return sources[value].title
        return names.get(value, value) if dim == "category" else attribute_value_label(value)

    rows = [replace(row, dims={dim: name(dim, value) for dim, value in row.dims.items()}) for row in result.rows]
    return replace(result, rows=rows)


def _group(result: MetricResult, row: MetricRow) -> str:
    if is_curve(result):
        dims = " · ".join(map(series_label, row.dims.values()))
        return f"{dims} {row.series}".strip()
    return row_label(row)


def _table_row(result: MetricResult, row: MetricRow) -> TableRow:
    unit = row.unit or result.unit
    part = "minor" if unit == "minor" else "count"
    return TableRow(
        period=row.period or _("Whole range"),
        group=_group(result, row),
        value=format_value(row.value, unit, result.currency),
        numerator=format_value(row.numerator, part, result.currency),
        denominator=format_value(row.denominator, "count", result.currency),
        note=note(row),
    )


CSV_HEADER = ("period", "group", "value", "unit", "numerator", "denominator", "complete", "covered")


def csv_rows(result: MetricResult) -> Iterator[tuple[object, ...]]:
    """Every row with plain numbers: rates from 0 to 1, money in minor units, as `unit` says."""
    for row in result.rows:
        yield (
            row.period,
            _group(result, row),
            row.value,
            row.unit or result.unit,
            row.numerator,
            row.denominator,
            row.complete,
            row.covered,
        )
