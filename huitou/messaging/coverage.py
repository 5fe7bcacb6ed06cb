"""Of whom a launch wanted to reach: how many were reached, how many in time, and how many did something about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from huitou.messaging.models import Touch
from huitou.messaging.reached import has_reached

# The floors that operators hold a launch against.
COVERAGE_FLOOR, TIMELINESS_FLOOR, ACTIVATION_FLOOR = 0.90, 0.80, 0.15
# A message is in time if it goes out within so long of when it was planned.
IN_TIME = timedelta(hours=24)


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
    wanted: set[int] = set()
    reached: set[int] = set()
    in_time: set[int] = set()
    activated: set[int] = set()
    columns = ("person_id", "state", "channel", "step", "send_after", "sent_at", "clicked_at")
    for person, state, channel, step, planned, sent_at, clicked_at in (
        Touch.objects.filter(source=source).values_list(*columns).iterator()
    ):
        wanted.add(person)
        if has_reached(state, channel, step):
            reached.add(person)
            if sent_at is not None and sent_at - planned <= IN_TIME:
                in_time.add(person)
            if clicked_at is not None:
                activated.add(person)
    return Coverage(len(wanted), len(reached), len(in_time), len(activated))
