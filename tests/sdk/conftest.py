"""One real server for all SDKs: started as an operator would, with a brand and a write key."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from huitou.analytics.engines import DuckEngine, Lake
from huitou.core.home import Home
from tests.faults.product import huitou, running
from tests.faults.servers import eventually

NODE_FOLDER = Path(sys.prefix) / "sdk" / "node_modules"
CHANNEL = "mini_program"


@dataclass(frozen=True)
class Server:
    """A running product that takes events in, and what it holds."""

    url: str
    key: str
    home: Home
    output: Path

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a fact table."""
        engine = DuckEngine(Lake(self.home.lake_url), scratch=self.home.root / "scratch-of-tests")
        try:
            rows: list[dict[str, Any]] = engine.to_pyarrow(engine.table(table)).to_pylist()
        finally:
            engine.close()
        return rows

    def wait_for(self, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """The events in the lake, once there are enough."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = self.rows("fct_events")
            return enough(found)

        assert eventually(look, 60), self.output.read_text()[-4000:]
        return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`huitou up` with a brand in yuan and a write key."""
    home = Home(tmp_path_factory.mktemp("sdk") / "home")
    with running(home) as product:
        done = huitou(home, "brand", "set", "--name", "小满生活", "--currency", "CNY")
        assert done.returncode == 0, done.stderr
        made = huitou(home, "keys", "create", "shop", "--source", "shop", "--channel", CHANNEL, "--json")
        assert made.returncode == 0, made.stderr
        secret = json.loads(made.stdout)["secret"]
        yield Server(f"http://127.0.0.1:{product.port}", secret, home, product.output)


@pytest.fixture
def node() -> dict[str, str]:
    """What Node needs to find the packages; `make test` installs them."""
    if shutil.which("node") is None or not NODE_FOLDER.is_dir():
        pytest.fail("Node and its packages are missing: run make sdk")
    return {**os.environ, "NODE_PATH": str(NODE_FOLDER)}
