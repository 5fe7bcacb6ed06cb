"""What the first page says: how repurchase stands, what needs attention, who is due, what to do next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from huitou.accounts.models import Brand
from huitou.console.charts import Chart
from huitou.console.formats import Number, format_change, format_money_short, format_value
from huitou.core.clock import local_day
from huitou.customers.labels import customer_labels
from huitou.orders import queries as orders
from huitou.orders.coverage import order_days
from huitou.orders.due import due_moment, is_historic
from huitou.reports.attention import Finding, Signals, find_attention
from huitou.reports.figures import cached_metric, chart_of, note, remembered
from huitou.reports.queries import MetricResult, MetricRow
from huitou.reports.rhythm import Rhythm, read_rhythm, refund_shares

_MONTHS = 13


@dataclass(frozen=True)
class Tile:
    """One figure at a glance: the last finished period, its change against the one before, its course.

    `good` says which way is welcome for the sign of the change; `spark` are the points of a small line, 0 to 100.
    """

    metric: str
    label: str
    value: str
    period: str
    note: str
    change: str
    good: bool | None
    target: str
    spark: str


@dataclass(frozen=True)
class DueCustomer:
    """A customer whose own rhythm says: about now."""

    person_id: int
    label: str
    due_at: datetime | None
    gap_days: Number | None
    last_order_at: datetime | None
    order_count: int
    spend_minor: int


@dataclass(frozen=True)
class NextStep:
    """Something concrete to do, with the place to do it."""

    title: str
    reason: str
    url: str


@dataclass(frozen=True)
class Overview:
    """Everything on the first page. `anchor` is the day the page speaks of: the end of historic data, or today."""

    anchor: date
    historic: bool
    exclusions: str
    tiles: list[Tile]
    trend: Chart
    curve: Chart
    revenue: Chart
    findings: list[Finding]
    due: list[DueCustomer]
    due_total: int
    steps: list[NextStep]


def build_overview(brand: Brand) -> Overview | None:
    """The overview as of the last refresh; None while there are no orders to speak of."""
    refresh = orders.last_refresh()
    days = order_days(brand)
    if refresh is None or days is None:
        return None
    today, last = local_day(brand.now(), brand.tz), days[1]
    historic = is_historic(brand)
    anchor = last if historic else today
    figures = _figures(brand, anchor)
    moment = due_moment(brand)
    rhythm = remembered(brand, lambda: read_rhythm(moment), "rhythm", moment)
    signals = _signals(brand, figures, rhythm, anchor, historic=historic)
    return Overview(
        anchor=anchor,
        historic=historic,
        exclusions=figures["repurchase_rate"].exclusions,
        tiles=[tile_of(brand, figures[name]) for name in _TILES],
        trend=chart_of(
            _kept(figures["repurchase_rate"], span_of),
            key="trend",
            title=_("Repurchase rate by month"),
            target=brand.targets.get("repurchase_rate"),
        ),
        curve=chart_of(_kept(figures["second_order_curve"], finished), key="curve", title=_("Second order curve")),
        revenue=chart_of(
            _kept(figures["new_vs_returning_revenue"], _since_first),
            key="revenue",
            title=_("Revenue from new and returning customers"),
        ),
        findings=find_attention(signals),
        due=_due_customers(rhythm.due),
        due_total=rhythm.due_total,
        steps=_steps(0 if historic else rhythm.due_total, signals),
    )


_TILES = ("repurchase_rate", "repurchase_rate_90d", "returning_buyer_share", "revenue", "buyers", "aov")


def _figures(brand: Brand, anchor: date) -> dict[str, MetricResult]:
    start = _months_before(anchor, _MONTHS - 1)
    names = [*_TILES, "new_vs_returning_revenue"]
    found = {name: cached_metric(brand, name, from_date=start, to_date=_month_end(anchor)) for name in names}
    found["second_order_curve"] = cached_metric(
        brand, "second_order_curve", from_date=_months_before(anchor, 11), to_date=anchor, by=("quarter",)
    )
    return found


def _months_before(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _kept(result: MetricResult, choose: Callable[[Sequence[MetricRow]], list[MetricRow]]) -> MetricResult:
    """The result with the rows that deserve a place at a glance; all of them where none would be left."""
    return replace(result, rows=choose(result.rows) or result.rows)


def _since_first(rows: Sequence[MetricRow]) -> list[MetricRow]:
    """The rows from the first period on in which something happened."""
    first = min((row.period or "" for row in rows if row.value), default="")
    return [row for row in rows if (row.period or "") >= first]


def finished(rows: Sequence[MetricRow]) -> list[MetricRow]:
    """The rows that will not change any more and rest on data, oldest first."""
    return [row for row in rows if row.complete and row.covered and row.value is not None]


def span_of(rows: Sequence[MetricRow]) -> list[MetricRow]:
    """The finished rows, and the empty ones between them: a month without anybody is a gap and no shorter way."""
    done = finished(rows)
    return list(rows[rows.index(done[0]) : rows.index(done[-1]) + 1]) if done else []


def tile_of(brand: Brand, result: MetricResult) -> Tile:
    shown = span_of(result.rows) or [row for row in result.rows if row.value is not None]
    current = shown[-1] if shown else None
    # Where the period before is empty, there is nothing to compare with.
    before = shown[-2] if len(shown) > 1 else None
    value, earlier = (current.value if current else None), (before.value if before else None)
    target = brand.targets.get(result.metric)
    return Tile(
        metric=result.metric,
        label=result.label,
        value=format_money_short(value, result.currency)
        if result.unit == "minor"
        else format_value(value, result.unit, result.currency),
        period=(current.period or "") if current else "",
        note=note(current) if current else "",
        change=format_change(value, earlier, result.unit),
        good=None if value is None or earlier is None or value == earlier else value > earlier,
        target="" if target is None else format_value(target, result.unit, result.currency),
        spark=_spark([row.value for row in shown]),
    )


def _spark(values: Sequence[Number | None]) -> str:
    """Points of an SVG path in a box of 100 × 30, the lowest value at the bottom; empty for fewer than three. Over
    empty periods it goes straight on."""
    known = {i: float(value) for i, value in enumerate(values) if value is not None}
    if len(known) < 3:
        return ""
    low, high = min(known.values()), max(known.values())
    spread = (high - low) or 1.0
    width = 100 / (len(values) - 1)
    return " L".join(f"{i * width:.1f} {28 - 26 * (value - low) / spread:.1f}" for i, value in known.items())


def _due_customers(rows: Sequence[orders.CustomerRow]) -> list[DueCustomer]:
    labels = customer_labels([row.person_id for row in rows])
    return [_due(row, labels.get(row.person_id, f"#{row.person_id}")) for row in rows]


def _due(row: orders.CustomerRow, label: str) -> DueCustomer:
    values = row.values
    due, last, gap = (values.get(name) for name in ("next_order_due_at", "last_order_at", "interpurchase_days_mean"))
    return DueCustomer(
        person_id=row.person_id,
        label=label,
        due_at=due if isinstance(due, datetime) else None,
        gap_days=gap if isinstance(gap, int | float) else None,
        last_order_at=last if isinstance(last, datetime) else None,
        order_count=int(str(values.get("order_count") or 0)),
        spend_minor=int(str(values.get("spend_minor") or 0)),
    )


def _signals(
    brand: Brand, figures: dict[str, MetricResult], rhythm: Rhythm, anchor: date, *, historic: bool
) -> Signals:
    # States are as of now: of data that ended long ago they would only say that everybody sleeps.
    known = 0 if historic else 1
    rates = [float(row.value or 0) for row in finished(figures["repurchase_rate"].rows)]
    buyers = [row.denominator or 0 for row in finished(figures["repurchase_rate"].rows)]
    money = [float(row.value or 0) for row in finished(figures["revenue"].rows)]
    return Signals(
        rates=rates,
        buyers=buyers,
        revenue=money,
        refunds=remembered(brand, lambda: _refunds(figures["revenue"]), "refunds", anchor),
        target=brand.targets.get("repurchase_rate"),
        customers=rhythm.customers,
        dormant=rhythm.dormant * known,
        long_dormant=rhythm.long_dormant * known,
        declining=rhythm.declining * known,
        overdue=rhythm.overdue * known,
        silent_days=(local_day(brand.now(), brand.tz) - anchor).days,
    )


def _refunds(revenue: MetricResult) -> list[float]:
    """Share of money that went back in each of the last four finished months."""
    days = [(row.first, row.last) for row in finished(revenue.rows)[-4:]]
    if not days or days[0][0] is None or days[-1][1] is None:
        return []
    return refund_shares(days[0][0], days[-1][1])


def _steps(due: int, signals: Signals) -> list[NextStep]:
    steps = []
    if due:
        steps.append(
            NextStep(
                _("Remind the customers who are due this week"),
                _("%(count)s customers would buy again in these days by their own rhythm.") % {"count": due},
                "/customers/?due=week",
            )
        )
    if signals.overdue:
        steps.append(
            NextStep(
                _("Win back those who are late"),
                _("%(count)s customers are past their usual day but not lost yet.") % {"count": signals.overdue},
                "/customers/?due=late",
            )
        )
    steps.append(
        NextStep(
            _("See where customers come back and where they do not"),
            _("Split the repurchase rate by channel, store or category."),
            "/metrics/?metric=repurchase_rate&dimension=category&grain=quarter",
        )
    )
    if signals.target is None:
        steps.append(
            NextStep(
                _("Set a target for the repurchase rate"), _("It is drawn in the charts from then on."), "/settings/"
            )
        )
    return steps
