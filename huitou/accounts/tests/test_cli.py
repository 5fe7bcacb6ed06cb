"""`huitou brand`: what it prints for people and programs, and what it refuses."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from huitou.accounts.brand import BrandInvalidError
from huitou.accounts.cli import app
from huitou.accounts.queries import NoBrandError

pytestmark = pytest.mark.django_db
run = CliRunner()


def test_set_creates_the_brand_on_an_empty_store_and_show_gives_it_back() -> None:
    assert isinstance(run.invoke(app, ["show", "--json"]).exception, NoBrandError)
    wanted = ["--name", "春日", "--currency", "GBP", "--target", "repurchase_rate=0.35", "--target", "aov=18000"]
    made = json.loads(run.invoke(app, ["set", *wanted, "--json"], catch_exceptions=False).stdout)
    assert (made["name"], made["currency"], made["zone"]) == ("春日", "GBP", "Asia/Shanghai")
    assert made["targets"] == {"repurchase_rate": 0.35, "aov": 18000}
    assert json.loads(run.invoke(app, ["show", "--json"]).stdout) == made


def test_targets_are_changed_one_by_one() -> None:
    run.invoke(app, ["set", "--target", "repurchase_rate=0.35"], catch_exceptions=False)
    made = json.loads(run.invoke(app, ["set", "--target", "aov=18000", "--json"], catch_exceptions=False).stdout)
    assert made["targets"] == {"repurchase_rate": 0.35, "aov": 18000}


@pytest.mark.parametrize(
    "wrong", [["--target", "repurchase_rate"], ["--exclusions", "{"], ["--thresholds", "[1]"], ["--target", "aov=much"]]
)
def test_wrong_usage_is_told_and_changes_nothing(wrong: list[str]) -> None:
    assert run.invoke(app, ["set", *wrong]).exit_code == 2
    assert isinstance(run.invoke(app, ["show"]).exception, NoBrandError)


def test_exclusions_are_checked_before_they_are_saved() -> None:
    assert isinstance(run.invoke(app, ["set", "--exclusions", '{"colour": "red"}']).exception, BrandInvalidError)
    made = run.invoke(app, ["set", "--exclusions", '{"min_amount_minor": 100}', "--json"], catch_exceptions=False)
    assert json.loads(made.stdout)["exclusions"] == {"min_amount_minor": 100}
