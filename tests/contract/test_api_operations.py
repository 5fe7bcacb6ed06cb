"""What operations do, through the door: figures as the command line gives them, files to imports, people recognized."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob
from typer.testing import CliRunner

from config.cli import build
from huitou.accounts.models import AuditEntry, Brand
from huitou.accounts.services import create_brand
from huitou.core.clock import SystemClock
from huitou.core.home import Home
from huitou.core.models import StoredAnswer
from huitou.customers.identifier_kind import read_identifier
from huitou.customers.models import Identifier, Person
from huitou.reports.tests.store import fill, random_history
from huitou.sources.services import run_import
from tests.contract.calling import Program, program

pytestmark = pytest.mark.django_db
ORDERS = (
    "order_id,paid_at,amount,customer_id,name,phone\n"
    "A1,2025-01-01 10:00:00,9.90,C1,张三丰,13912345678\n"
    "A2,2025-02-01 10:00:00,5.00,C1,张三丰,13912345678\n"
    "A3,not a time,5.00,C2,,\n"
)


@pytest.fixture
def brand(home: Home) -> Brand:
    made = create_brand(name="小满", clock=SystemClock())
    fill(home, made, random_history(5, orders=60, people=12))
    return made


def send(caller: Program, text: str) -> Any:
    file = SimpleUploadedFile("orders.csv", text.encode())
    return Client().post("/api/v1/uploads", {"file": file}, headers={"authorization": f"Bearer {caller.secret}"})


def test_a_metric_gives_the_answer_of_the_command_line(brand: Brand) -> None:
    arguments = ["metrics", "show", "repurchase_rate", "--from", "2019-01-01", "--to", "2020-12-31", "--json"]
    arguments += ["--by", "quarter", "--by", "channel", "--as-of", "2020-06-01"]
    shown = CliRunner().invoke(build(), arguments)
    assert shown.exit_code == 0, shown.output
    query = "from=2019-01-01&to=2020-12-31&by=quarter&by=channel&as_of=2020-06-01"
    told = program("metrics.view").ask("GET", f"/metrics/repurchase_rate/figures?{query}", expect=200)
    expected = json.loads(shown.stdout)
    texts = ("label", "definition", "not_to_confuse", "exclusions", "caveat")
    assert {k: v for k, v in told.items() if k not in texts} == {k: v for k, v in expected.items() if k not in texts}
    assert len(told["rows"]) > 8


def test_figures_come_as_a_file_too(brand: Brand) -> None:
    response = program("metrics.view").raw("GET", "/metrics/orders/figures.csv?from=2019-01-01&to=2019-12-31")
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert len(rows) == 12
    assert response.headers["Content-Type"].startswith("text/csv")


def test_a_file_goes_from_upload_over_preview_to_import(home: Home) -> None:
    create_brand(name="小满", clock=SystemClock())
    caller = program("data.view", "data.write")
    token = send(caller, ORDERS).json()["upload"]
    seen = caller.ask("POST", f"/uploads/{token}/preview", {"kind": "orders"}, expect=200)
    assert (seen["counts"]["accepted"], seen["counts"]["rejected"]) == (2, 1)
    assert "13912345678" not in json.dumps(seen, ensure_ascii=False)
    assert "三丰" not in json.dumps(seen, ensure_ascii=False)
    assert caller.ask("GET", "/imports", expect=200)["items"] == [], "nothing was imported yet"

    started = caller.ask("POST", "/imports", {"upload": token}, expect=202)
    again = caller.ask("POST", "/imports", {"upload": token}, expect=202)
    assert started["id"] == again["id"]
    assert ProcrastinateJob.objects.filter(task_name="sources.run_import").exists()
    run_import(started["id"], home=home)
    done = caller.ask("GET", f"/imports/{started['id']}", expect=200)
    assert (done["state"], done["accepted"], done["rejected"], done["has_rejects"]) == ("done", 2, 1, True)
    rejects = caller.raw("GET", f"/imports/{started['id']}/rejects")
    assert b"A3" in b"".join(rejects.streaming_content)


def test_a_file_that_cannot_be_read_or_is_too_large_is_refused(home: Home, settings: LazySettings) -> None:
    caller = program("data.write")
    file = SimpleUploadedFile("run.exe", b"MZ")
    headers = {"authorization": f"Bearer {caller.secret}"}
    response = Client().post("/api/v1/uploads", {"file": file}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, "upload_refused")
    settings.UPLOAD_MAX_BYTES = 100
    assert send(caller, "x" * 5_000).status_code == 413
    assert list(home.uploads.glob("*")) == [] if home.uploads.exists() else True


def test_a_stranger_s_file_is_not_even_written(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(
        "huitou.sources.uploads.TemporaryFileUploadHandler.receive_data_chunk",
        lambda _self, data, _start: written.append(data),
    )
    response = Client().post("/api/v1/uploads", {"file": SimpleUploadedFile("o.csv", b"a\n1\n")})
    assert response.status_code == 401
    assert written == []


def test_a_refresh_is_queued_once(brand: Brand) -> None:
    caller = program("metrics.view", "data.write")
    assert caller.ask("GET", "/refresh", expect=200)["queued"] is False
    for _twice in range(2):
        assert caller.ask("POST", "/refresh", expect=202)["queued"] is True
    assert ProcrastinateJob.objects.filter(task_name="orders.refresh", status="todo").count() == 1


def test_features_come_as_parquet_and_csv(brand: Brand, tmp_path: Path) -> None:
    caller = program("customers.export", "customers.view")
    total = caller.ask("GET", "/customers?limit=1", expect=200)["total"]
    response = caller.raw("GET", "/features/export")
    table = pq.read_table(io.BytesIO(b"".join(response.streaming_content)))
    assert table.num_rows == total
    response = caller.raw("GET", "/features/export?format=csv&as_of=2019-06-01")
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert lines[0].startswith('"person_id"')
    assert 1 < len(lines) - 1 < total


@pytest.fixture
def known(brand: Brand) -> Person:
    person = Person.objects.order_by("pk").first()
    assert person is not None
    person.display_name, person.phone = "张三丰", "13912345678"
    person.save()
    phone = read_identifier("phone", "", "13912345678")
    assert phone is not None
    Identifier.objects.create(kind="phone", value=phone[2], person=person)
    Identifier.objects.create(kind="customer_id", value="C77", person=person)
    return person


def test_a_customer_is_recognized_by_any_identifier_and_by_nothing_less(known: Person) -> None:
    caller = program("customers.view")
    for body, found in (
        ({"value": "139 1234 5678"}, True),
        ({"value": "+8613912345678", "kind": "phone"}, True),
        ({"value": "C77"}, True),
        ({"value": "C77", "kind": "phone"}, False),
        ({"value": "C7"}, False),
        ({"value": "%"}, False),
    ):
        told = caller.ask("POST", "/customers/lookup", body, expect=200)
        assert [item["person_id"] for item in told["items"]] == ([known.pk] if found else []), body
        assert "13912345678" not in json.dumps(told), body


def test_personal_data_are_masked_until_somebody_asks_for_them_with_a_reason(known: Person) -> None:
    looker = program("customers.view")
    told = looker.ask("GET", f"/customers/{known.pk}/person", expect=200)
    assert told["masked"] is True
    text = json.dumps(told, ensure_ascii=False)
    assert "三丰" not in text
    assert "13912345678" not in text
    path, body = f"/customers/{known.pk}/unmaskings", {"reason": "service"}
    assert looker.ask("POST", path, body, expect=403)["missing"] == "customers.unmask"
    before = AuditEntry.objects.count()
    asker = program("customers.unmask")
    for look in (1, 2):
        whole = asker.ask("POST", path, body, expect=200, idempotency_key="same")
        assert (whole["names"], whole["phones"]) == (["张三丰"], ["13912345678"])
        noted = AuditEntry.objects.filter(action="customer.unmasked").order_by("-pk")
        assert len(noted) == look, "each look is logged"
        assert noted[0].actor_label == f"key {asker.secret[:11]}"
    assert AuditEntry.objects.count() == before + 3, "one more for the key itself"
    assert StoredAnswer.objects.count() == 0, "what was unmasked is kept nowhere"


def test_customers_are_joined_and_parted(known: Person) -> None:
    caller = program("customers.write", "customers.view")
    other = Person.objects.exclude(pk=known.pk).latest("pk")
    done = caller.ask("POST", "/merges", {"person_a": known.pk, "person_b": other.pk}, expect=201)
    assert done["customers"] == [known.pk]
    assert caller.ask("GET", f"/customers/{other.pk}", expect=200)["person_id"] == known.pk
    assert caller.ask("DELETE", f"/merges/{done['id']}", expect=200)["customers"] == [known.pk, other.pk]


def test_erasing_wants_the_number_twice_and_is_for_ever(known: Person) -> None:
    caller = program("customers.erase", "customers.view")
    refused = caller.ask("POST", f"/customers/{known.pk}/erasure", {"confirm": known.pk + 1}, expect=422)
    assert refused["errors"][0]["field"] == "confirm"
    caller.ask("POST", f"/customers/{known.pk}/erasure", {"confirm": known.pk}, expect=200)
    assert caller.ask("POST", "/customers/lookup", {"value": "C77"}, expect=200)["items"] == []
    caller.ask("POST", f"/customers/{known.pk}/erasure", {"confirm": known.pk}, expect=409)


def test_a_withdrawal_counts_at_once(known: Person) -> None:
    caller = program("customers.write")
    body = {"channel": "sms", "purpose": "marketing", "granted": True, "source": "hotline"}
    granted = caller.ask("POST", f"/customers/{known.pk}/consents", body, expect=200)
    withdrawn = caller.ask("POST", f"/customers/{known.pk}/consents", {**body, "granted": False}, expect=200)
    assert [consent["granted"] for consent in granted["items"]] == [True]
    assert [consent["granted"] for consent in withdrawn["items"]] == [False]
