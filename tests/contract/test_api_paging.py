"""Pages of lists: whole, in order, without repetition, also while rows come in or the figures are refreshed."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huitou.accounts.models import AuditEntry, Brand
from huitou.accounts.services import create_brand
from huitou.analytics.feature import FEATURES
from huitou.catalog.models import Product
from huitou.core.clock import FixedClock, SystemClock
from huitou.core.home import Home
from huitou.core.http_api.paging import write_cursor
from huitou.core.models import RefreshRun
from huitou.orders.refresh import run_refresh
from huitou.reports.tests.store import fill, random_history
from tests.contract.calling import Program, program

pytestmark = pytest.mark.django_db
START = SystemClock().now()


def entry(number: int, second: int, action: str = "test.done") -> None:
    """An audit entry; many share an instant."""
    AuditEntry.objects.create(action=action, at=START + timedelta(seconds=second), target=str(number))


def follow(caller: Program, path: str | None, *, between: object = None) -> list[dict[str, Any]]:
    """Every item of every page; `between` is called after each page."""
    items = []
    while path:
        page = caller.ask("GET", path.removeprefix("/api/v1"), expect=200)
        items += page["items"]
        path = page["next"]
        if callable(between):
            between()
    return items


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seconds=st.lists(st.integers(0, 3), min_size=0, max_size=12),
    later=st.lists(st.integers(0, 5), max_size=6),
    limit=st.integers(1, 5),
)
def test_what_was_there_is_listed_once_and_in_order_whatever_comes_in(
    seconds: list[int], later: list[int], limit: int
) -> None:
    # Entries are never deleted: each history has an action of its own.
    action = f"test{AuditEntry.objects.count()}.done"
    for number, second in enumerate(seconds):
        entry(number, second, action)
    # Independent of the query: sorted here by time, then by key, newest first.
    there = sorted(AuditEntry.objects.filter(action=action), key=lambda e: (e.at, e.pk), reverse=True)
    coming = iter(later)

    def insert() -> None:
        if (second := next(coming, None)) is not None:
            entry(1_000, second, action)

    found = follow(program("settings.view"), f"/audit-entries?action={action}&limit={limit}", between=insert)
    ids = [item["id"] for item in found]
    assert len(set(ids)) == len(ids)
    assert [i for i in ids if i in {e.pk for e in there}] == [e.pk for e in there]


def test_products_are_paged_by_code() -> None:
    codes = ["b", "a", "a-1", "ä", "中", "Z", "10", "9", "%", "_"]
    for code in codes:
        Product.objects.create(sku=code, name=f"name {code}", updated_at=START)
    caller = program("metrics.view")
    found = [item["sku"] for item in follow(caller, "/products?limit=3")]
    assert sorted(found) == sorted(codes)
    assert len(found) == len(codes)
    assert [item["sku"] for item in follow(caller, "/products?q=name%20a")] == ["a", "a-1"]


@pytest.fixture
def brand(home: Home) -> Brand:
    made = create_brand(name="小满", clock=SystemClock())
    fill(home, made, random_history(3, orders=150, people=40))
    return made


SORTS = (
    "-last_order_at",
    "order_count",
    "-spend_minor",
    "interpurchase_days_mean",
    "-top_category",
    "person_id",
    "-person_id",
    "next_order_due_at",
    "rfm_recency_score",
)


def test_customers_are_listed_once_and_in_order(brand: Brand) -> None:
    for sort in SORTS:
        check_order(program("customers.view"), sort)


def check_order(caller: Program, sort: str) -> None:
    name = sort.removeprefix("-")
    found = follow(caller, f"/customers?sort={sort}&limit=7")
    ids = [item["person_id"] for item in found]
    assert len(set(ids)) == len(ids) == caller.ask("GET", "/customers", expect=200)["total"], sort
    assert name == "person_id" or name in FEATURES
    values = [item[name] if name == "person_id" else item["features"][name] for item in found]
    filled = [value for value in values if value is not None]
    assert values == filled + [None] * (len(values) - len(filled)), f"{sort}: empty values come last"
    assert filled == sorted(filled, reverse=sort.startswith("-")), sort
    ties = [(value, i) for value, i in zip(values, ids, strict=True)]
    for (value, i), (following, j) in pairwise(ties):
        assert value != following or i < j, f"{sort}: ties by person_id"


def test_a_refresh_in_between_does_not_move_the_list(brand: Brand, home: Home) -> None:
    caller = program("customers.view")
    whole = [item["person_id"] for item in follow(caller, "/customers?sort=-spend_minor&limit=200")]
    first = caller.ask("GET", "/customers?sort=-spend_minor&limit=5", expect=200)
    run_refresh(home=home, brand=brand, clock=FixedClock(brand.now() - timedelta(days=400)), force=True)
    rest = follow(caller, first["next"])
    assert [item["person_id"] for item in first["items"] + rest] == whole
    fresh = caller.ask("GET", "/customers?sort=-spend_minor&limit=5", expect=200)
    assert fresh["as_of"] != first["as_of"]
    # Once the old refresh may be gone, the reader is told so.
    RefreshRun.objects.order_by("pk").filter(pk=RefreshRun.objects.order_by("pk").values("pk")[:1]).update(
        finished_at=START - timedelta(hours=3)
    )
    assert caller.ask("GET", first["next"].removeprefix("/api/v1"), expect=410)["code"] == "cursor_expired"


def test_a_cursor_belongs_to_its_list_and_filters() -> None:
    for number in range(3):
        entry(number, number)
    caller = program("settings.view", "staff.write")
    following = caller.ask("GET", "/audit-entries?action=test.&limit=1", expect=200)["next"]
    cursor = following.split("cursor=")[1].split("&")[0]
    caller.ask("GET", f"/audit-entries?action=test.&limit=2&cursor={cursor}", expect=200)
    for path in (f"/audit-entries?action=key.&cursor={cursor}", f"/keys?cursor={cursor}", "/keys?cursor=%00"):
        told = caller.ask("GET", path, expect=422)
        assert told["errors"][0]["field"] in {"cursor"}


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)


LISTS = {
    "/audit-entries": 2,
    "/products": 1,
    "/customers?sort=-spend_minor": 3,
    "/customers?sort=last_order_at": 3,
}


def test_a_forged_cursor_is_refused(brand: Brand) -> None:
    """The seal of a cursor is no secret, so every value behind it is checked."""
    caller = program("settings.view", "metrics.view", "customers.view")
    for path, places in LISTS.items():
        check_forged(caller, path, places)


def check_forged(caller: Program, path: str, places: int) -> None:
    run = RefreshRun.objects.latest("pk").pk

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(position=st.lists(VALUES, min_size=places, max_size=places), of_this_refresh=st.booleans())
    def forge(position: list[object], of_this_refresh: bool) -> None:
        if of_this_refresh and places == 3:
            position[0] = run
        address = f"/api/v1{path}"
        cursor = write_cursor(RequestFactory().get(address), position)  # type: ignore[arg-type]
        mark = "&" if "?" in path else "?"
        response = caller.raw("GET", f"{path}{mark}{urlencode({'cursor': cursor})}")
        assert response.status_code in {200, 410, 422}, (path, position)

    forge()
