"""What operators see: the list, a readout before and after its end, the holdout on settings and customer pages."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from typer.testing import CliRunner

from config.cli import build
from huitou.accounts.models import User
from huitou.experiments import services
from huitou.experiments.models import CONTROL, HoldoutShare, Margin
from huitou.experiments.tests.conftest import DAY, START, Market, line


@pytest.fixture
def client(market: Market) -> Client:
    user = User.objects.create_superuser("admin", password="x", role="admin", language="en")
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def page(client: Client, address: str, language: str = "en") -> str:
    client.cookies["django_language"] = language
    User.objects.update(language=language)
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def launch(market: Market) -> None:
    """A hundred people in halves; seven in ten of the treated buy and two in ten of the others."""
    people, experiment = market.people(200), market.experiment(title="老客召回")
    arms = services.assign(experiment, people, market.at(START))
    rows = []
    for place, person in enumerate(people):
        if place % 10 < (7 if arms[person] != CONTROL else 2):
            rows.append(line(f"o{person}", START + DAY, person))
    market.buy(rows)


def test_an_empty_list_says_what_will_stand_there(client: Client) -> None:
    assert "Nothing is compared yet" in page(client, "/experiments/")
    assert "还没有任何比较" in page(client, "/experiments/", "zh-hans")


def test_a_readout_before_and_after_its_end(client: Client, market: Market) -> None:
    launch(market)
    market.refresh(START + 10 * DAY)
    early = page(client, "/experiments/launch:1/")
    assert "In progress until 2026-05-01" in early
    assert "Bought again" not in early
    market.refresh(START + 60 * DAY)
    assert "老客召回" in page(client, "/experiments/")
    final = page(client, "/experiments/launch:1/")
    assert "It worked: " in final
    assert "95 % interval" in final
    assert 'data-source="chart-difference"' in final
    assert "the margin is not set" in final
    chinese = page(client, "/experiments/launch:1/", "zh-hans")
    assert "有效：触达组有" in chinese
    assert client.get("/experiments/nothing/").status_code == 404


def test_the_holdout_and_the_margin_are_set_on_the_settings_page(client: Client) -> None:
    assert "2026-Q1" in page(client, "/settings/")
    client.post("/settings/holdout/", {"share": "7.5"})
    client.post("/settings/margin/", {"margin": "35%"})
    assert HoldoutShare.objects.get().share_bp == 750
    assert Margin.objects.get().margin_bp == 3500
    shown = page(client, "/settings/")
    assert "7.5%" in shown
    assert "nobody can say" not in shown
    client.post("/settings/holdout/", {"share": "0"})
    assert "nobody can say what all messages together cause" in page(client, "/settings/")
    for wrong in ("", "many", "51", "1.234", "-1", "nan"):
        client.post("/settings/holdout/", {"share": wrong})
    assert HoldoutShare.objects.count() == 2
    client.post("/settings/margin/", {"margin": ""})
    assert Margin.objects.order_by("-pk")[0].margin_bp is None
    assert client.get("/settings/holdout/").status_code == 405


def test_the_customer_page_tells_arms_and_holdout(client: Client, market: Market) -> None:
    launch(market)
    market.refresh(START + DAY)
    clock = market.at(START)
    # So many that chance holds somebody out.
    people = market.people(400)
    held = services.hold_out(people, clock=clock)
    services.assign(market.experiment(), people, clock)
    chosen = min(held)
    shown = page(client, f"/customers/{chosen}/")
    assert "left untouched this quarter" in shown
    assert "老客召回" in shown
    assert "since 2026-03-02" in shown
    other = min(set(people) - held)
    assert "Not in the global holdout of 2026-Q1" in page(client, f"/customers/{other}/")


def test_the_command_line_and_the_api_tell_the_same(client: Client, market: Market) -> None:
    launch(market)
    market.refresh(START + 60 * DAY)
    runner, app = CliRunner(), build()
    told = json.loads(runner.invoke(app, ["experiments", "readout", "launch:1", "--json"]).stdout)
    api = client.get("/api/v1/experiments/launch:1/readout").json()
    assert told["comparisons"] == api["comparisons"]
    assert told["comparisons"][0]["verdict"] == "more"
    listed = runner.invoke(app, ["experiments", "list"]).stdout
    assert listed.startswith("launch:1\t老客召回\t2026-03-02 – 2026-05-01")
    shown = json.loads(runner.invoke(app, ["experiments", "show", "launch:1", "--json"]).stdout)
    assert sum(shown["assigned"].values()) == 200
    early = json.loads(
        runner.invoke(app, ["experiments", "readout", "launch:1", "--as-of", "2026-04-01", "--json"]).stdout
    )
    assert (early["state"], early["comparisons"]) == ("in_progress", [])
    assert runner.invoke(app, ["experiments", "show", "launch:1"]).stdout.count("\t") == 4
