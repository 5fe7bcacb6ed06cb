"""The example's hours without a worker: who was reached is recorded, and removing leaves nothing of the launches."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from huitou.core.engine import open_home_engine
from huitou.core.home import Home
from huitou.customers.models import Identifier
from huitou.experiments.models import Assignment, Experiment, Exposure, HoldoutShare
from huitou.journeys.models import Enrollment, Journey, Launch, StaffTask, Transition
from huitou.journeys.tests.travelling import END, START, WORDS, World, journey
from huitou.messaging.models import Touch
from huitou.messaging.tests.stage import agree, make_account
from huitou.sources.connectors.complete_journey.passing import modules_of_apps, pass_hours

pytestmark = pytest.mark.django_db(transaction=True)
SEND = {"id": "hello", "kind": "send", "channels": ["console_log"], "text": WORDS}
CALL = {"id": "call", "kind": "handoff", "title": WORDS}


def launched() -> World:
    """Six customers who bought; the first three may be contacted."""
    world = World(6)
    make_account("console_log", settings={"consent_channel": "sms"})
    for number, person in enumerate(world.people[:3]):
        Identifier.objects.create(person_id=person, kind="phone", value=f"1390000000{number}")
        agree(person, "sms", at=START)
    world.launch(journey([CALL, SEND, END]))
    for person in world.people:
        world.hear(person, "Order Completed")
    return world


def test_who_was_drawn_and_reached_is_in_the_lake_while_time_passes(home: Home) -> None:
    home.staging.mkdir(parents=True, exist_ok=True)
    world = launched()
    pass_hours(START, START + timedelta(hours=3), home=home)
    assert set(Touch.objects.filter(sent_at__isnull=False).values_list("person_id", flat=True)) == {*world.people[:3]}
    assert set(Exposure.objects.values_list("person_id", flat=True)) == {*world.people[:3]}
    with open_home_engine(home) as engine:
        told = engine.to_pyarrow(engine.table("fct_exposures")).to_pylist()
    own = [row for row in told if row["experiment"].startswith("launch:")]
    assert Counter((row["person_id"], row["kind"]) for row in own) == Counter(
        [(person, "assigned") for person in world.people] + [(person, "reached") for person in world.people[:3]]
    )


def test_dropping_the_example_leaves_nothing_of_its_launches(home: Home) -> None:
    """The journey stays, as what an operator made; the holdout's share goes with the brand alone. Twice is once."""
    home.staging.mkdir(parents=True, exist_ok=True)
    launched()
    pass_hours(START, START + timedelta(hours=3), home=home)
    assert StaffTask.objects.count() == 6
    for _again in range(2):
        for module in modules_of_apps("example_data"):
            module.drop()
    gone = (Launch, Enrollment, Transition, StaffTask, Touch, Experiment, Assignment, Exposure)
    assert [model.objects.count() for model in gone] == [0] * len(gone)
    assert Journey.objects.count() == 1
    assert HoldoutShare.objects.count() == 1
    for module in modules_of_apps("example_data"):
        getattr(module, "drop_settings", lambda: None)()
    assert not HoldoutShare.objects.exists()
