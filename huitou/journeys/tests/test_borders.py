"""The borders of a launch: events of its first moments, and entries that are found after its end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from huitou.experiments.models import Experiment
from huitou.experiments.services import close_experiment
from huitou.journeys.engine.judging import judge_as_of
from huitou.journeys.engine.signals import take_signals
from huitou.journeys.models import Enrollment, Signal
from huitou.journeys.tests.travelling import DAY, END, HOUR, START, World, journey

pytestmark = pytest.mark.django_db
REST = {"id": "rest", "kind": "wait", "mode": "for", "duration": "2d"}


def test_an_event_of_the_first_moments_waits_until_the_launch_is_open() -> None:
    """A turn that began before the launch takes events of other launches, and leaves it those that it listens for."""
    world = World(2)
    world.launch(journey([REST, END], event="Product Viewed"), name="first")
    world.turn()
    world.launch(journey([REST, END]), name="second")
    world.hear(world.people[0], "Order Completed")
    world.hear(world.people[1], "Product Viewed")
    # What the turn in hand does next; it looked for launches to open before the second one was there.
    assert take_signals(clock=world.clock, matching=judge_as_of(world.now), limit=10) == 1
    assert Signal.objects.get().name == "Order Completed"
    world.turn()
    assert set(Enrollment.objects.values_list("version__journey__name", "person_id")) == {
        ("first", world.people[1]),
        ("second", world.people[0]),
    }


def test_an_event_from_before_a_launch_that_is_still_to_come_is_not_kept() -> None:
    world = World()
    world.launch(journey([REST, END]), starts_at=START + DAY)
    world.hear(world.people[0], "Order Completed")
    world.turn()
    assert not Signal.objects.exists()


def test_entries_that_are_found_after_the_comparison_is_over_stop_nobody() -> None:
    """The worker was away: one launch is over with its window, another goes on."""
    world = World(2)
    over = journey([REST, END])
    world.launch(over, name="over", starts_at=START, ends_at=START + DAY, window_days=1, control_bp=5000)
    world.launch(journey([REST, END], event="Product Viewed"), name="goes-on")
    world.turn()
    world.hear(world.people[0], "Order Completed", at=START + HOUR)
    world.now = START + timedelta(days=2, hours=1)
    world.hear(world.people[1], "Product Viewed")
    world.turn()
    assert [e.version.journey.name for e in Enrollment.objects.all()] == ["goes-on"]
    assert not Signal.objects.exists()


def test_who_has_an_arm_keeps_it_when_nobody_new_is_drawn() -> None:
    world = World(2)
    launched = world.launch(journey([END], reentry="always"), control_bp=5000)
    world.hear(world.people[0], "Order Completed")
    world.turn()
    arm = Enrollment.objects.get().arm
    close_experiment(Experiment.objects.get(key=launched.experiment), clock=world.clock)
    world.now += HOUR
    for person in world.people:
        world.hear(person, "Order Completed")
    world.turn()
    assert list(Enrollment.objects.values_list("person_id", "arm")) == [(world.people[0], arm)] * 2
