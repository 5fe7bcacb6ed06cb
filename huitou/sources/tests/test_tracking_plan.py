"""The tracking plan: what is declared, and what events are found to be beside it, however many look alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from huitou.accounts.models import AuditEntry, Brand
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.sources.consuming.batch import Batch, Event
from huitou.sources.consuming.quality import count_quality
from huitou.sources.models import PlanProblem, PlanVersion
from huitou.sources.tracking.checking import Checker, example_of
from huitou.sources.tracking.plan import TYPES, Plan, PlannedEvent, PlannedProperty, shipped_plan
from huitou.sources.tracking.queries import current_checker, current_plan, plan_report
from huitou.sources.tracking.services import (
    EventNotDeclaredError,
    PlanInvalidError,
    declare_event,
    declare_plan,
    dismiss_problem,
    withdraw_event,
    withdraw_property,
)

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
CLOCK = FixedClock(NOW)
VIEWED = {"product_id": "p1", "price": 9.9, "channel": "app"}


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def brand(db: None) -> Brand:
    return Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY")


def event(ref: int, name: str, properties: dict[str, Any], **more: Any) -> Event:
    plain: dict[str, Any] = {
        "ref": ref,
        "inbox_id": ref,
        "key_id": 1,
        "hash": ref.to_bytes(16),
        "message_id": str(ref),
        "kind": "track",
        "name": name,
        "source": "app",
        "channel": "app",
        "occurred_at": NOW,
        "received_at": NOW,
        "user_id": "c1",
        "anonymous_id": "",
        "previous_id": "",
        "group_id": "",
        "properties": properties,
        "traits": {},
        "context": {},
    }
    return Event(**plain | more)


def consume(brand: Brand, home: Home, *events: Event) -> None:
    count_quality(Batch(list(events), home, CLOCK))


def found() -> dict[tuple[str, str, str], PlanProblem]:
    return {(p.event, p.problem, p.property): p for p in PlanProblem.objects.all()}


def test_the_shipped_plan_names_the_whole_spec_in_both_languages() -> None:
    """The names are those of the published e-commerce spec, version 2, written out here."""
    spec = (
        "Products Searched|Product List Viewed|Product List Filtered|Promotion Viewed|Promotion Clicked|Product Clicked"
        "|Product Viewed|Product Added|Product Removed|Cart Viewed|Checkout Started|Checkout Step Viewed"
        "|Checkout Step Completed|Payment Info Entered|Order Completed|Order Updated|Order Refunded|Order Cancelled"
        "|Coupon Entered|Coupon Applied|Coupon Denied|Coupon Removed|Product Added to Wishlist"
        "|Product Removed from Wishlist|Wishlist Product Added to Cart|Product Shared|Cart Shared|Product Reviewed"
    )
    plan = shipped_plan()
    assert set(spec.split("|")) <= set(plan.events)
    assert {
        "Checked In",
        "Comment Posted",
        "Content Shared",
        "Message Replied",
        "Coupon Claimed",
        "Live Room Entered",
    } <= set(plan.events)
    for planned in plan.events.values():
        assert planned.zh
        assert planned.en
        for declared in planned.properties.values():
            assert declared.type in TYPES
            assert declared.zh
            assert declared.en


@pytest.mark.django_db
def test_differences_are_reported_and_nothing_is_refused(brand: Brand, home: Home) -> None:
    later = NOW + timedelta(hours=2)
    events = [
        event(1, "Product Viewed", VIEWED),
        event(2, "Product Viewed", {"price": "9.9", "colour": "red"}),
        event(3, "Product Viewed", {"product_id": None, "colour": "blue"}, occurred_at=later),
        event(4, "Poll Answered", {"answer": "yes"}),
        event(5, "Order Completed", {"order_id": "A", "products": [{"sku": "x", "price": True}, {"size": 3}, 7]}),
        event(6, "Order Completed", {"order_id": "A", "products": [], "paid_at": "yesterday"}),
        event(7, "identify", {"anything": 1}, kind="identify"),
    ]
    batch = Batch(events, home, CLOCK)
    count_quality(batch)
    assert batch.refused == {}
    problems = found()
    assert {key: problem.count for key, problem in problems.items()} == {
        ("Product Viewed", "missing_property", "product_id"): 2,
        ("Product Viewed", "wrong_type", "price"): 1,
        ("Product Viewed", "unplanned_property", "colour"): 2,
        ("Poll Answered", "unplanned_event", ""): 1,
        ("Order Completed", "wrong_type", "products[].price"): 1,
        ("Order Completed", "unplanned_property", "products[].size"): 1,
        ("Order Completed", "wrong_type", "products[]"): 1,
        ("Order Completed", "wrong_value", "paid_at"): 1,
    }
    colour = problems["Product Viewed", "unplanned_property", "colour"]
    assert (colour.first_at, colour.last_at) == (NOW, later)
    assert problems["Product Viewed", "wrong_type", "price"].example == {
        "kind": "text",
        "length": 3,
        "looks_like": "number",
        "event_id": f"{2:032x}",
    }
    consume(brand, home, event(8, "Poll Answered", {}, occurred_at=later))
    poll = found()["Poll Answered", "unplanned_event", ""]
    assert (poll.count, poll.first_at, poll.last_at) == (2, NOW, later)


@pytest.mark.django_db
def test_no_example_and_no_name_holds_personal_data(brand: Brand, home: Home) -> None:
    """Names, phones and words of people stand in every place that a sender may write to."""
    declare_event(name="Poll Answered", clock=CLOCK, properties={"answer": {"type": "code", "values": ["yes", "no"]}})
    consume(
        brand,
        home,
        event(1, "Poll Answered", {"answer": "13912345678", "nick": "zhangsan", "13912345678": 1}),
        event(2, "Called 13912345678", {"phone": "13912345678"}),
        event(3, "Product Reviewed", {"product_id": "p", "review_body": 13912345678}),
        event(4, "Order Completed", {"order_id": "A", "products": [{"receiver": "zhangsan"}]}),
    )
    kept = str(list(PlanProblem.objects.values()))
    assert len(found()) == 6
    assert "zhangsan" not in kept
    assert "13912345678" not in kept


@pytest.mark.django_db
def test_a_wrong_word_of_a_planned_code_is_shown(brand: Brand, home: Home) -> None:
    declare_event(name="Poll Answered", clock=CLOCK, properties={"answer": {"type": "code", "values": ["yes", "no"]}})
    consume(brand, home, event(1, "Poll Answered", {"answer": "maybe"}), event(2, "Poll Answered", {"answer": "no"}))
    problem = found()["Poll Answered", "wrong_value", "answer"]
    assert (problem.count, problem.example["value"]) == (1, "maybe")


@pytest.mark.django_db
def test_declaring_makes_versions_and_takes_what_is_planned_now_off_the_list(brand: Brand, home: Home) -> None:
    consume(
        brand, home, event(1, "Poll Answered", {"answer": "x"}), event(2, "Product Viewed", {**VIEWED, "colour": 1})
    )
    plan = declare_event(name="Poll Answered", zh="回答投票", clock=CLOCK, properties={"answer": {"type": "code"}})
    assert (plan.version, plan.events["Poll Answered"].since) == (1, 1)
    plan = declare_event(name="Product Viewed", clock=CLOCK, properties={"colour": {"type": "integer"}})
    assert plan.version == 2
    viewed = plan.events["Product Viewed"]
    assert (viewed.since, viewed.properties["colour"].since, viewed.properties["product_id"].since) == (0, 2, 0)
    assert viewed.properties["product_id"].required
    assert found() == {}
    again = declare_event(name="Product Viewed", clock=CLOCK, properties={"colour": {"type": "integer"}})
    assert (again.version, PlanVersion.objects.count()) == (2, 2)
    consume(
        brand, home, event(3, "Poll Answered", {"answer": "x"}), event(4, "Product Viewed", {**VIEWED, "colour": 1})
    )
    assert found() == {}
    withdraw_event(name="Poll Answered", clock=CLOCK)
    withdraw_property(name="Product Viewed", property_name="colour", clock=CLOCK)
    consume(
        brand, home, event(5, "Poll Answered", {"answer": "x"}), event(6, "Product Viewed", {**VIEWED, "colour": 1})
    )
    assert set(found()) == {
        ("Poll Answered", "unplanned_event", ""),
        ("Product Viewed", "unplanned_property", "colour"),
    }
    assert AuditEntry.objects.filter(action="plan.changed").count() == 4


@pytest.mark.django_db
def test_a_dismissed_problem_comes_back_when_it_happens_again(brand: Brand, home: Home) -> None:
    consume(brand, home, event(1, "Poll Answered", {}))
    assert dismiss_problem(problem_id=PlanProblem.objects.get().pk, clock=CLOCK)
    assert found() == {}
    consume(brand, home, event(2, "Poll Answered", {}))
    assert found()["Poll Answered", "unplanned_event", ""].count == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("", {}),
        ("Called 13912345678", {}),
        ("Poll", {"a": {"type": "colour"}}),
        ("Poll", {"a": {"type": "code", "value": ["x"]}}),
        ("Poll", {"a": {"type": "number", "values": ["1"]}}),
        ("Poll", {"a": {"type": "code", "values": ["x"], "personal": True}}),
        ("Poll", {"a": {"required": "yes"}}),
        ("Poll", {"a": "code"}),
    ],
)
def test_a_declaration_that_nothing_could_be_checked_against_is_refused(name: str, properties: Any) -> None:
    with pytest.raises(PlanInvalidError):
        declare_event(name=name, clock=CLOCK, properties=properties)
    assert not PlanVersion.objects.exists()


@pytest.mark.django_db
def test_a_file_is_declared_whole_or_not_at_all() -> None:
    good = {"Poll Answered": {"zh": "回答投票", "properties": {"answer": {"type": "code"}}}}
    with pytest.raises(PlanInvalidError):
        declare_plan(events={**good, "Poll Closed": {"properties": {"x": {"type": "?"}}}}, clock=CLOCK)
    assert current_plan().version == 0
    declare_plan(events=good, clock=CLOCK)
    report = plan_report(current_plan(), "Poll Answered")["events"]["Poll Answered"]
    assert (report["own"], report["properties"]) == (True, {"answer": {"type": "code", "since": 1}})
    # What a report shows can be declared as it is.
    declare_plan(events={"Poll Answered": report}, clock=CLOCK)
    assert current_plan().version == 1
    with pytest.raises(EventNotDeclaredError):
        withdraw_event(name="Product Viewed", clock=CLOCK)


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=3), st.lists(st.integers())
)
CLASSES = {"code": (str, int), "text": str, "integer": int, "number": (int, float), "boolean": bool, "list": list}
declared_properties = st.dictionaries(
    st.sampled_from("abcd"), st.tuples(st.sampled_from(sorted(CLASSES)), st.booleans()), max_size=4
)


@settings(deadline=None)
@given(declared=declared_properties, events=st.lists(st.dictionaries(st.sampled_from("abcdef"), values), max_size=12))
def test_judging_by_shape_equals_judging_one_by_one(
    declared: dict[str, tuple[str, bool]], events: list[dict[str, Any]]
) -> None:
    """What was remembered of an event that looked alike must be what plain rules say of this one."""
    planned = {n: PlannedProperty(n, kind, required=required) for n, (kind, required) in declared.items()}
    checker = Checker(Plan(1, {"E": PlannedEvent("E", properties=planned)}, {}))
    for given_properties in events:
        expected = set()
        for name, (kind, required) in declared.items():
            value = given_properties.get(name)
            if value is None:
                expected |= {("missing_property", name)} if required else set()
            elif not isinstance(value, CLASSES[kind]) or (isinstance(value, bool) and kind != "boolean"):  # type: ignore[arg-type]
                expected.add(("wrong_type", name))
        expected |= {("unplanned_property", name) for name in given_properties if name not in declared}
        judged = checker.judge("E", given_properties)
        assert {(f.problem, f.property) for f in judged.findings} == expected
        assert judged.is_complete == (not any(problem == "missing_property" for problem, _ in expected))
        for finding in judged.findings:
            assert "value" not in example_of(finding, given_properties)


@pytest.mark.django_db
def test_a_batch_costs_few_queries_however_many_events_it_has(brand: Brand, home: Home) -> None:
    events = [event(n, f"Made Up {n % 40}", {f"p{n % 7}": n}) for n in range(2_000)]
    with CaptureQueriesContext(connection) as asked:
        consume(brand, home, *events)
    assert len(asked) <= 9
    assert PlanProblem.objects.count() == 40


@pytest.mark.django_db
def test_a_feed_that_makes_up_names_cannot_fill_the_list(brand: Brand, home: Home) -> None:
    consume(brand, home, *(event(n, f"Made Up {n}", {}) for n in range(1_500)))
    assert PlanProblem.objects.count() == 1_000
    consume(brand, home, *(event(n, f"Made Up {n}", {}) for n in range(1_500)))
    assert PlanProblem.objects.count() == 1_000
    assert set(PlanProblem.objects.values_list("count", flat=True)) == {2}


@pytest.mark.django_db
def test_the_checker_is_made_once_a_version(brand: Brand) -> None:
    first = current_checker()
    assert current_checker() is first
    declare_event(name="Poll Answered", clock=CLOCK)
    assert current_checker() is not first
