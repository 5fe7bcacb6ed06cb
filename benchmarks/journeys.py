"""Steps of journeys a second, against the same journey by hand in one SQL statement, in the same run.

    python benchmarks/journeys.py [--customers 200000] [--workers 2] [--batch 5000] [--seed 3]

The journey is mixed: a split by the draw, a wait of two days for one half, a task for staff, a wait for an event with a
limit, the end; every customer makes three to five steps, each with its transition in the log. The peer (`journeys.sql`)
moves the same customers the same way with tables of its own in the same server. Both are driven by as many processes.
The ratio is by processor time of client and server process together, which a busy machine changes less than the clock.
Claim: 10,000 steps a second on two cores.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import psutil
import psycopg

HERE = Path(__file__).resolve().parent
START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
MOMENTS = (START, START + timedelta(days=1), START + timedelta(days=2), START + timedelta(days=3))
WORDS = {"zh": "请致电", "en": "Please call"}
JOURNEY: dict[str, Any] = {
    "trigger": {"kind": "event", "event": "Order Completed"},
    "steps": [
        {
            "id": "half",
            "kind": "split",
            "salt": "s",
            "arms": [{"share_bp": 5000, "next": "pause"}, {"share_bp": 5000, "next": "answer"}],
        },
        {"id": "pause", "kind": "wait", "mode": "for", "duration": "2d"},
        {"id": "call", "kind": "handoff", "title": WORDS},
        {
            "id": "answer",
            "kind": "wait",
            "mode": "event",
            "event": "Product Viewed",
            "at_most": "1d",
            "timeout": "end",
            "next": "end",
        },
        {"id": "end", "kind": "exit"},
    ],
    "reentry": "never",
    "control_bp": 0,
}


def prepare(customers: int) -> None:
    """A brand, its customers, and one launch that all of them have just entered."""
    from django.db import connection

    from huitou.accounts.models import Brand
    from huitou.core.clock import FixedClock
    from huitou.customers.models import Person
    from huitou.journeys.services import create_journey, launch, publish

    Brand.objects.update_or_create(pk=1, defaults={"name": "Benchmark", "clock_now": START})
    Person.objects.bulk_create((Person(created_at=START) for _ in range(customers)), batch_size=10_000)
    clock = FixedClock(START)
    draft = create_journey(name="benchmark", title="Benchmark", definition=JOURNEY, clock=clock)
    made = launch(version=publish(journey=draft.journey, clock=clock), clock=clock, control_bp=0, holdout=False)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE journeys_launch SET state = 'running' WHERE id = %s", [made.pk])
        cursor.execute(
            """INSERT INTO journeys_enrollment (launch_id, version_id, person_id, entry_key, reentry, arm, acts, state,
                entered_at, step, visit, reached_at, due_at, waiting_for, outcome, data, exit_reason)
            SELECT %s, %s, id, 'b' || id, 'never', 'treatment', true, 'active', %s, 'half', 1, %s, %s, '', '', '{}', ''
            FROM customers_person""",
            [made.pk, made.version_id, START, START, START],
        )
        cursor.execute("INSERT INTO hand_way SELECT id, id, 1, 1, %s FROM customers_person", [START])
        cursor.execute("ANALYZE")


def boot_product() -> None:
    from huitou.core.boot import boot

    boot()


def _cpu_seconds(backend: int) -> float:
    """Processor time of this process and of the server process that works for it."""
    spent = psutil.Process(backend).cpu_times()
    return process_time() + float(spent.user) + float(spent.system)


def product_worker(batch: int) -> tuple[int, float]:
    """Move on whoever is due at each moment; returns steps and processor seconds."""
    boot_product()
    from django.db import connection

    from huitou.accounts.queries import get_brand
    from huitou.core.clock import FixedClock
    from huitou.journeys.engine.advance import advance

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = int(cursor.fetchone()[0])
    steps, before = 0, _cpu_seconds(backend)
    for moment in MOMENTS:
        steps += advance(brand=get_brand(), clock=FixedClock(moment), limit=batch).steps
    return steps, _cpu_seconds(backend) - before


def hand_worker(batch: int) -> tuple[int, float]:
    """The same with the one statement; returns steps and processor seconds."""
    steps = 0
    with psycopg.connect(os.environ["BENCHMARK_URL"], autocommit=True) as connection:
        text = (HERE / "journeys.sql").read_text()
        connection.execute(text[text.index("PREPARE") :])
        before = _cpu_seconds(connection.info.backend_pid)
        for moment in MOMENTS:
            while moved := connection.execute(f"EXECUTE move ('{moment.isoformat()}', {batch})").rowcount:
                steps += moved
        return steps, _cpu_seconds(connection.info.backend_pid) - before


def _child(pipe: Any, work: Callable[[int], tuple[int, float]], batch: int) -> None:
    if work is product_worker:
        boot_product()
    pipe.send("ready")
    pipe.recv()
    pipe.send(work(batch))


def timed(work: Callable[[int], tuple[int, float]], workers: int, batch: int) -> dict[str, Any]:
    """Seconds and steps of so many processes at once, started together."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for _ in range(workers):
        mine, theirs = context.Pipe()
        process = context.Process(target=_child, args=(theirs, work, batch))
        process.start()
        pipes.append(mine)
        processes.append(process)
    for pipe in pipes:
        assert pipe.recv() == "ready"
    started = perf_counter()
    for pipe in pipes:
        pipe.send("go")
    told = [pipe.recv() for pipe in pipes]
    seconds = perf_counter() - started
    steps, spent = sum(one for one, _cpu in told), sum(cpu for _one, cpu in told)
    for process in processes:
        process.join()
    return {
        "seconds": round(seconds, 2),
        "steps": steps,
        "steps_per_second": round(steps / seconds),
        "cpu_seconds": round(spent, 2),
        "steps_per_cpu_second": round(steps / spent),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=3, help="kept for the record: draws are by hash, nothing is random")
    parser.add_argument("--out", type=Path, help="result file (JSON)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="huitou-benchmark-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        os.environ["HUITOU_HOME"] = folder
        boot_product()
        from django.db import connection

        settings = connection.settings_dict
        os.environ["BENCHMARK_URL"] = psycopg.conninfo.make_conninfo(
            dbname=settings["NAME"], user=settings["USER"], password=settings["PASSWORD"], host=settings["HOST"],
            port=settings["PORT"],
        )  # fmt: skip
        os.environ["HUITOU_DATABASE_URL"] = os.environ["BENCHMARK_URL"]
        text = (HERE / "journeys.sql").read_text()
        with connection.cursor() as cursor:
            cursor.execute(text[: text.index("-- Steps: 1")])
        prepare(given.customers)
        connection.close()
        by_hand = timed(hand_worker, given.workers, given.batch)
        print(json.dumps(by_hand), flush=True)
        product = timed(product_worker, given.workers, given.batch)
        print(json.dumps(product), flush=True)
        result = {
            "claim": "10,000 steps a second on two cores",
            "customers": given.customers,
            "workers": given.workers,
            "batch": given.batch,
            "seed": given.seed,
            "by_hand": by_hand,
            "product": product,
            "ratio": round(product["steps_per_cpu_second"] / max(by_hand["steps_per_cpu_second"], 1), 3),
            "machine": {"cores": os.cpu_count(), "platform": platform.platform(), "load": os.getloadavg()[0]},
            "versions": {"python": sys.version.split()[0], "django": version("django"), "psycopg": version("psycopg")},
        }
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
