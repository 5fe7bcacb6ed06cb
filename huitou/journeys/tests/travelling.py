"""What tests of the engine need: a brand whose clock is moved by hand, customers, events, and journeys that run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from huitou.accounts.models import Brand
from huitou.core.clock import FixedClock
from huitou.customers.models import Person
from huitou.journeys.engine.advance import Advanced, advance
from huitou.journeys.models import Enrollment, Launch, Signal
from huitou.journeys.services import create_journey, launch, publish
from huitou.journeys.setting import LANGUAGES

# A Monday, 10:00 in Shanghai.
START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
WORDS: dict[str, Any] = dict.fromkeys(LANGUAGES, "Hello")
END = {"id": "end", "kind": "exit"}


class World:
    """A brand, its customers, and its clock."""

    def __init__(self, count: int = 1, holdout_bp: int = 0) -> None:
        from huitou.experiments.models import HoldoutShare

        self.now = START
        self.brand = Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", clock_now=START)
        HoldoutShare.objects.create(share_bp=holdout_bp, first_day=(START - 400 * DAY).date(), at=START - 400 * DAY)
        made = Person.objects.bulk_create(Person(created_at=START) for _ in range(count))
        self.people = [person.pk for person in made]
        self._events = 0

    @property
    def clock(self) -> FixedClock:
        return FixedClock(self.now)

    @staticmethod
    def clock_of_machine() -> FixedClock:
        """A clock for what only has to be written down."""
        return FixedClock(START)

    def launch(self, definition: Mapping[str, Any], *, name: str = "test", **terms: Any) -> Launch:
        """Publish the definition and launch it now."""
        draft = create_journey(name=name, title=name, definition=definition, clock=self.clock)
        version = publish(journey=draft.journey, clock=self.clock)
        return launch(version=version, clock=self.clock, **{"control_bp": 0, "holdout": False, **terms})

    def hear(self, person: int, name: str, *, at: datetime | None = None, **properties: Any) -> Signal:
        """An event as the consumer keeps it."""
        self._events += 1
        at = at or self.now
        return Signal.objects.create(
            person_id=person,
            event_id=f"{self._events:032x}",
            name=name,
            occurred_at=at,
            received_at=max(at, self.now),
            properties=properties,
        )

    def turn(self, passed: timedelta = timedelta(0), **asked: Any) -> Advanced:
        """Let time pass, and one turn of the engine."""
        self.now += passed
        return advance(brand=self.brand, clock=self.clock, **asked)


def journey(steps: Sequence[Any], *, event: str = "Order Completed", **more: Any) -> dict[str, Any]:
    """A definition whose trigger is an event."""
    return {"trigger": {"kind": "event", "event": event}, "steps": [*steps], "control_bp": 0, **more}


def way(enrollment: Enrollment) -> list[tuple[str, str]]:
    """Each step that was reached, and why."""
    return [(t.to_step, t.reason) for t in enrollment.transitions.order_by("visit")]
