"""`huitou up` and its parts: ready, told the truth about, restarted, and gone without a trace."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from huitou.core.health import WORKER_SILENT_SECONDS
from huitou.core.home import Home
from huitou.core.postgres import acquire
from huitou.core.postgres.control import read_state
from tests.faults.product import Product, environment, free_port, huitou, running
from tests.faults.servers import ROOT, eventually, kill, passable_folder, processes, supervisor_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")


@pytest.fixture(scope="module")
def store() -> Iterator[Home]:
    """A data directory that has been brought up once."""
    with passable_folder() as folder:
        home = Home(folder / "home")
        ran = huitou(home, "up", "--no-serve")
        assert ran.returncode == 0, ran.stderr
        assert "First administrator: admin, password: " in ran.stdout
        yield home
        assert eventually(lambda: not processes(home)), processes(home)


def worker_is_ok(product: Product) -> bool:
    _status, body = product.get("/readyz")
    return bool(body and body["parts"]["worker"]["ok"])


def worker_silence(product: Product) -> float:
    """Seconds since the worker reported last, as the product tells; endless where it tells nothing."""
    _status, body = product.get("/readyz")
    told = body["parts"].get("worker", {}).get("detail", "") if body else ""
    return float(told.split()[3]) if told.startswith("last heard of ") else math.inf


def children(product: Product) -> dict[str, int]:
    """Process ids of the web server and the worker that belong to this product."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            command = (entry / "cmdline").read_text().split("\0")
        except (OSError, ValueError):
            continue
        if parent == product.process.pid and "config" in command:
            found[command[command.index("config") + 1]] = int(entry.name)
    return found


def is_alive(pid: int) -> bool:
    """Whether the process still runs; one that has ended and waits for its new parent to take note does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def is_gone(product: Product) -> bool:
    return eventually(lambda: not processes(product.home) and product.get("/healthz")[0] == 0)


def test_a_second_start_is_quick_and_tells_the_password_no_more(store: Home) -> None:
    seconds = []
    for _ in range(3):  # a busy machine may be slow once
        started = time.monotonic()
        with running(store) as product:
            seconds.append(time.monotonic() - started)
            assert eventually(lambda: worker_is_ok(product)), product.get("/readyz")
            assert eventually(lambda: f"http://127.0.0.1:{product.port}" in product.output.read_text())
            assert "password" not in product.output.read_text()
        assert is_gone(product)
        if seconds[-1] < 30:
            break
    assert min(seconds) < 30


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_asked_to_stop_it_stops_everything(store: Home, sent: signal.Signals) -> None:
    with running(store) as product:
        product.process.send_signal(sent)
        assert product.process.wait(timeout=60) == 0, product.output.read_text()
        assert is_gone(product), processes(store)
        assert "Traceback" not in product.output.read_text()


def test_killed_it_leaves_nobody_behind(store: Home) -> None:
    with running(store) as product:
        before = children(product)
        assert set(before) == {"serve", "worker"}
        kill(product.process.pid)
        product.process.wait()
        assert is_gone(product), processes(store)
        assert eventually(lambda: not any(map(is_alive, before.values())))


@pytest.fixture(scope="class")
def living(store: Home) -> Iterator[Product]:
    """One product for the tests of a class."""
    with running(store) as product:
        yield product
    assert is_gone(product)


class TestLivesThrough:
    """What one running product lives through, one thing after the other: each start of its own would take longer."""

    @pytest.fixture
    def product(self, living: Product) -> Product:
        """As it stands after the test before: ready, and its worker at work."""
        assert living.is_ready(), living.get("/readyz")
        assert eventually(lambda: worker_is_ok(living), 40), living.output.read_text()[-2000:]
        return living

    @pytest.mark.parametrize("name", ["serve", "worker"])
    def test_a_part_that_is_asked_to_stop_again_and_again_stops_in_order(self, product: Product, name: str) -> None:
        """Parent, kernel and operator may all ask: no signal must trip over another, down to the process's end."""
        assert eventually(lambda: worker_is_ok(product)), product.get("/readyz")
        before = children(product)[name]
        until = time.monotonic() + 20
        while is_alive(before) and time.monotonic() < until:
            with contextlib.suppress(ProcessLookupError):
                os.kill(before, signal.SIGTERM)
            time.sleep(0.0005)
        assert eventually(lambda: children(product).get(name, before) != before), product.output.read_text()
        assert product.is_ready()
        told = product.output.read_text()
        assert "Traceback" not in told
        if name == "worker":  # the web server's own runtime gives signals back their effect when it ends
            assert "worker ended with status 0" in told, told

    @pytest.mark.parametrize("name", ["serve", "worker"])
    def test_a_killed_part_is_started_again(self, product: Product, name: str) -> None:
        before = children(product)
        kill(before[name])
        assert eventually(lambda: children(product).get(name, before[name]) != before[name]), product.output.read_text()
        assert product.is_ready()

    def test_it_lives_through_the_death_of_the_databases_supervisor(self, store: Home, product: Product) -> None:
        before = supervisor_of(store)
        kill(before)
        assert eventually(lambda: supervisor_of(store) != before)
        assert product.is_ready(), product.get("/readyz")
        assert eventually(lambda: worker_is_ok(product), 40), product.output.read_text()[-2000:]
        assert product.process.poll() is None

    def test_it_follows_a_database_that_comes_back_elsewhere(self, store: Home, product: Product) -> None:
        with socket.socket() as squatter:
            before = read_state(store.postgres)
            assert before is not None
            assert before.port is not None
            kill(before.supervisor)
            moment = time.monotonic()
            assert eventually(lambda: take(squatter, before.port or 0)), "the port never became free"
            assert eventually(lambda: getattr(read_state(store.postgres), "port", None) not in {before.port, None})
            assert product.is_ready(), product.get("/readyz")
            # What it reported before is older than the move, and rounded to whole seconds.
            heard_since = eventually(
                lambda: worker_silence(product) < time.monotonic() - moment - 1, 3 * WORKER_SILENT_SECONDS
            )
            assert heard_since, product.output.read_text()[-2000:]
            assert worker_is_ok(product)

    def test_a_second_start_says_where_the_first_one_serves(self, store: Home, product: Product) -> None:
        """Asked for the same address there is nothing to do; asked for another one it cannot be had."""
        url = f"http://127.0.0.1:{product.port}"
        again = huitou(store, "up", HUITOU_PORT=str(product.port))
        assert again.returncode == 0, again.stderr
        assert f"already runs in {store.root}, at {url} (process {product.process.pid})" in again.stdout
        elsewhere = huitou(store, "up", HUITOU_PORT=str(free_port()))
        assert elsewhere.returncode == 1
        assert url in elsewhere.stderr
        assert "HUITOU_HOME" in elsewhere.stderr
        assert product.get("/healthz")[0] == 200
        assert huitou(store, "up", "--no-serve").returncode == 0


def take(squatter: socket.socket, port: int) -> bool:
    try:
        squatter.bind(("127.0.0.1", port))
    except OSError:
        return False
    squatter.listen()
    return True


def test_a_taken_port_is_named(store: Home) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        ran = huitou(store, "up", HUITOU_PORT=str(squatter.getsockname()[1]))
        assert ran.returncode == 1
        assert "HUITOU_PORT" in ran.stderr
        assert "Traceback" not in ran.stderr
    assert eventually(lambda: not processes(store)), processes(store)


def test_killed_in_the_midst_of_an_import_it_goes_at_once_and_the_next_start_tells(store: Home) -> None:
    """A worker that reads a long file does not wait for its end; the file goes on, and the terminal says which."""
    path = store.root.parent / "long.csv"
    row = "A{0},2025-03-01 10:00:00,{1},{2},s{3},面膜\n"
    with path.open("w", encoding="utf-8") as file:
        file.write("订单号,付款时间,会员号,金额,商品编码,商品名称\n")
        file.writelines(row.format(n, f"m{n % 90_000}", n % 300 + 1, n % 50) for n in range(200_000))
    start = "from huitou.core.boot import boot; boot();"
    start += "from huitou.sources.services import start_import; from huitou.sources.importing.options import *;"
    start += "from huitou.sources.tasks import run_import_job; from pathlib import Path; import sys;"
    start += "run = start_import(path=Path(sys.argv[1]), kind='orders', options=ImportOptions());"
    start += "run_import_job.defer(run_id=run.pk, language='en')"
    with running(store) as product:
        assert eventually(lambda: worker_is_ok(product)), product.output.read_text()
        before = children(product)
        begun = subprocess.run(
            [sys.executable, "-c", start, str(path)], cwd=ROOT, env=environment(store), capture_output=True, check=False
        )
        assert begun.returncode == 0, begun.stderr
        assert eventually(lambda: "import 1 (orders" in (store.logs / "worker.log").read_text(), 30)
        kill(product.process.pid)
        product.process.wait()
        moment = time.monotonic()
        assert eventually(lambda: not any(map(is_alive, before.values())), 10)
        assert time.monotonic() - moment < 6
        assert "import 1 is done" not in (store.logs / "worker.log").read_text()
        assert is_gone(product), processes(store)
    with running(store) as product:
        told = product.output.read_text()
        assert "was ended without being stopped" in told
        assert "Finished 1 imports that were interrupted: long.csv" in told
        assert "import 1 is done: 200000 rows, 200000 taken" in (store.logs / "up.log").read_text()
        product.process.send_signal(signal.SIGTERM)
        product.process.wait(timeout=60)
    with running(store) as product:
        last = product.output.read_text().split("The console is at")[-2]
        assert "was ended without" not in last
    assert is_gone(product)


def test_logs_hold_no_password(store: Home) -> None:
    assert "password" not in "".join(path.read_text().lower() for path in store.logs.glob("*.log*"))


def test_another_postgresql_is_used_when_named_and_its_absence_is_told(store: Home) -> None:
    other = Home(store.root.parent / "other")
    home = Home(store.root.parent / "elsewhere")
    with acquire(other) as lease:
        url = lease.url
        with running(home, HUITOU_DATABASE_URL=url) as product:
            assert not (home.root / "postgres").exists()
            lease.release()
            assert eventually(lambda: not processes(other))
            status, body = product.get("/readyz")
            assert (status, body["failing"]) == (503, ["database"])
            assert product.get("/healthz")[0] == 200
            with acquire(other) as back:
                assert back.url == url, "the server comes back where it was"
                assert product.is_ready(), product.get("/readyz")
    assert eventually(lambda: not processes(other))
    ran = huitou(home, "brand", "show", "--json", HUITOU_DATABASE_URL=url)
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["error"]["code"] == "database_unreachable"
    assert "Traceback" not in ran.stderr
