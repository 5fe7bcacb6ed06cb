"""The mini-program code of the guide, as it stands there, under Node against the real server."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from huitou.sources.intake.messages import event_hash
from tests.sdk.conftest import Server
from tests.sdk.gate import gate_to

HERE = Path(__file__).parent
GUIDE = HERE.parent.parent / "docs" / "guide" / "sdks.md"


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """The guide's code, as a file."""
    found = re.search(r"^```js\n(// huitou\.js: .*?)^```$", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    path = tmp_path / "huitou.js"
    path.write_text(found[1], encoding="utf-8")
    return path


def play(scene: str, code: Path, host: str, server: Server, person: str, node: dict[str, str]) -> dict[str, Any]:
    """Run one scene in a process of its own; returns what the storage holds when it ends."""
    storage = code.with_name("storage.json")
    done = subprocess.run(
        ["node", str(HERE / "mini_program.cjs"), str(code), str(storage), host, server.key, scene, person],
        env=node,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(storage.read_text(encoding="utf-8"))
    return found


def test_the_code_is_short_enough_to_copy(code: Path) -> None:
    assert len(code.read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("scene", ["busy", "late"])
def test_events_wait_on_the_phone_until_the_server_has_each_once(
    scene: str, code: Path, server: Server, node: dict[str, str]
) -> None:
    """Three events without a network, the program closed; then one more, the server busy or the network late."""
    person = f"mini-{scene}"
    kept = play("offline", code, server.url, server, person, node)
    waiting = [event["messageId"] for event in kept["huitou_queue"]]
    assert len(set(waiting)) == 3
    with gate_to(server.url, refusals=2 if scene == "busy" else 0) as gate:
        after = play(scene, code, gate.url, server, person, node)
    assert after["huitou_queue"] == []
    sent = Counter(message for request in gate.seen for message in request["messages"])
    assert len(sent) == 4
    assert set(waiting) < set(sent)
    assert sum(request["turned_away"] for request in gate.seen) == (2 if scene == "busy" else 0)
    assert max(sent.values()) == (3 if scene == "busy" else 1)

    hashes = {event_hash("shop", message).hex() for message in sent}
    rows = server.wait_for(lambda rows: sum(row["event_id"] in hashes for row in rows) >= len(hashes))
    mine = [row for row in rows if row["event_id"] in hashes]
    assert Counter(row["name"] for row in mine) == {
        "Product Viewed": 1,
        "Page Viewed": 1,
        "Identify": 1,
        "Checked In": 1,
    }
    # Before and after identify, it is one person's story.
    assert len({row["person_id"] for row in mine}) == 1


def test_a_full_phone_keeps_the_newest(code: Path, server: Server, node: dict[str, str]) -> None:
    storage = code.with_name("storage.json")
    old = [{"type": "track", "event": "Checked In", "messageId": f"old-{n}", "userId": "m"} for n in range(1000)]
    storage.write_text(json.dumps({"huitou_queue": old, "huitou_anonymous": "a", "huitou_user": "m"}))
    kept = play("offline", code, server.url, server, "mini-full", node)["huitou_queue"]
    assert len(kept) == 1000
    assert kept[0]["messageId"] == "old-3"
    assert [event["type"] for event in kept[-3:]] == ["track", "page", "identify"]


def test_the_guide_names_the_versions_that_were_tested() -> None:
    """Its table against what is installed and locked here."""
    table = dict(re.findall(r"^\| (\S+) \| ([\d.]+) \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE))
    root = HERE.parent.parent
    python = dict(re.findall(r"^([a-z-]+)==([\d.]+)", (root / "requirements/dev.lock").read_text(), re.MULTILINE))
    node = json.loads((HERE / "package-lock.json").read_text())["packages"]
    tested = {name: python[name] for name in ("segment-analytics-python", "rudder-sdk-python")}
    for name in ("@segment/analytics-node", "@rudderstack/rudder-sdk-node"):
        tested[name] = node[f"node_modules/{name}"]["version"]
    assert table == tested


def test_the_lock_names_versions_and_hashes_and_no_registry() -> None:
    packages = json.loads((HERE / "package-lock.json").read_text())["packages"]
    installed = {name: package for name, package in packages.items() if name}
    assert len(installed) > 20
    assert all(package["integrity"].startswith("sha512-") for package in installed.values())
    assert not any("resolved" in package for package in installed.values())
