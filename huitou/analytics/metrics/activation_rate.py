"""Share of the customers reached by messages who did something within the week after."""

import ibis

from huitou.analytics.metric import TOUCH_DIMENSIONS, Cell, Figure, Metric, Target, whole
from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Periods
from huitou.analytics.reach import ACTED_WITHIN, ACTIVATION_FLOOR, REACHED_WITHIN


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    meant = facts.meant_touches(dims).inner_join(periods.calendar(), "day")
    reached = meant.filter(meant.is_reached)
    # A purchase has a channel of its own; whichever it is, the customer bought.
    bought = facts.known_purchases().select(buyer="person_id", bought_at="paid_at")
    joined = reached.left_join(bought, reached.person_id == bought.buyer)
    inside = (joined.bought_at > joined.reached_at) & (
        joined.bought_at <= joined.reached_at + ibis.interval(hours=24 * ACTED_WITHIN.days)
    )
    customers = joined.group_by(["period", *keys(dims), "person_id"]).aggregate(
        clicked=joined.is_clicked.cast("int64").max(), bought=inside.fill_null(False).cast("int64").max()
    )
    return customers.group_by(["period", *keys(dims)]).aggregate(
        clicked=customers.clicked.sum(), bought=customers.bought.sum(), reached=customers.count()
    )


def _figures(cell: Cell) -> list[Figure]:
    reached = whole(cell.measures, "reached")
    counts = {series: whole(cell.measures, series) for series in ("clicked", "bought")}
    return [
        Figure(count / reached if reached else None, count, reached, series=series) for series, count in counts.items()
    ]


METRIC = Metric(
    kind="activation_rate",
    label="Activation conversion",
    term_zh="激活转化率",
    definition=(
        "Of the customers whom a message planned in the period reached, as for reach coverage, the share who clicked "
        "it within 7 days of being reached, and the share who bought within 7 days of being reached. Final 14 days "
        "after the period's end."
    ),
    not_to_confuse=(
        "Not an effect: many would have bought without the message. What a launch caused is said by its readout, "
        "against customers left untouched."
    ),
    unit="rate",
    compute=_compute,
    figures=_figures,
    uses_touches=True,
    window_days=(REACHED_WITHIN + ACTED_WITHIN).days,
    dimensions=TOUCH_DIMENSIONS,
    target=Target(ACTIVATION_FLOOR),
    series_doc="clicked, bought: what the customer did",
)
