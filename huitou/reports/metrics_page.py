"""The page of all metrics, written from their declarations: docs/concepts/metrics.md."""

from __future__ import annotations

from collections.abc import Iterator

from huitou.analytics.metric import Metric
from huitou.analytics.metrics import METRICS

_UNITS = {
    "rate": "share from 0 to 1",
    "minor": "minor units of the brand's currency (分)",
    "count": "count",
    "days": "days",
}
_HEAD = """
Each metric has one definition, and the console, the command line and exports show the same figure. All metrics rest
on the same terms:

- **Purchase** 购买: a paid order with a positive amount that is not excluded, cancelled or wholly refunded. With
  `--occasion day` the purchases of one customer on one day are one, at the first one's instant; anonymous purchases
  are never joined. See [Purchase and refund](purchase-and-refund.md).
- **Period**: calendar days in the brand's zone; `--from` and `--to` both count. Weeks begin on Monday (ISO 8601). A
  period that the range cuts is computed from the days inside and marked incomplete. Every period in range has a row;
  a share without anybody to share is empty, a count or sum is 0.
- **Complete** 已完结 and **covered** 数据覆盖: see [Time and as-of](time-and-as-of.md).
- **By channel, store, category or customer attribute**: the same metric over the facts of that value alone, so a
  first purchase is then the first one there. Under a category stand the purchases that contain it (judged as whole
  orders) with the amounts of its own lines; an order counts under each of its categories. What has no value stands
  under `unknown`.
- **Messages by message channel or source**: the channel that was chosen for the message, and who asked for it, such as
  `launch:12`.
- **Only dimensions, no time grain**: the whole range is one period without a name (`total`).
"""


def metrics_page(note: str) -> str:
    """The page in Markdown; `note` says that it is generated."""
    lines = ["# Metrics", "", note, _HEAD]
    for metric in sorted(METRICS, key=lambda metric: metric.kind):
        lines += [*_section(metric), ""]
    return "\n".join(lines).rstrip() + "\n"


def _section(metric: Metric) -> Iterator[str]:
    yield f"## `{metric.kind}`"
    yield ""
    yield f"**{metric.label}** {metric.term_zh}. {metric.definition}"
    yield ""
    yield f"*What it is not:* {metric.not_to_confuse}"
    yield ""
    yield f"- Unit: {_UNITS[metric.unit]}"
    if metric.series_doc:
        yield f"- Series: {metric.series_doc}"
    yield f"- By: {', '.join(f'`{name}`' for name in metric.grains)}; {_dimensions(metric)}"
    if metric.window_days:
        days = "day" if metric.window_days == 1 else "days"
        yield f"- Complete: {metric.window_days} {days} after the period's end"
    if metric.target:
        yield f"- Target: {'at least' if metric.target.at_least else 'at most'} {metric.target.value:g}"


def _dimensions(metric: Metric) -> str:
    return ", ".join("`attribute.<name>`" if name == "attribute" else f"`{name}`" for name in metric.dimensions)
