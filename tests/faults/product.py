"""The whole product as a child process, for tests that start and kill it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huitou.core.home import Home
from tests.faults.servers import ROOT, eventually


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Home, **more: str) -> dict[str, str]:
    """The caller's environment with this data directory and nothing else of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUITOU_")}
    return {**kept, "HUITOU_HOME": str(home.root), "HUITOU_LANGUAGE": "en", **more}


def huitou(home: Home, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "config", *arguments],
        cwd=ROOT,
        env=environment(home, **more),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


# Commands one after the other in one process, each as its own would run it.
_EACH = """
import contextlib, io, json, sys
from config.cli import main
for words in json.load(sys.stdin):
    out, sys.argv = io.StringIO(), ["huitou", *words]
    try:
        with contextlib.redirect_stdout(out):
            main()
    except SystemExit as end:
        if end.code:
            sys.exit(f"huitou {' '.join(words)}: {end.code}")
    print(json.dumps(json.loads(out.getvalue())), flush=True)
"""


def answers(home: Home, *commands: Sequence[str]) -> list[Any]:
    """What commands answer in JSON. They share a process, which takes longer to start than most of them to run."""
    ran = subprocess.run(
        [sys.executable, "-c", _EACH],
        input=json.dumps([[*command, "--json"] for command in commands]),
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


@dataclass
class Product:
    """A running `huitou up`."""

    home: Home
    port: int
    process: subprocess.Popen[bytes]
    output: Path

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of one request; status 0 if nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=15) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                body = error.read()
                return error.code, json.loads(body) if body.startswith(b"{") else None
        except OSError:
            return 0, None

    def is_ready(self, seconds: float = 30) -> bool:
        return eventually(lambda: self.get("/readyz")[0] == 200, seconds)


@contextlib.contextmanager
def running(home: Home, *arguments: str, **more: str) -> Iterator[Product]:
    """`huitou up` until it answers; killed at the end if it still runs."""
    home.root.mkdir(parents=True, exist_ok=True)
    port, output = free_port(), home.root.parent / f"{home.root.name}.out"
    settings = environment(home, HUITOU_PORT=str(port), **more)
    with output.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "config", *(arguments or ("up",))], cwd=ROOT, env=settings, stdout=out, stderr=out
        )
    product = Product(home, port, process, output)
    try:
        assert product.is_ready(180), output.read_text()
        yield product
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
