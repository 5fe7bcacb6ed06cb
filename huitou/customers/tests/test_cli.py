"""`huitou customers`, as a shell runs it: JSON, clear refusals, and no erasing by accident."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from config.cli import build
from huitou.accounts.models import AuditEntry
from huitou.core.clock import FixedClock
from huitou.core.errors import DomainError
from huitou.customers.models import Identifier, Person
from huitou.customers.services import Sighting, resolve_sightings

NOW = datetime(2024, 5, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def run(*words: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(build(), ["customers", *words], input=answer, env={"HUITOU_LANGUAGE": "en"})


def told(*words: str) -> Any:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def refusal(*words: str) -> str:
    """The code of the refusal; the entry point turns it into text or JSON."""
    error = run(*words).exception
    assert isinstance(error, DomainError), error
    return error.code


@pytest.fixture
def two() -> tuple[int, int]:
    facts = ((("customer_id", "", "VIP-7"), ("phone", "", "13912345670")), (("unionid", "", "union-of-han"),))
    sightings = [Sighting(n, identifiers, NOW) for n, identifiers in enumerate(facts)]
    found = resolve_sightings(sightings=sightings, source="app", clock=FixedClock(NOW))
    return found[0], found[1]


def test_show_merge_and_unmerge(two: tuple[int, int]) -> None:
    """Whoever is named by number or identifier; masked unless whole is asked for, which is logged."""
    shown = told("show", "-i", "139 1234 5670")
    assert (shown["customer"], shown["label"]) == (two[0], "VIP-7")
    assert [i["value"] for i in shown["identifiers"]] == ["VIP-7", "139****5670"]
    assert [i["value"] for i in told("show", f"#{two[0]}", "--whole")["identifiers"]] == ["VIP-7", "+8613912345670"]
    assert AuditEntry.objects.filter(action="customer.unmasked").count() == 1
    assert "139****5670" in run("show", str(two[0])).output

    done = told("merge", str(two[0]), str(two[1]), "--note", "same family card")
    assert (done["customer"], done["persons"]) == (min(two), sorted(two))
    assert told("show", str(two[1]))["merges"][0]["sentence"].endswith("same family card")
    again = run("merge", str(two[0]), str(two[1])).exception
    assert all(f"#{person}" in str(again) for person in two), "as they were named, not as their customer"
    assert sorted(told("unmerge", str(done["merge"]))["customers"]) == sorted(two)
    assert refusal("unmerge", str(done["merge"])) == "cannot_unmerge"


def test_refusals_say_what_to_do(two: tuple[int, int]) -> None:
    assert refusal("show", "999999") == "customer_unknown"
    assert refusal("show", "VIP-7") == "customer_unknown"
    assert refusal("show", "-i", "nobody-has-this") == "customer_unknown"
    Person.objects.update(display_name="李雷")
    assert refusal("show", "-i", "李雷") == "several_customers"
    assert refusal("export", str(two[0]), "--out", "/nowhere/x.json") == "cannot_write"


def test_export_writes_a_private_file(two: tuple[int, int], tmp_path: Path) -> None:
    out = tmp_path / "li.json"
    assert told("export", str(two[0]), "--out", str(out))["customer"] == two[0]
    assert out.stat().st_mode & 0o077 == 0
    assert "+8613912345670" in out.read_text()
    assert json.loads(run("export", "-i", "VIP-7").output)["persons"] == [two[0]]


def test_erasing_asks_first(two: tuple[int, int]) -> None:
    """A no keeps everything, programs must say --yes, and twice is told."""
    assert run("erase", str(two[0]), answer="n\n").exit_code == 1
    assert run("erase", str(two[0]), answer="").exit_code == 1
    assert refusal("erase", str(two[0]), "--json") == "confirmation_missing"
    assert Identifier.objects.count() == 3
    assert run("erase", str(two[0]), answer="y\n").exit_code == 0
    assert Identifier.objects.count() == 1
    assert refusal("erase", str(two[0]), "--yes") == "already_erased"
    assert told("erase", str(two[1]), "--yes")["erased"]["identifiers"] == 1
