"""Nothing that can be sent makes the API fail or answer otherwise than its schema says."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile

from huitou.accounts.models import AuditEntry, Brand
from huitou.accounts.roles import PERMISSIONS
from huitou.accounts.services import create_brand
from huitou.core.clock import SystemClock
from huitou.core.home import Home
from huitou.customers.models import Person
from huitou.reports.tests.store import fill, random_history
from huitou.sources.services import ImportOptions, start_import
from huitou.sources.uploads import keep_upload
from tests.contract.calling import program
from tests.contract.fuzzing import Fuzz

pytestmark = pytest.mark.django_db
ORDERS = b"order_id,paid_at,amount,customer_id\nA1,2025-01-01 10:00:00,9.90,C1\n"


@pytest.fixture(autouse=True)
def _unlimited(settings: LazySettings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1_000_000


@pytest.fixture
def brand(home: Home) -> Brand:
    """A brand with two years of orders, refreshed."""
    made = create_brand(name="小满", clock=SystemClock())
    fill(home, made, random_history(1, orders=60, people=12))
    return made


def known(brand: Brand, home: Home) -> dict[str, object]:
    """One of everything that addresses can name."""
    kept = keep_upload(SimpleUploadedFile("orders.csv", ORDERS), None, home=home, limit=10_000)
    run = start_import(path=kept.path, kind="orders", options=ImportOptions())
    person = Person.objects.order_by("pk").first()
    assert person is not None
    return {"person_id": person.pk, "import_id": run.pk, "upload": kept.token, "name": "repurchase_rate"}


def test_a_key_that_may_everything_breaks_nothing(brand: Brand, home: Home) -> None:
    fuzz = Fuzz({"Authorization": f"Bearer {program().secret}"}, examples=1, known=known(brand, home))
    fuzz.run()
    assert fuzz.failures == []
    # Were most requests refused, the run would prove little.
    assert fuzz.statuses[200] > 60
    assert len(fuzz.succeeded) > 25


def test_a_key_that_may_only_look_changes_nothing(brand: Brand) -> None:
    scopes = [name for name in PERMISSIONS if name.endswith(".view")]
    secret = program(*scopes).secret
    before = AuditEntry.objects.count()
    fuzz = Fuzz({"Authorization": f"Bearer {secret}"}, examples=1)
    fuzz.run()
    assert fuzz.failures == []
    assert fuzz.statuses[403] > 50
    assert AuditEntry.objects.count() == before


def test_without_a_key_nothing_is_told(brand: Brand) -> None:
    fuzz = Fuzz({}, examples=1)
    fuzz.run()
    assert fuzz.failures == []
    assert set(fuzz.statuses) <= {401, 404, 405}
    assert fuzz.succeeded == set()
