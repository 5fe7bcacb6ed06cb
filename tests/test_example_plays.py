"""The example as an operator uses it: a win-back with half held out and, eight weeks later, an honest readout."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from config.cli import build
from huitou.core.clock import SystemClock
from huitou.core.home import Home
from huitou.messaging.models import ChannelAccount, Touch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.soak]
run = CliRunner()


def told(*words: str) -> Any:
    """What the command line answers as JSON."""
    answer = run.invoke(build(), [*words, "--json"], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_a_win_back_on_the_example_shows_no_effect_and_how_large_one_could_have_been_seen(home: Home) -> None:
    """Nobody is contacted: the retailer's data hold no consent, and the governor refuses every message for want of it.

    The launch still draws its arms, so the readout compares everybody as assigned.
    """
    told("example", "load")
    ChannelAccount.objects.create(
        kind="list_handoff", name="list", callback_token="t" * 20, created_at=SystemClock().now()
    )
    launch = told("plays", "launch", "win_back_60d", "--control", "50%", "--channel", "list_handoff", "--key", "one")
    assert (
        told("plays", "launch", "win_back_60d", "--control", "50%", "--channel", "list_handoff", "--key", "one")
        == launch
    )
    assert (launch["control_bp"], launch["starts_at"][:10], launch["result_at"][:10]) == (
        5000,
        "2017-10-01",
        "2017-11-26",
    )
    before = told("plays", "readout", str(launch["launch"]))
    assert before["readout"]["state"] == "in_progress"
    assert before["readout"]["comparisons"] == []

    told("example", "advance", "--days", "56")

    found = told("plays", "readout", str(launch["launch"]))
    numbers, readout = found["numbers"], found["readout"]
    assert readout["state"] == "final"
    assert numbers["sent"] == 0
    assert set(numbers["refused"]) == {"no_consent"}
    assert not Touch.objects.exclude(state__in=("refused", "expired")).exists()
    arms = {arm["arm"]: arm for arm in readout["arms"]}
    assert arms["control"]["customers"] + arms["treatment"]["customers"] > 400
    assert not readout["balance"]["is_broken"]
    compared = readout["comparisons"][0]
    assert compared["verdict"] == "none"
    assert compared["rate"]["low"] < 0 < compared["rate"]["high"]
    assert 0.02 < compared["detectable"] < 0.2
    assert readout["words"]
