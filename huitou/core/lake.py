"""The way into the lake: stage, claim, commit, done. Exactly once, wherever a process is killed.

1. *Stage*: the batch is written as Parquet below the staging folder and synced to disk.
2. *Claim*: a `LakeBatch` row names the staged folder. From here on the batch is never lost.
3. *Commit*: under the table's advisory lock, the staged rows are appended in one Delta transaction whose
   application id is the batch. A batch that the table already knows is not repeated. Files staged in the table's
   own partitions are linked into its folder; what was linked and not committed is no part of the table.
4. *Done*: the row says which table version holds it; the staged files may go.

Whoever starts later repeats 3 and 4 for claimed batches that are not done. Tables that a refresh rewrites
need none of this: a killed refresh is run again, and readers follow the last `RefreshRun` that finished.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection, transaction

from huitou.analytics.adoption import files_below, sync
from huitou.analytics.tables import TABLES
from huitou.core.clock import Clock
from huitou.core.faultpoints import reach
from huitou.core.home import Home
from huitou.core.lake_mark import adopt_lake, home_lake
from huitou.core.models import LakeBatch

logger = logging.getLogger(__name__)


@contextmanager
def table_writer(table: str) -> Iterator[None]:
    """Be the table's one writer until the block ends; waits for another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('huitou.lake'), hashtext(%s))", [table])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('huitou.lake'), hashtext(%s))", [table])


def reserve_batch_id() -> int:
    """A batch id that nobody else gets. Rows carry it before the batch is claimed; unused ones are no harm."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('core_lakebatch', 'id'))")
        return int(cursor.fetchone()[0])


def sync_staged(folder: Path) -> None:
    """Force the staged files and their folder onto the disk; before this, claiming them would be a lie."""
    for path in [*files_below(folder), folder, folder.parent]:
        sync(path)


def claim_batch(*, batch_id: int, key: str, table: str, staged_path: str, row_count: int, clock: Clock) -> LakeBatch:
    """Persist that the staged folder is a batch of `table`. Claiming the same key again returns the first claim."""
    with transaction.atomic():
        batch, _ = LakeBatch.objects.get_or_create(
            key=key,
            defaults={
                "id": batch_id,
                "table": table,
                "staged_path": staged_path,
                "row_count": row_count,
                "claimed_at": clock.now(),
            },
        )
    return batch


def commit_batch(batch_id: int, *, home: Home, clock: Clock) -> int:
    """Bring one claimed batch into the lake if it is not there yet; returns the table version that holds it."""
    lake = adopt_lake(home)
    table = LakeBatch.objects.get(pk=batch_id).table
    with table_writer(table):
        batch = LakeBatch.objects.get(pk=batch_id)
        if batch.lake_version is not None:
            discard_staged(home, batch.staged_path)
            return batch.lake_version
        version = lake.append(batch.table, home.staging / batch.staged_path, transaction_id=f"batch-{batch.pk}")
        reach("lake.appended")
        LakeBatch.objects.filter(pk=batch.pk).update(lake_version=version, committed_at=clock.now())
    reach("lake.committed")
    discard_staged(home, batch.staged_path)
    return version


def commit_pending(*, home: Home, clock: Clock) -> list[int]:
    """Finish every claimed batch that a killed process left behind; returns their ids, oldest first.

    One that cannot be finished does not hold up the others: the first such error is raised at the end.
    """
    pending = list(LakeBatch.objects.filter(committed_at=None).order_by("pk").values_list("pk", flat=True))
    failed: Exception | None = None
    for batch_id in pending:
        try:
            commit_batch(batch_id, home=home, clock=clock)
        except Exception as error:
            logger.warning("lake batch %s could not be finished: %s", batch_id, error)
            failed = failed or error
    if failed is not None:
        raise failed
    return pending


def compact_scattered(table: str, *, home: Home, small_bytes: int, at_least: int) -> list[str]:
    """Write partitions with at least so many files smaller than that anew as few large ones; returns which."""
    lake = home_lake(home)
    if not lake.scattered(table, small_bytes=small_bytes, at_least=at_least):
        return []
    with table_writer(table):
        found = lake.scattered(table, small_bytes=small_bytes, at_least=at_least)
        for value in found:
            lake.compact(table, value)
    return found


def widen_tables(home: Home) -> list[str]:
    """Give tables that an earlier version of the product made the columns declared since; returns which."""
    lake, widened = home_lake(home), []
    for table in TABLES.values():
        # Tables that a refresh writes follow by themselves.
        if table.name.startswith("fct_"):
            with table_writer(table.name):
                if lake.widen(table.name):
                    widened.append(table.name)
    return widened


def discard_staged(home: Home, staged_path: str) -> None:
    """Remove the files of a batch that is done."""
    folder = (home.staging / staged_path).resolve()
    if folder.is_relative_to(home.staging.resolve()) and folder != home.staging.resolve():
        shutil.rmtree(folder, ignore_errors=True)
