"""Of whom a launch wanted to reach: how many were reached, how many in time, and how many clicked.

The terms are those of the metrics reach_coverage_rate, reach_timeliness_rate and activation_rate, here of one source
and as things stand now, before they are in the lake.
"""

from __future__ import annotations

from dataclasses import dataclass

from huitou.analytics import reach
from huitou.customers.queries import customers_of
from huitou.messaging.models import Touch
from huitou.messaging.reached import has_reached

_COLUMNS = (
    "person_id", "state", "channel", "step", "send_after", "not_after",
    "sent_at", "delivered_at", "read_at", "clicked_at",
)  # fmt: skip


@dataclass(frozen=True)
class Coverage:
    """Customers of one source: wanted, reached, reached in time, and reached ones who clicked. Rates are 0 to 1."""

    wanted: int
    reached: int
    in_time: int
    activated: int

    @property
    def coverage(self) -> float:
        """Reached of all who were wanted; floor 0.90."""
        return self.reached / self.wanted if self.wanted else 0.0

    @property
    def timeliness(self) -> float:
        """Reached in time of all who were wanted; floor 0.80."""
        return self.in_time / self.wanted if self.wanted else 0.0

    @property
    def activation(self) -> float:
        """Clicked of all who were reached; floor 0.15."""
        return self.activated / self.reached if self.reached else 0.0


def coverage_of(source: str) -> Coverage:
    """The figures of one source, such as launch:12. A customer counts once, however many messages there were."""
    meant = Touch.objects.filter(source=source).exclude(state=reach.TAKEN_BACK).exclude(reason=reach.HELD_OUT)
    rows = list(meant.values_list(*_COLUMNS))
    customers = customers_of(row[0] for row in rows)
    wanted = set(customers.values())
    reached: set[int] = set()
    in_time: set[int] = set()
    activated: set[int] = set()
    for person, state, channel, step, planned, until, sent_at, delivered_at, read_at, clicked_at in rows:
        at = delivered_at or read_at or clicked_at or sent_at
        if not has_reached(state, channel, step) or at is None or at > planned + reach.REACHED_WITHIN:
            continue
        reached.add(customers[person])
        if at <= min(until, planned + reach.IN_TIME):
            in_time.add(customers[person])
        if clicked_at is not None and clicked_at <= at + reach.ACTED_WITHIN:
            activated.add(customers[person])
    return Coverage(len(wanted), len(reached), len(in_time), len(activated))
