"""The refresh: registers mirrored, orders and features computed in full, and published all at once.

Every table it writes is a new version in the lake that nobody reads until the run is marked finished: readers
follow the last finished `RefreshRun`. So a killed refresh has done nothing, and is run again.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import Brand
from huitou.analytics.engines import Lake, sweep_scratch
from huitou.analytics.person_days import NAME as DAYS
from huitou.analytics.person_days import DaysBasis
from huitou.analytics.rebuild import COMPUTED, Written, rebuild
from huitou.analytics.rules import Exclusions, Thresholds
from huitou.analytics.tables import TABLES
from huitou.core.clock import Clock, SystemClock, local_day
from huitou.core.engine import open_home_engine
from huitou.core.faultpoints import reach
from huitou.core.home import Home
from huitou.core.lake import commit_pending
from huitou.core.lake_mark import adopt_lake, outdated_tables
from huitou.core.models import RefreshRun
from huitou.core.terminal import Report, silent
from huitou.orders import sql
from huitou.orders.mirror import REGISTERS, mirror_register, register_marks
from huitou.orders.refresh_step import Refreshing, Stepped, after_refresh, refresh_steps
from huitou.orders.tasks import after_refresh_job

FACTS = ("fct_order_lines", "fct_events")
logger = logging.getLogger(__name__)
_MACHINE = SystemClock()


@dataclass(frozen=True)
class Refreshed:
    """The run whose tables are valid now; `skipped` if it is an earlier one because nothing has changed since."""

    run: RefreshRun
    skipped: bool


def run_refresh(
    *, home: Home, brand: Brand, clock: Clock, progress: Report = silent, force: bool = False
) -> RefreshRun:
    """`refresh`, for callers that do not mind whether there was anything to do."""
    return refresh(home=home, brand=brand, clock=clock, progress=progress, force=force).run


def refresh(*, home: Home, brand: Brand, clock: Clock, progress: Report = silent, force: bool = False) -> Refreshed:
    """Bring the computed tables up to date, as of the brand's now; a second refresh at the same time waits.

    Nothing is done where facts, registers, settings and the brand's day are those of the last finished run,
    unless `force`, which continues from nothing that is there.
    """
    with _only_one():
        commit_pending(home=home, clock=_MACHINE)
        _close_killed()
        sweep_scratch(home.root / "scratch")
        lake = adopt_lake(home)
        if outdated := outdated_tables(lake):
            logger.warning("the lake is an older copy: %s lack what came in after it", ", ".join(outdated))
        as_of = clock.now()
        basis = _basis(lake, brand, as_of)
        last = RefreshRun.objects.filter(finished_at__isnull=False, error="").order_by("-pk").first()
        if last is not None and not force and last.detail.get("basis") == basis and _is_there(lake, last):
            return Refreshed(last, skipped=True)
        run = RefreshRun.objects.create(as_of=as_of, started_at=_MACHINE.now())
        try:
            _run(run, last=last, force=force, basis=basis, lake=lake, home=home, brand=brand, progress=progress)
        except Exception as error:
            RefreshRun.objects.filter(pk=run.pk).update(error=f"{type(error).__name__}: {error}"[:2000])
            raise
        # What steps claimed for facts of their own when the run was published.
        commit_pending(home=home, clock=_MACHINE)
        _forget_old(lake)
    return Refreshed(run, skipped=False)


@contextmanager
def _only_one() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(sql.LOCK)
        try:
            yield
        finally:
            cursor.execute(sql.UNLOCK)


def _close_killed() -> None:
    """Runs that never finished belong to processes that are gone: we hold the lock."""
    RefreshRun.objects.filter(finished_at=None, error="").update(error="killed before it finished")


def _basis(lake: Lake, brand: Brand, as_of: datetime) -> dict[str, Any]:
    """Everything that the computed tables depend on."""
    declared = "\n".join(f"{t.name} {t.schema} {[c.doc for c in t.columns]}" for t in TABLES.values())
    return {
        "facts": {name: lake.version(name) for name in FACTS},
        # A table that was dropped and made anew may come to the same version.
        "identities": {name: lake.identity(name) for name in FACTS},
        "registers": register_marks(),
        "day": local_day(as_of, brand.tz).isoformat(),
        "zone": brand.zone,
        "exclusions": Exclusions.from_json(brand.exclusions).to_json(),
        "thresholds": Thresholds.from_json(brand.thresholds).to_json(),
        "declarations": hashlib.sha256(declared.encode()).hexdigest()[:16],
        "steps": {step.name: step.mark(brand, as_of) for step in refresh_steps()},
    }


def _is_there(lake: Lake, run: RefreshRun) -> bool:
    """Whether the lake still has what the run published; a lake, table or file that was removed has not."""
    if lake.identity(DAYS) != run.detail.get("days"):
        return False
    return all(lake.kept_files(name, version) is not None for name, version in run.versions.items())


def _run(
    run: RefreshRun,
    *,
    last: RefreshRun | None,
    force: bool,
    basis: dict[str, Any],
    lake: Lake,
    home: Home,
    brand: Brand,
    progress: Report,
) -> None:
    versions: dict[str, int] = {}
    seconds: dict[str, float] = {}
    steps, before = refresh_steps(), last
    last = None if force else last
    total = len(REGISTERS) + len(COMPUTED) + len(steps)
    for name in FACTS:
        version = lake.version(name)
        if version is not None:
            versions[name] = version
    for done, register in enumerate(REGISTERS):
        progress(done, total, _label(register))
        started = time.monotonic()
        versions |= _kept_register(register, last, basis, lake) or mirror_register(
            register, lake=lake, scratch=home.root / "scratch"
        )
        seconds[register] = round(time.monotonic() - started, 3)

    def report(done: int, _total: int | None = None, step: str = "") -> None:
        progress(len(REGISTERS) + done, total, _label(step))

    with open_home_engine(home, versions=versions) as engine:
        written = rebuild(
            engine,
            as_of=run.as_of,
            zone=brand.zone,
            exclusions=Exclusions.from_json(brand.exclusions),
            thresholds=Thresholds.from_json(brand.thresholds),
            report=report,
            days_basis=_days_basis(last, basis),
        )
        versions |= {name: table.version for name, table in written.items()}
        stepped: dict[str, Stepped] = {}
        for done, step in enumerate(steps):
            progress(total - len(steps) + done, total, str(step.label))
            same = (
                last is not None and last.detail["basis"].get("steps", {}).get(step.name) == basis["steps"][step.name]
            )
            going = Refreshing(run, before, engine, lake, home, brand, force, same)
            started = time.monotonic()
            stepped[step.name] = step.run(going)
            seconds[step.name] = round(time.monotonic() - started, 3)
            versions |= stepped[step.name].versions
            reach(f"refresh.stepped.{step.name}")
    detail = {"basis": basis, "days": lake.identity(DAYS), "registers": seconds, "tables": _told(written)}
    detail["steps"] = {name: step.detail for name, step in stepped.items()}
    _publish(run, versions, detail, [step.publish for step in stepped.values() if step.publish])
    assert run.finished_at is not None, "published runs are finished"
    took = (run.finished_at - run.started_at).total_seconds()
    logger.info("refresh %s as of %s is done in %.1f s", run.pk, run.as_of, took)


def _publish(
    run: RefreshRun, versions: dict[str, int], detail: dict[str, Any], parts: Sequence[Callable[[], None]]
) -> None:
    """Let readers see the run, with everything that steps have to tell of it, at once."""
    run.versions, run.detail, run.finished_at = versions, detail, _MACHINE.now()
    with transaction.atomic():
        for part in parts:
            part()
        run.save()
        for name in after_refresh():
            after_refresh_job.configure().defer(run_id=run.pk, name=name)
        reach("refresh.publishing")


def _days_basis(last: RefreshRun | None, basis: dict[str, Any]) -> DaysBasis | None:
    """What the last finished run made int_person_days of, if that can be continued."""
    if last is None or last.detail.get("basis", {}).get("declarations") != basis["declarations"]:
        return None
    events, days = last.versions.get("fct_events"), last.versions.get(DAYS)
    if events is None or days is None:
        return None
    before = last.detail["basis"]
    return DaysBasis(
        events_identity=before.get("identities", {}).get("fct_events"),
        events_version=events,
        identity=last.detail.get("days"),
        version=days,
        zone=before["zone"],
    )


def _told(written: dict[str, Written]) -> dict[str, dict[str, float | int]]:
    return {name: {"rows": table.rows, "seconds": table.seconds} for name, table in written.items()}


def _kept_register(register: str, last: RefreshRun | None, basis: dict[str, Any], lake: Lake) -> dict[str, int] | None:
    """Versions of the register's tables as the last run left them, if the register is the same; else None."""
    if last is None:
        return None
    before = last.detail.get("basis", {})
    if (
        before.get("declarations") != basis["declarations"]
        or before["registers"][register] != basis["registers"][register]
    ):
        return None
    kept = {table: last.versions.get(table) for table in REGISTERS[register]}
    there = {table: v for table, v in kept.items() if v is not None and lake.kept_files(table, v) is not None}
    return there if len(there) == len(kept) else None


def _forget_old(lake: Lake) -> None:
    """Old versions of rewritten tables go once nobody can be reading them."""
    registers = [table for tables in REGISTERS.values() for table in tables]
    of_steps = [table for step in refresh_steps() for table in step.tables]
    for name in (*COMPUTED, *registers, *of_steps):
        lake.forget_old(name)


def _label(step: str) -> str:
    """The step in the reader's language."""
    return {
        "links": _("joined customers"),
        "persons": _("customers"),
        "products": _("products"),
        "int_orders": _("orders"),
        "int_order_categories": _("categories"),
        "int_refunds": _("refunds"),
        "int_person_days": _("interactions"),
        "feat_customers": _("customer features"),
    }.get(step, step)
