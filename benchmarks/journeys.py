"""Steps of journeys a second, against the same journeys by hand in SQL, in the same run.

    python benchmarks/journeys.py [--customers 50000] [--workers 2] [--batch 5000] [--seed 3]

Four journeys, each gone through by every customer from entry to end: `wait` (two days), `send` (a message, a day,
another message), `branch` (three ways by what the trigger told, two of them with waits), and `mixed` (a split by the
draw, a wait, a task for staff, a wait for an event that does not come). The peer (`journeys.sql`) makes the same steps
with one statement per batch, in tables of the same columns, keys, indexes and foreign keys in the same server; the logs
of both are compared row by row. Both are driven by as many processes. Processor seconds are those of client and
server process together, which a busy machine changes less than the clock does; the ratio goes by them.
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
from dataclasses import dataclass
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
HELLO = {"kind": "send", "channels": ["console_log"], "text": {"zh": "您好", "en": "Hello"}}
END = {"id": "end", "kind": "exit"}


@dataclass(frozen=True)
class Scenario:
    """A journey, and the three pieces of the statement that does the same."""

    steps: list[dict[str, Any]]
    arm: str
    way: str
    stop: str


SCENARIOS = {
    "wait": Scenario(
        [{"id": "pause", "kind": "wait", "mode": "for", "duration": "2d"}, END],
        "CASE WHEN waited THEN 'on' ELSE 'in' END",
        "('pause', 'on', 1, 'pause', 'end', 'waited'), ('pause', 'on', 2, 'end', '', 'finished')",
        "('pause', 'in', 0, 'pause', interval '2 days', ''), ('pause', 'on', 1, '', NULL, '')",
    ),
    "send": Scenario(
        [
            {"id": "hello", **HELLO},
            {"id": "pause", "kind": "wait", "mode": "for", "duration": "1d"},
            {"id": "again", **HELLO},
            END,
        ],
        "'on'",
        "('hello', 'on', 1, 'hello', 'pause', 'requested'), ('pause', 'on', 1, 'pause', 'again', 'waited'), "
        "('pause', 'on', 2, 'again', 'end', 'requested'), ('pause', 'on', 3, 'end', '', 'finished')",
        "('hello', 'on', 1, 'pause', interval '1 day', ''), ('pause', 'on', 2, '', NULL, '')",
    ),
    "branch": Scenario(
        [
            {
                "id": "ask",
                "kind": "branch",
                "cases": [
                    {"data": [{"property": "x", "is": "<", "value": 3}], "next": "soon"},
                    {"data": [{"property": "x", "is": "<", "value": 6}], "next": "later"},
                ],
                "next": "end",
            },
            {"id": "soon", "kind": "wait", "mode": "for", "duration": "1d", "next": "end"},
            {"id": "later", "kind": "wait", "mode": "for", "duration": "2d", "next": "end"},
            END,
        ],
        "CASE WHEN step <> 'ask' THEN 'on' WHEN (data->>'x')::int < 3 THEN 'a' WHEN (data->>'x')::int < 6 THEN 'b' "
        "ELSE 'c' END",
        "('ask', 'a', 1, 'ask', 'soon', 'case 1'), ('ask', 'b', 1, 'ask', 'later', 'case 2'), "
        "('ask', 'c', 1, 'ask', 'end', 'else'), ('ask', 'c', 2, 'end', '', 'finished'), "
        "('soon', 'on', 1, 'soon', 'end', 'waited'), ('soon', 'on', 2, 'end', '', 'finished'), "
        "('later', 'on', 1, 'later', 'end', 'waited'), ('later', 'on', 2, 'end', '', 'finished')",
        "('ask', 'a', 1, 'soon', interval '1 day', ''), ('ask', 'b', 1, 'later', interval '2 days', ''), "
        "('ask', 'c', 1, '', NULL, ''), ('soon', 'on', 1, '', NULL, ''), ('later', 'on', 1, '', NULL, '')",
    ),
    "mixed": Scenario(
        [
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
            END,
        ],
        "CASE WHEN step <> 'half' THEN 'on' "
        "WHEN ('x' || left(md5('s:' || person_id), 8))::bit(32)::bigint < 2147483648 THEN 'a' ELSE 'b' END",
        "('half', 'a', 1, 'half', 'pause', 'arm 1'), ('half', 'b', 1, 'half', 'answer', 'arm 2'), "
        "('pause', 'on', 1, 'pause', 'call', 'waited'), "
        "('pause', 'on', 2, 'call', 'answer', 'handed over'), "
        "('answer', 'on', 1, 'answer', 'end', 'timeout'), ('answer', 'on', 2, 'end', '', 'finished')",
        "('half', 'a', 1, 'pause', interval '2 days', ''), "
        "('half', 'b', 1, 'answer', interval '1 day', 'Product Viewed'), "
        "('pause', 'on', 2, 'answer', interval '1 day', 'Product Viewed'), ('answer', 'on', 1, '', NULL, '')",
    ),
}
COLUMNS = """launch_id, version_id, person_id, entry_key, reentry, arm, acts, state, entered_at, step, visit,
    reached_at, due_at, waiting_for, outcome, data, exit_reason"""
PEER_TABLES, PEER_STATEMENT = (HERE / "journeys.sql").read_text().split("-- The statement.\n")


def prepare(customers: int) -> dict[str, int]:
    """A brand and its customers, who have just entered one launch of each journey; returns the launches by scenario."""
    from django.db import connection

    from huitou.accounts.models import Brand
    from huitou.core.clock import FixedClock
    from huitou.customers.models import Person
    from huitou.journeys.services import create_journey, launch, publish

    Brand.objects.update_or_create(pk=1, defaults={"name": "Benchmark", "clock_now": START})
    Person.objects.bulk_create((Person(created_at=START) for _ in range(customers)), batch_size=10_000)
    clock = FixedClock(START)
    launches: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(PEER_TABLES)
        for name, scenario in SCENARIOS.items():
            definition = {
                "trigger": {"kind": "event", "event": "Order Completed"},
                "steps": scenario.steps,
                "reentry": "never",
                "control_bp": 0,
            }
            draft = create_journey(name=name, title=name, definition=definition, clock=clock)
            version = publish(journey=draft.journey, clock=clock)
            made = launch(version=version, clock=clock, control_bp=0, holdout=False)
            launches[name] = made.pk
            for table in ("journeys_enrollment", "hand_enrollment"):
                cursor.execute(
                    f"""INSERT INTO {table} ({COLUMNS})
                    SELECT %s, %s, id, 'b' || id, 'never', 'treatment', true, 'active', %s, %s, 1, %s, %s, '', '',
                        jsonb_build_object('x', id %% 10), '' FROM customers_person ORDER BY id""",
                    [made.pk, version.pk, START, scenario.steps[0]["id"], START, START],
                )
        cursor.execute("UPDATE journeys_launch SET state = 'paused'")
    return launches


def only(launch: int) -> None:
    """Let this launch run and no other."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE journeys_launch SET state = CASE id WHEN %s THEN 'running' ELSE 'paused' END", [launch])
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def compare(launch: int) -> int:
    """Rows of both logs in which the two disagree: where each customer went, when, and why."""
    from django.db import connection

    def log(prefix: str) -> str:
        return f"""SELECT e.person_id, t.visit, t.from_step, t.to_step, t.at, t.reason FROM {prefix}_transition AS t
            JOIN {prefix}_enrollment AS e ON e.id = t.enrollment_id WHERE e.launch_id = {launch}
            UNION ALL
            SELECT person_id, visit, step, state, ended_at, exit_reason FROM {prefix}_enrollment
            WHERE launch_id = {launch}"""

    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT count(*) FROM ((({log("journeys")}) EXCEPT ALL ({log("hand")})) UNION ALL
            (({log("hand")}) EXCEPT ALL ({log("journeys")}))) AS other"""
        )
        return int(cursor.fetchone()[0])


def boot_product() -> None:
    from huitou.core.boot import boot

    boot()


def _cpu_seconds(backend: int) -> float:
    """Processor time of this process and of the server process that works for it."""
    spent = psutil.Process(backend).cpu_times()
    return process_time() + float(spent.user) + float(spent.system)


def product_worker(batch: int) -> tuple[int, float]:
    """Move on whoever is due at each moment; returns steps and processor seconds."""
    from django.db import connection

    from huitou.accounts.queries import get_brand
    from huitou.core.clock import FixedClock
    from huitou.journeys.engine.advance import advance
    from huitou.journeys.models import Enrollment

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = int(cursor.fetchone()[0])
    steps, before = 0, _cpu_seconds(backend)
    for moment in MOMENTS:
        steps += advance(brand=get_brand(), clock=FixedClock(moment), limit=batch).steps
    # What the other process had in hand meanwhile may be due by now.
    while Enrollment.objects.filter(launch_id=int(os.environ["BENCHMARK_LAUNCH"]), state="active").exists():
        steps += advance(brand=get_brand(), clock=FixedClock(MOMENTS[-1]), limit=batch).steps
    return steps, _cpu_seconds(backend) - before


def warm_up() -> None:
    """A turn before anything is due, so that nothing is imported while the clock runs."""
    from huitou.accounts.queries import get_brand
    from huitou.core.clock import FixedClock
    from huitou.journeys.engine.advance import advance

    advance(brand=get_brand(), clock=FixedClock(START - timedelta(minutes=1)))


def hand_worker(batch: int) -> tuple[int, float]:
    """The same with the one statement; returns steps and processor seconds."""
    steps, launch = 0, int(os.environ["BENCHMARK_LAUNCH"])
    scenario = SCENARIOS[os.environ["BENCHMARK_SCENARIO"]]
    content = {"words": {code: {"text": said} for code, said in HELLO["text"].items()}}
    statement = PEER_STATEMENT.format(
        launch=launch,
        arm=scenario.arm,
        way=scenario.way,
        stop=scenario.stop,
        words=json.dumps(WORDS),
        content=json.dumps(content),
    )
    with psycopg.connect(os.environ["BENCHMARK_URL"], autocommit=True) as connection:
        connection.execute(f"PREPARE move (timestamptz, int) AS {statement}")
        before = _cpu_seconds(connection.info.backend_pid)
        left = f"SELECT 1 FROM hand_enrollment WHERE launch_id = {launch} AND state = 'active' LIMIT 1"
        moments = [*MOMENTS]
        while moments:
            told, moved = connection.execute(f"EXECUTE move ('{moments[0].isoformat()}', {batch})").fetchone()
            steps += told
            if not moved and (len(moments) > 1 or connection.execute(left).fetchone() is None):
                moments.pop(0)
        return steps, _cpu_seconds(connection.info.backend_pid) - before


def _child(pipe: Any, work: Callable[[int], tuple[int, float]], batch: int) -> None:
    if work is product_worker:
        boot_product()
        warm_up()
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


def _versions() -> dict[str, str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        server = cursor.fetchone()[0]
    python = sys.version.split()[0]
    return {"python": python, "django": version("django"), "psycopg": version("psycopg"), "postgresql": server}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=50_000)
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
        launches = prepare(given.customers)
        told: dict[str, Any] = {}
        for name, launch in launches.items():
            os.environ["BENCHMARK_SCENARIO"], os.environ["BENCHMARK_LAUNCH"] = name, str(launch)
            only(launch)
            connection.close()
            by_hand = timed(hand_worker, given.workers, given.batch)
            product = timed(product_worker, given.workers, given.batch)
            ratio = product["steps_per_cpu_second"] / max(by_hand["steps_per_cpu_second"], 1)
            differing = compare(launch)
            told[name] = {"by_hand": by_hand, "product": product, "ratio": round(ratio, 3), "differing_rows": differing}
            print(name, json.dumps(told[name]), flush=True)
            assert not differing, f"{name}: the two went different ways"
        result = {
            "claim": "10,000 steps a second on two cores",
            "customers": given.customers,
            "workers": given.workers,
            "batch": given.batch,
            "seed": given.seed,
            "scenarios": told,
            "machine": {"cores": os.cpu_count(), "platform": platform.platform(), "load": os.getloadavg()[0]},
            "versions": _versions(),
        }
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
