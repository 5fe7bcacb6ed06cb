"""The example as an operator uses it: a win-back with half held out and, eight weeks later, an honest readout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from config.cli import build
from huitou.core.clock import SystemClock
from huitou.core.home import Home
from huitou.customers.models import Identifier, Person
from huitou.experiments.models import Assignment, Experiment, HoldoutShare
from huitou.journeys.models import Enrollment, Launch
from huitou.messaging.models import ChannelAccount, Touch
from huitou.messaging.tests.stage import agree
from huitou.sources.connectors.complete_journey.panel import END
from huitou.sources.connectors.complete_journey.tests.test_panel import before, brand_lines

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.soak]
run = CliRunner()
ZONE = ZoneInfo("Asia/Shanghai")


def told(*words: str) -> Any:
    """What the command line answers as JSON."""
    answer = run.invoke(build(), [*words, "--json"], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def bought_again(members: Mapping[int, datetime], days: int) -> set[int]:
    """Households among these with a basket worth something after their instant and within so many days, straight from
    the panel's files, whose times are those of the brand's zone."""
    baskets: dict[Any, tuple[int, datetime, Decimal]] = {}
    for line in (
        before(brand_lines(), END)
        .select(["household_id", "basket_id", "transaction_timestamp", "sales_value"])
        .to_pylist()
    ):
        _, at, worth = baskets.get(line["basket_id"], (0, line["transaction_timestamp"], Decimal(0)))
        baskets[line["basket_id"]] = (int(line["household_id"]), at, worth + Decimal(repr(line["sales_value"])))
    found = set()
    for household, at, worth in baskets.values():
        since = members.get(household)
        if since is not None and worth > 0 and since < at.replace(tzinfo=ZONE) <= since + timedelta(days=days):
            found.add(household)
    return found


def test_a_win_back_on_the_example_shows_no_effect_and_how_large_one_could_have_been_seen(home: Home) -> None:
    """Hardly anybody is contacted: the retailer's data hold no consent, and the governor refuses for want of it. Forty
    customers who agreed are reached, and the readout says how many of them were in the arm; all count as assigned.

    Who bought again is counted a second time from the panel's files.
    """
    told("example", "load")
    machine = SystemClock()
    ChannelAccount.objects.create(
        kind="console_log", name="log", callback_token="t" * 20, created_at=machine.now(),
        settings={"consent_channel": "sms"},
    )  # fmt: skip
    opening = datetime.fromisoformat(told("example", "status")["now"])
    silent = told("plays", "preview", "win_back_60d", "--control", "50%", "--channel", "console_log")
    assert 400 < silent["now_count"] < silent["expected"]
    agreed = list(Person.objects.order_by("pk").values_list("pk", flat=True))[::20]
    for number, person in enumerate(agreed):
        Identifier.objects.create(person_id=person, kind="phone", value=f"139{number:08d}")
        agree(person, "sms", at=opening - timedelta(days=1))

    words = ("plays", "launch", "win_back_60d", "--control", "50%", "--channel", "console_log", "--key", "one")
    launch = told(*words)
    assert told(*words) == launch
    terms = (launch["control_bp"], launch["starts_at"][:10], launch["result_at"][:10])
    assert terms == (5000, "2017-10-01", "2017-11-26")
    running = told("plays", "readout", str(launch["launch"]))["readout"]
    assert (running["state"], running["comparisons"]) == ("in_progress", [])

    told("example", "advance", "--days", "56")

    found = told("plays", "readout", str(launch["launch"]))
    numbers, readout = found["numbers"], found["readout"]
    assert readout["state"] == "final"
    assert set(numbers["refused"]) == {"no_consent"}
    assert numbers["inside"] == 0
    arms = {arm["arm"]: arm for arm in readout["arms"]}
    for arm in ("control", "treatment"):
        assigned = dict(
            Assignment.objects.filter(experiment__key=f"launch:{launch['launch']}", arm=arm).values_list(
                "person_id", "at"
            )
        )
        households = {
            int(identifier.value): assigned[identifier.person_id]
            for identifier in Identifier.objects.filter(kind="customer_id", person_id__in=assigned)
        }
        assert arms[arm]["customers"] == len(assigned) == len(households)
        assert arms[arm]["buyers"] == len(bought_again(households, 28))
    sent = set(Touch.objects.filter(sent_at__isnull=False).values_list("person_id", flat=True))
    assert sent
    assert sent <= set(agreed)
    assert (arms["control"]["reached"], arms["treatment"]["reached"]) == (0, len(sent))
    assert arms["control"]["customers"] + arms["treatment"]["customers"] > 500
    assert not readout["balance"]["is_broken"]
    compared = readout["comparisons"][0]
    assert compared["verdict"] == "none"
    assert compared["rate"]["low"] < 0 < compared["rate"]["high"]
    assert 0.05 < compared["detectable"] < 0.15
    assert readout["words"]

    told("example", "remove")
    left = [model.objects.count() for model in (Launch, Enrollment, Touch, Experiment, Assignment, HoldoutShare)]
    assert left == [0] * 6
