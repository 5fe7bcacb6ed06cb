"""The published SDKs, with nothing but host and write key set, tell a customer's story to the real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from huitou.sources.intake.messages import event_hash
from tests.sdk.conftest import CHANNEL, Server
from tests.sdk.gate import Gate, gate_to

HERE = Path(__file__).parent
CROWD = 250
SDKS = {
    "segment-analytics-python": ("python", "send_segment.py", True),
    "rudder-sdk-python": ("python", "send_rudder.py", True),
    "@segment/analytics-node": ("node", "send_segment.cjs", False),
    "@rudderstack/rudder-sdk-node": ("node", "send_rudder.cjs", True),
}
STORY = {
    ("track", "Product Viewed"): 1,
    ("track", "Order Completed"): 1,
    ("track", "Checked In"): CROWD,
    ("page", "Page Viewed"): 1,
    ("screen", "Screen Viewed"): 1,
    ("identify", "Identify"): 1,
    ("group", "Group"): 1,
    ("alias", "Alias"): 1,
}


def tell(sdk: str, host: str, key: str, person: str, node: dict[str, str]) -> None:
    language, script, _packs = SDKS[sdk]
    command = [sys.executable if language == "python" else "node", str(HERE / script)]
    done = subprocess.run(
        [*command, host, key, person, str(CROWD)],
        env=node if language == "node" else dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def told_by(server: Server, gate: Gate) -> list[dict[str, Any]]:
    """What arrived of the messages that passed the gate."""
    sent = {event_hash("shop", message).hex() for request in gate.seen for message in request["messages"]}
    assert len(sent) == sum(STORY.values())
    rows = server.wait_for(lambda rows: sum(row["event_id"] in sent for row in rows) >= len(sent))
    return [row for row in rows if row["event_id"] in sent]


@pytest.mark.parametrize("sdk", SDKS)
def test_an_sdk_tells_everything_once_though_it_is_turned_away_at_first(
    sdk: str, server: Server, node: dict[str, str]
) -> None:
    """Every call of the spec, a crowd in batches, packed where the SDK packs, twice 429 before the first is taken."""
    person = f"c-{list(SDKS).index(sdk)}"
    with gate_to(server.url, refusals=2) as gate:
        tell(sdk, gate.url, server.key, person, node)
    assert sum(request["turned_away"] for request in gate.seen) == 2
    assert {request["path"] for request in gate.seen} == {"/v1/batch"}
    assert max(len(request["messages"]) for request in gate.seen) > 1
    assert all(request["packed"] for request in gate.seen) is SDKS[sdk][2]
    again = Counter(message for request in gate.seen for message in request["messages"])
    assert max(again.values()) > 1, "what was turned away came again under its own id"

    rows = told_by(server, gate)
    assert Counter((row["kind"], row["name"]) for row in rows) == STORY
    assert {(row["source"], row["channel"]) for row in rows} == {("shop", CHANNEL)}
    streaks = {json.loads(row["properties"])["streak_days"] for row in rows if row["name"] == "Checked In"}
    assert streaks == set(range(CROWD))
    viewed = next(row for row in rows if row["name"] == "Product Viewed")
    assert (viewed["object_type"], viewed["object_id"]) == ("product", "p1")
    # The name is told to the customers' register and nowhere in the lake.
    assert not any("王小满" in str(row) for row in rows)

    lines = [row for row in server.rows("fct_order_lines") if row["order_id"] == f"order-{person}"]
    told = [(row["sku"], row["amount_minor"], row["discount_minor"], row["person_id"]) for row in lines]
    bought = next(row for row in rows if row["name"] == "Order Completed")
    assert told == [("p1", 1800, 100, bought["person_id"])]
