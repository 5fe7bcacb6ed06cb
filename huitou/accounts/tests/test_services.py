"""The brand, its guard against mixing with the example, the first administrator, and the audit log."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.utils import translation

from huitou.accounts.brand import BrandInvalidError
from huitou.accounts.models import AuditEntry, Brand, User
from huitou.accounts.queries import NoBrandError, get_brand
from huitou.accounts.services import (
    BrandExistsError,
    BrandFixedError,
    ExampleLoadedError,
    WeakPasswordError,
    create_brand,
    create_first_admin,
    ensure_brand,
    move_brand_clock,
    update_brand,
)
from huitou.core.clock import FixedClock
from huitou.core.models import LakeBatch

pytestmark = pytest.mark.usefixtures("in_english")
NOON = FixedClock(datetime(2026, 3, 4, 4, tzinfo=UTC))


@pytest.fixture
def in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.mark.django_db
def test_an_empty_store_has_no_brand_and_the_message_names_both_ways_to_begin() -> None:
    with pytest.raises(NoBrandError, match="huitou example load"):
        get_brand()


@pytest.mark.django_db
def test_the_first_import_makes_a_brand_in_shanghai_and_yuan_and_the_second_finds_it() -> None:
    first = ensure_brand(clock=NOON)
    assert (first.zone, first.currency, first.is_example) == ("Asia/Shanghai", "CNY", False)
    assert ensure_brand(clock=NOON).pk == first.pk
    assert list(AuditEntry.objects.values_list("action", "at")) == [("brand.created", NOON.instant)]


@pytest.mark.django_db
def test_own_data_and_the_example_refuse_each_other() -> None:
    create_brand(name="Example", clock=NOON, is_example=True)
    with pytest.raises(ExampleLoadedError, match="huitou example remove"):
        ensure_brand(clock=NOON)
    assert ensure_brand(clock=NOON, for_example=True).is_example
    Brand.objects.all().delete()
    ensure_brand(clock=NOON)
    with pytest.raises(BrandExistsError):
        ensure_brand(clock=NOON, for_example=True)


@pytest.mark.django_db
def test_a_change_is_saved_with_who_and_what_it_was_before() -> None:
    create_brand(name="A", clock=NOON)
    editor = User.objects.create_user("mei")
    update_brand(changes={"name": "B", "targets": {"repurchase_rate": 0.35}}, clock=NOON, actor=editor)
    entry = AuditEntry.objects.get(action="brand.updated")
    assert (entry.actor, entry.actor_label) == (editor, "mei")
    assert entry.detail["before"] == {"name": "A", "targets": {}}
    assert get_brand().targets == {"repurchase_rate": 0.35}
    update_brand(changes={"name": "B"}, clock=NOON, actor=editor)
    assert AuditEntry.objects.filter(action="brand.updated").count() == 1, "what changes nothing is no change"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"zone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"currency": "yuan"}, "yuan"),
        ({"name": "  "}, "name"),
        ({"exclusions": {"min_amount_minor": "much"}}, "min_amount_minor"),
        ({"targets": {"aov": "high"}}, "aov"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name_and_nothing_changes(
    changes: dict[str, object], named: str
) -> None:
    create_brand(name="A", clock=NOON)
    with pytest.raises(BrandInvalidError, match=named):
        update_brand(changes=changes, clock=NOON)
    brand = get_brand()
    assert (brand.name, brand.zone, brand.currency, brand.exclusions, brand.targets) == (
        "A",
        "Asia/Shanghai",
        "CNY",
        {},
        {},
    )


@pytest.mark.django_db
def test_a_currency_with_other_decimals_is_refused_once_amounts_are_stored() -> None:
    create_brand(name="A", clock=NOON)
    LakeBatch.objects.create(key="k", table="fct_order_lines", staged_path="x", row_count=1, claimed_at=NOON.instant)
    assert update_brand(changes={"currency": "GBP"}, clock=NOON).currency == "GBP"
    with pytest.raises(BrandFixedError):
        update_brand(changes={"currency": "JPY"}, clock=NOON)


@pytest.mark.django_db
def test_only_the_example_has_a_clock_of_its_own() -> None:
    create_brand(name="A", clock=NOON)
    with pytest.raises(BrandFixedError):
        move_brand_clock(to=NOON.instant, clock=NOON)


@pytest.mark.django_db
def test_the_first_administrator_is_made_once_and_a_generated_password_opens_the_door(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HUITOU_ADMIN_PASSWORD", raising=False)
    made = create_first_admin(clock=NOON)
    assert made is not None
    assert made.generated
    assert User.objects.get(username="admin").check_password(made.password)
    assert create_first_admin(clock=NOON) is None


@pytest.mark.django_db
def test_the_first_administrator_takes_the_given_password_unless_it_is_weak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITOU_ADMIN_PASSWORD", "12345678")
    with pytest.raises(WeakPasswordError):
        create_first_admin(clock=NOON)
    monkeypatch.setenv("HUITOU_ADMIN_PASSWORD", "tea-and-moon-9")
    made = create_first_admin(clock=NOON)
    assert made is not None
    assert not made.generated
    assert made.user.check_password("tea-and-moon-9")


@pytest.mark.django_db(transaction=True)
def test_two_first_imports_at_once_make_one_brand() -> None:
    failures: list[BaseException] = []

    def first_import() -> None:
        try:
            ensure_brand(clock=NOON)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=first_import) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert AuditEntry.objects.filter(action="brand.created").count() == 1
