"""Opening, assigning and closing: terms that never change, arms that stay, and the draw the same everywhere."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from huitou.accounts.models import AuditEntry, Brand
from huitou.core.clock import FixedClock
from huitou.customers.models import Person, PersonLink
from huitou.experiments import queries, services
from huitou.experiments.models import CONTROL, Assignment, Experiment, HoldoutShare
from huitou.stats.allocation import arm_of, draw

START = datetime(2026, 10, 5, tzinfo=UTC)
CLOCK = FixedClock(START)
LATER = FixedClock(START + timedelta(days=1))
HALVES = {CONTROL: 5000, "treatment": 5000}


@pytest.fixture
def brand(db: None) -> Brand:
    return Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY", clock_now=START)


def people(count: int) -> list[int]:
    made = Person.objects.bulk_create(Person(created_at=START) for _ in range(count))
    return [person.pk for person in made]


def opened(**terms: Any) -> Experiment:
    given: dict[str, Any] = {
        "key": "launch:1",
        "arms": HALVES,
        "window_days": 30,
        "starts_at": START,
        "ends_at": START + timedelta(days=60),
        "clock": CLOCK,
    }
    return services.open_experiment(**(given | terms))


def join(person: int, customer: int) -> None:
    PersonLink.objects.create(person_id=person, customer_id=customer)


@pytest.mark.django_db
def test_the_database_draws_as_python_does() -> None:
    arms = {CONTROL: 1000, "a": 3333, "b": 5667}
    experiment, customers = opened(arms=arms), people(500)
    found = services.assign(experiment, customers, CLOCK)
    cut = experiment.sections
    assert found == {customer: arm_of(cut, draw("launch:1", customer)) for customer in customers}
    rows = Assignment.objects.values_list("person_id", "draw")
    assert dict(rows) == {customer: draw("launch:1", customer) for customer in customers}


@pytest.mark.django_db
def test_repeating_gives_the_first_arm_and_one_entry_in_the_log() -> None:
    experiment, customers = opened(), people(20)
    first = services.assign(experiment, customers, CLOCK)
    assert services.assign(experiment, [*customers, customers[0]], LATER) == first
    assert set(Assignment.objects.values_list("at", flat=True)) == {START}
    entry = AuditEntry.objects.get(action="experiment.assigned")
    assert (entry.target, entry.count) == ("launch:1", 20)


@pytest.mark.django_db
def test_joined_customers_keep_the_first_arm() -> None:
    experiment, customers = opened(), people(60)
    cut = experiment.sections
    late = next(c for c in customers if arm_of(cut, draw("launch:1", c)) == CONTROL)
    early = next(c for c in customers if c > late and arm_of(cut, draw("launch:1", c)) == "treatment")
    services.assign(experiment, [early], CLOCK)
    services.assign(experiment, [late], LATER)
    join(early, late)
    assert services.assign(experiment, [late], LATER) == {late: "treatment"}
    assert services.assign(experiment, [early], LATER) == {early: "treatment"}
    assert queries.arms_of(experiment, [late, early]) == {late: "treatment", early: "treatment"}
    assert [a.arm for a in queries.arms_of_customer([late, early])] == ["treatment"]


@pytest.mark.django_db
def test_a_joined_customer_is_drawn_under_its_own_number() -> None:
    experiment = opened()
    small, large = people(2)
    join(large, small)
    assert services.assign(experiment, [large], CLOCK) == {large: arm_of(experiment.sections, draw("launch:1", small))}
    assert list(Assignment.objects.values_list("person_id", flat=True)) == [small]


@pytest.mark.django_db
def test_terms_never_change() -> None:
    experiment = opened()
    assert opened().pk == experiment.pk
    with pytest.raises(services.ExperimentFixedError):
        opened(window_days=29)
    for change in ({"ends_at": START + timedelta(days=61)}, {"arms": [[CONTROL, 10_000]]}, {"salt": "x"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Experiment.objects.filter(pk=experiment.pk).update(**change)
    services.assign(experiment, people(1), CLOCK)
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.update(arm="other")


@pytest.mark.django_db
def test_the_narrowest_terms_are_taken_and_over_at_their_end() -> None:
    """One window and no day more; looks that are just a day apart."""
    narrow = opened(key="narrow", ends_at=START + timedelta(days=30))
    assert (narrow.state_at(narrow.ends_at - timedelta(microseconds=1)), narrow.state_at(narrow.ends_at)) == (
        "running",
        "ended",
    )
    close = opened(key="close", ends_at=START + timedelta(days=34), looks=3)
    assert close.look_instants == tuple(START + timedelta(days=day) for day in (31, 32, 33, 34))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "terms",
    [
        {"arms": {"treatment": 10_000}},
        {"arms": {CONTROL: 1000, "treatment": 8999}},
        {"arms": {CONTROL: 10_000}},
        {"window_days": 0},
        {"ends_at": START + timedelta(days=30) - timedelta(microseconds=1)},
        {"ends_at": START + timedelta(days=33), "looks": 3},
        {"key": ""},
    ],
)
def test_impossible_terms_are_refused(terms: dict[str, object]) -> None:
    with pytest.raises(services.ExperimentTermsError):
        opened(**terms)


@pytest.mark.django_db
def test_nobody_new_before_the_start_after_the_end_or_once_closed() -> None:
    experiment, (one, two) = opened(), people(2)
    for wrong in (START - timedelta(seconds=1), START + timedelta(days=60)):
        with pytest.raises(services.ExperimentNotRunningError):
            services.assign(experiment, [one], FixedClock(wrong))
    arm = services.assign(experiment, [one], CLOCK)
    services.close_experiment(experiment, clock=LATER)
    services.close_experiment(experiment, clock=LATER)
    assert services.assign(experiment, [one], LATER) == arm
    with pytest.raises(services.ExperimentNotRunningError):
        services.assign(experiment, [one, two], LATER)
    assert AuditEntry.objects.filter(action="experiment.closed").count() == 1
    assert experiment.state_at(LATER.now()) == "stopped"


@pytest.mark.django_db(transaction=True)
def test_two_at_once_agree() -> None:
    """Eight threads assign overlapping sets at the same time: everybody is told the same arms."""
    experiment, customers = opened(), people(400)
    told: list[dict[int, str]] = []

    def work(offset: int) -> None:
        try:
            turned = customers[offset * 50 :] + customers[: offset * 50]
            told.append(services.assign(experiment, turned, CLOCK))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 8
    assert all(arms == told[0] for arms in told)
    assert Assignment.objects.count() == 400


@pytest.mark.django_db
def test_a_hundred_thousand_in_seconds() -> None:
    experiment, customers = opened(), people(100_000)
    began = time.monotonic()
    found = services.assign(experiment, customers, CLOCK)
    seconds = time.monotonic() - began
    assert len(found) == 100_000
    assert seconds < 30, "ten times what it takes on a busy machine of two cores"


def test_the_holdout_is_there_before_the_first_send(brand: Brand) -> None:
    """Membership is the draw, asking writes nothing, and later arrivals are drawn alike."""
    customers = people(4000)
    held = queries.held_out(customers, START)
    limit = 500 * 2**32 // 10_000
    assert held == {c for c in customers if draw("holdout:2026-Q4", c) < limit}
    assert 140 < len(held) < 260
    assert not Experiment.objects.exists()
    assert services.hold_out(customers, clock=CLOCK) == held
    experiment = queries.get_experiment("holdout:2026-Q4")
    assert experiment.arms == [[CONTROL, 500], ["treatment", 9500]]
    assert Assignment.objects.filter(arm=CONTROL).count() == len(held)
    assert queries.held_out(customers, START) == held


def test_the_holdout_rotates_with_the_brands_quarter(brand: Brand) -> None:
    customers = people(2000)
    # Midnight in Shanghai, eight hours before UTC's.
    last, first = datetime(2026, 12, 31, 15, 59, tzinfo=UTC), datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    before, after = queries.held_out(customers, last), queries.held_out(customers, first)
    assert before == {c for c in customers if draw("holdout:2026-Q4", c) < 500 * 2**32 // 10_000}
    assert after == {c for c in customers if draw("holdout:2027-Q1", c) < 500 * 2**32 // 10_000}
    assert len(before & after) < len(before) // 2


def test_a_recorded_draw_outlives_a_merge(brand: Brand) -> None:
    customers = people(600)
    held = services.hold_out(customers[300:], clock=CLOCK)
    kept = max(held)
    free = next(c for c in customers if c < kept and c not in queries.held_out([c], START))
    join(kept, free)
    assert queries.held_out([free, kept], START) == {free, kept}
    assert services.hold_out([free], clock=LATER) == {free}


def test_another_share_holds_from_the_next_quarter(brand: Brand) -> None:
    customers = people(1000)
    before = queries.held_out(customers, START)
    services.set_holdout_share(share_bp=2000, clock=CLOCK)
    assert HoldoutShare.objects.get().first_day.isoformat() == "2027-01-01"
    assert queries.held_out(customers, START) == before
    following = queries.held_out(customers, START + timedelta(days=100))
    assert following == {c for c in customers if draw("holdout:2027-Q1", c) < 2000 * 2**32 // 10_000}
    services.set_holdout_share(share_bp=0, clock=LATER)
    assert queries.held_out(customers, START + timedelta(days=100)) == set()
    details = AuditEntry.objects.filter(action="holdout.share_set").order_by("pk").values_list("detail", flat=True)
    assert list(details) == [{"before": "5 %", "after": "20 %"}, {"before": "20 %", "after": "0 %"}]
    with pytest.raises(services.ShareInvalidError):
        services.set_holdout_share(share_bp=5001, clock=CLOCK)


def test_the_margin_is_a_share_or_unknown(brand: Brand) -> None:
    services.set_margin(margin_bp=3500, clock=CLOCK)
    services.set_margin(margin_bp=None, clock=CLOCK)
    with pytest.raises(services.ShareInvalidError):
        services.set_margin(margin_bp=10_001, clock=CLOCK)
