"""Imports of files: each step is committed before the next begins, so a killed import resumes where it was.

uploaded → preparing → prepared → claimed → done. Until `claimed` nothing of the file counts; from then on it is never
lost and never counted twice, whoever is killed when.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import Brand, User
from huitou.accounts.queries import get_brand
from huitou.accounts.services import ensure_brand, record_audit
from huitou.core.clock import Clock, SystemClock
from huitou.core.errors import DomainError, kind_and_place
from huitou.core.faultpoints import reach
from huitou.core.home import Home
from huitou.core.lake import claim_batch, commit_batch, discard_staged, reserve_batch_id, sync_staged
from huitou.core.lake_mark import home_lake
from huitou.core.models import LakeBatch
from huitou.core.money import exponent
from huitou.core.terminal import Report, silent
from huitou.sources.importing.encoding import scan_file
from huitou.sources.importing.examine import Examined, examine
from huitou.sources.importing.options import ImportOptions
from huitou.sources.importing.preview import DryRun, FileLook, Preview, look_at_file, preview_examined, run_dry
from huitou.sources.importing.rejects import write_reject_file
from huitou.sources.importing.staging import (
    resolve_customers,
    save_customers,
    save_order_products,
    save_products,
    stage_lines,
)
from huitou.sources.models import ImportRun
from huitou.sources.own_events import OwnEvent, record_own_events

__all__ = [
    "DryRun",
    "FileLook",
    "ImportOptions",
    "OwnEvent",
    "Preview",
    "dry_run",
    "look_at",
    "preview_file",
    "record_own_events",
    "resume_imports",
    "run_import",
    "start_import",
]
logger = logging.getLogger(__name__)
UNFINISHED = ("uploaded", "preparing", "prepared", "claimed")
DEFAULT_SOURCE = "file"
_LINES = "fct_order_lines"


class FileMissingError(DomainError):
    """The file of an import is not there any more, or is another one now."""

    code = "file_missing"


class NothingAcceptedError(DomainError):
    """No row of the file could be taken."""

    code = "nothing_accepted"
    status = 422


def look_at(*, path: Path, kind: str, options: ImportOptions, home: Home | None = None) -> FileLook:
    """Headers, first rows and how the file is written, whether or not its mapping is known yet."""
    with _scratch_folder(home or settings.HOME) as folder:
        return look_at_file(path, kind=kind, options=options, folder=folder)


def preview_file(
    *,
    path: Path,
    kind: str,
    options: ImportOptions,
    lines_path: Path | None = None,
    home: Home | None = None,
    limit: int = 20,
) -> Preview:
    """What importing the file would do: its form, mapping, first rows as understood, counts and problems.

    Raises DomainError where the mapping does not fit or the file cannot be read.
    """
    zone, digits = _money_and_zone()
    with (
        _scratch_folder(home or settings.HOME) as folder,
        examine(
            path, kind=kind, options=options, zone=zone, exponent=digits, folder=folder, lines_path=lines_path
        ) as examined,
    ):
        return preview_examined(examined, limit)


def dry_run(
    *,
    path: Path,
    kind: str,
    options: ImportOptions,
    lines_path: Path | None = None,
    home: Home | None = None,
    progress: Report = silent,
) -> DryRun:
    """Everything an import would report, with the reject file, and nothing stored. Raises DomainError."""
    home = home or settings.HOME
    zone, digits = _money_and_zone()
    with (
        _scratch_folder(home) as folder,
        examine(
            path,
            kind=kind,
            options=options,
            zone=zone,
            exponent=digits,
            folder=folder,
            lines_path=lines_path,
            report=progress,
        ) as examined,
    ):
        return run_dry(examined, home.rejects / f"dry-run-{examined.opened.sha256[:12]}.csv")


def _money_and_zone(brand: Brand | None = None) -> tuple[ZoneInfo, int]:
    if brand is None:
        try:
            brand = get_brand()
        except DomainError:
            brand = Brand()
    return brand.tz, exponent(brand.currency)


def start_import(
    *,
    path: Path,
    kind: str,
    options: ImportOptions,
    lines_path: Path | None = None,
    file_name: str = "",
    user: User | None = None,
    actor_label: str = "",
    clock: Clock | None = None,
    for_example: bool = False,
) -> ImportRun:
    """Register an import; `run_import` then does it. Given again, the same file in the same way is the same import.

    It begins anew only where another file of the same source came in between: then its orders replace that one's.
    Raises FileMissingError, or ExampleLoadedError while the store holds the example.
    """
    clock = clock or SystemClock()
    path = path.resolve()
    for given in (path, lines_path):
        if given is not None and not given.is_file():
            raise FileMissingError(_("There is no file %(path)s.") % {"path": given})
    brand = ensure_brand(clock=clock, for_example=for_example, actor=user)
    source = options.source or DEFAULT_SOURCE
    content = _content_hash(path, lines_path)
    stated = options.to_json()
    identity = json.dumps([kind, content, source, stated, brand.zone, brand.currency], sort_keys=True)
    fingerprint = hashlib.sha256(identity.encode()).hexdigest()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('huitou.import.start'))")
        earlier = list(ImportRun.objects.filter(key__startswith=fingerprint).order_by("-pk"))
        if earlier and (earlier[0].state in UNFINISHED or _still_stands(earlier[0])):
            return earlier[0]
        return ImportRun.objects.create(
            key=f"{fingerprint}#{len(earlier) + 1}",
            kind=kind,
            source=source,
            file_name=(file_name or path.name)[:300],
            file_path=str(path),
            lines_path=str(lines_path.resolve()) if lines_path else "",
            file_size=path.stat().st_size,
            content_hash=content,
            options=stated,
            created_at=clock.now(),
            created_by=user,
            created_label=actor_label,
        )


def _still_stands(run: ImportRun) -> bool:
    """Whether a finished import is still the last word: nothing that could have replaced its rows came after it."""
    if run.state != "done":
        return False
    later = ImportRun.objects.filter(kind=run.kind, pk__gt=run.pk).exclude(state="failed")
    if run.kind == "orders":
        if run.batch_id is None or not LakeBatch.objects.filter(pk=run.batch_id).exists():
            return False
        later = later.filter(source=run.source)
    return not later.exists()


def _content_hash(path: Path, lines_path: Path | None) -> str:
    digests = [scan_file(p).sha256 for p in (path, lines_path) if p is not None]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def run_import(
    run_id: int,
    *,
    progress: Report = silent,
    home: Home | None = None,
    clock: Clock | None = None,
    namespace: str = "",
) -> ImportRun:
    """Take an import from wherever it is to its end. Twice, or by two processes at once, ends the same.

    `namespace` is the shop inside which customer numbers are unique. Raises DomainError where the file cannot be
    used; the run then says why. Raises OtherLakeError before anything is done.
    """
    home, clock = home or settings.HOME, clock or SystemClock()
    home_lake(home)
    with _only_one(run_id):
        run = ImportRun.objects.get(pk=run_id)
        if run.state == "prepared" and not (home.staging / run.staged_path).is_dir():
            run.state = "preparing"
        if run.state in ("uploaded", "preparing"):
            reach("import.started")
            logger.info("import %s (%s, %s bytes) begins", run.pk, run.kind, run.file_size)
            _prepare(run, home=home, clock=clock, progress=progress, namespace=namespace)
        if run.state == "prepared":
            reach("import.prepared")
            _claim(run, clock=clock)
        if run.state == "claimed":
            reach("import.claimed")
            assert run.batch_id is not None, "a claimed import has a batch"
            progress(0, None, _("writing orders"))
            commit_batch(run.batch_id, home=home, clock=clock)
            reach("import.committed")
            _finish(run, clock=clock)
    return run


def resume_imports(*, home: Home | None = None, clock: Clock | None = None, progress: Report = silent) -> list[int]:
    """Take up every import that a killed process left; those under way elsewhere are left alone. Returns their ids.

    An import that cannot go on (its file is gone) is marked failed with the reason and does not stop the others.
    """
    resumed = []
    for run_id in ImportRun.objects.filter(state__in=UNFINISHED).order_by("pk").values_list("pk", flat=True):
        if _is_under_way(run_id):
            continue
        try:
            run_import(run_id, home=home, clock=clock, progress=progress)
        except DomainError:
            continue
        except Exception:
            # One file that trips over a fault of ours must not keep the product from starting.
            logger.exception("import %s cannot be resumed", run_id)
            continue
        resumed.append(run_id)
    return resumed


@contextmanager
def _only_one(run_id: int) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('huitou.import'), %s)", [run_id])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('huitou.import'), %s)", [run_id])


def _is_under_way(run_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('huitou.import'), %s)", [run_id])
        free = bool(cursor.fetchone()[0])
        if free:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('huitou.import'), %s)", [run_id])
    return not free


@contextmanager
def _scratch_folder(home: Home, name: str = "look") -> Iterator[Path]:
    """A folder for one job's scratch files, removed afterwards."""
    home.staging.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=home.staging) as folder:
        yield Path(folder)


def _prepare(run: ImportRun, *, home: Home, clock: Clock, progress: Report, namespace: str) -> None:
    """Read, check and store what needs no protocol; leave the order lines staged. A restart begins it anew."""
    for left in home.staging.glob(f".import-{run.pk}-*"):
        shutil.rmtree(left, ignore_errors=True)
    if run.staged_path:
        discard_staged(home, run.staged_path)
    # Later files must outrank earlier ones, so the number is drawn when the work begins, not when it was registered.
    run.batch_id = reserve_batch_id() if run.kind == "orders" else None
    run.staged_path = f"import-{run.pk}-{run.batch_id}" if run.kind == "orders" else ""
    run.state = "preparing"
    run.save(update_fields=["batch_id", "staged_path", "state"])
    reach("import.preparing")
    try:
        with _scratch_folder(home, f"import-{run.pk}") as folder:
            _read(run, home=home, clock=clock, progress=progress, namespace=namespace, folder=folder)
    except (OperationalError, OSError):
        # The database or the disk failed us, not the file: the import stays where it is and is resumed.
        raise
    except Exception as error:
        if run.staged_path:
            discard_staged(home, run.staged_path)
        told = str(error) if isinstance(error, DomainError) else kind_and_place(error)
        run.state, run.error, run.finished_at = "failed", told, clock.now()
        run.save()
        raise


def _read(run: ImportRun, *, home: Home, clock: Clock, progress: Report, namespace: str, folder: Path) -> None:
    path = Path(run.file_path)
    lines_path = Path(run.lines_path) if run.lines_path else None
    present = path.is_file() and (lines_path is None or lines_path.is_file())
    if not present or _content_hash(path, lines_path) != run.content_hash:
        raise FileMissingError(
            _("%(path)s is not there any more, or was changed since. Import it again.") % {"path": run.file_path}
        )
    zone, digits = _money_and_zone()
    with examine(
        path,
        kind=run.kind,
        options=ImportOptions.from_json(run.options),
        zone=zone,
        exponent=digits,
        folder=folder,
        lines_path=lines_path,
        report=progress,
    ) as examined:
        reach("import.examined")
        _take_over(run, examined, home)
        if not examined.counts.accepted:
            worst = examined.problems[0]["message"] if examined.problems else _("it holds no rows")
            raise NothingAcceptedError(
                _("No row of %(name)s could be taken: %(reason)s") % {"name": run.file_name, "reason": worst}
            )
        _store(run, examined, home=home, clock=clock, progress=progress, namespace=namespace, folder=folder)


def _take_over(run: ImportRun, examined: Examined, home: Home) -> None:
    """What was found goes into the run, and what was refused into the reject file."""
    counts = asdict(examined.counts)
    for name in ("rows", "accepted", "rejected", "orders", "customers"):
        setattr(run, name, counts[name])
    run.detected, run.mapping = examined.detected(), examined.mapping.to_json()
    run.problems, run.warnings = examined.problems, examined.warnings
    run.reject_path = ""
    if run.rejected:
        target = home.rejects / f"import-{run.pk}.csv"
        write_reject_file(examined.scratch, examined.mapping, examined.row_number, target)
        run.reject_path = str(target)


def _store(
    run: ImportRun,
    examined: Examined,
    *,
    home: Home,
    clock: Clock,
    progress: Report,
    namespace: str,
    folder: Path,
) -> None:
    if run.kind == "customers":
        told = save_customers(examined, clock=clock, source=run.source, namespace=namespace, folder=folder)
        run.warnings = [*run.warnings, *told]
        _finish(run, clock=clock)
        return
    if run.kind == "products":
        save_products(examined, clock=clock, folder=folder)
        _finish(run, clock=clock)
        return
    assert run.batch_id is not None, "a batch id was drawn for it"
    save_order_products(examined, clock=clock, folder=folder)
    reach("import.products")
    resolve_customers(examined, clock=clock, source=run.source, namespace=namespace, folder=folder, report=progress)
    reach("import.persons")
    progress(0, None, _("staging order lines"))
    staged = home.staging / run.staged_path
    run.staged_rows = stage_lines(examined, batch_id=run.batch_id, source=run.source, folder=staged)
    reach("import.staged")
    sync_staged(staged)
    run.state, run.error = "prepared", ""
    run.save()


def _claim(run: ImportRun, *, clock: Clock) -> None:
    """Persist that the staged lines are a batch; run and batch change together."""
    assert run.batch_id is not None, "a prepared import has a batch"
    with transaction.atomic():
        claim_batch(
            batch_id=run.batch_id,
            key=run.batch_key,
            table=_LINES,
            staged_path=run.staged_path,
            row_count=run.staged_rows,
            clock=clock,
        )
        run.state = "claimed"
        run.save(update_fields=["state"])


def _finish(run: ImportRun, *, clock: Clock) -> None:
    """Mark the import done and write its audit entry, together and once."""
    with transaction.atomic():
        now = ImportRun.objects.select_for_update().get(pk=run.pk)
        run.state, run.finished_at, run.error = "done", clock.now(), ""
        run.save()
        if now.state != "done":
            record_audit(
                action=f"import.{run.kind}",
                clock=clock,
                actor=run.created_by,
                actor_label=run.created_label or "cli",
                target=run.batch_key,
                count=run.accepted,
                detail={"run": run.pk, "source": run.source, "rows": run.rows, "rejected": run.rejected},
            )
    logger.info("import %s is done: %s rows, %s taken, %s not", run.pk, run.rows, run.accepted, run.rejected)
    reach("import.done")
