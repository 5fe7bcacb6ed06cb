"""Load, advance and remove the example brand. Each can be killed at any moment and run again.

The brand row says how far things are: `clock_now` is what is loaded, `clock_target` what is being worked towards,
`example_scope` how much. A step that was done is found done by the import's own key, so running it again is quick.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext_lazy as _

from huitou.accounts.models import EXAMPLE_NAME, AuditEntry, Brand, User
from huitou.accounts.queries import find_brand
from huitou.accounts.services import (
    BrandExistsError,
    aim_example,
    create_brand,
    move_brand_clock,
    remove_empty_brand,
    remove_example_brand,
)
from huitou.analytics.tables import TABLES
from huitou.catalog.models import Category, Product
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.core.faultpoints import reach
from huitou.core.home import Home
from huitou.core.lake import table_writer
from huitou.core.lake_mark import home_lake
from huitou.core.models import LakeBatch, RefreshRun
from huitou.core.terminal import Report, silent
from huitou.customers.models import Identifier, Person
from huitou.orders.refresh import run_refresh
from huitou.sources.connectors.complete_journey.facts import add_events, name_categories
from huitou.sources.connectors.complete_journey.panel import (
    ATTRIBUTES,
    CURRENCY,
    END,
    FIRST,
    OPENING,
    ORDER_COLUMNS,
    PRODUCT_COLUMNS,
    SOURCE,
    ZONE,
    Panel,
    Slice,
    data_folder,
)
from huitou.sources.connectors.complete_journey.passing import (
    is_anything_waiting,
    is_each_day_counted,
    modules_of_apps,
    pass_hours,
)
from huitou.sources.importing.options import ImportOptions
from huitou.sources.models import ImportRun, InboxEvent
from huitou.sources.services import run_import, start_import

_REMOVING, _REPLACING = "removing", "replacing"
_STEPS = 6
_PATIENCE_SECONDS = 15
KINDS = {"orders": _("orders"), "products": _("products"), "customers": _("customers")}
# Within reach of its own past, so that the charts have a line to compare with.
TARGETS = {"repurchase_rate": 0.65, "repurchase_rate_90d": 0.95, "returning_buyer_share": 0.97}


def _options(**columns: str) -> ImportOptions:
    return ImportOptions(source=SOURCE, columns={name: (column,) for name, column in columns.items()})


_OPTIONS = {
    "orders": _options(**{name: name for name in ORDER_COLUMNS}),
    "products": _options(**{name: name for name in PRODUCT_COLUMNS}),
    "customers": _options(customer_id="customer_id", **{f"attribute.{name}": name for name in ATTRIBUTES}),
}


class NoExampleError(DomainError):
    """The store does not hold the example brand."""

    code = "no_example"
    status = 409


class ExampleEndsError(DomainError):
    """The example has no data beyond its end."""

    code = "example_ends"


class ExampleBusyError(DomainError):
    """Another process is loading, advancing or removing the example."""

    code = "example_busy"
    status = 409
    permanent = False


@dataclass(frozen=True)
class ExampleStatus:
    """The example as it is now. `state`: empty, own (the brand's own data), loading, ready or removing."""

    state: str
    scope: str = ""
    now: datetime | None = None
    ends: datetime | None = None
    days_left: int = 0
    lines: int = 0
    customers: int = 0
    products: int = 0
    events: int = 0

    @property
    def day(self) -> str:
        """The example's now as a day in its own zone, 2017-10-02."""
        return self.now.date().isoformat() if self.now else ""

    def to_json(self) -> dict[str, object]:
        """Plain values; instants in ISO form."""
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(self).items()}


def example_status() -> ExampleStatus:
    """How far the example is, and how much of it is visible; instants in the example's zone."""
    brand = find_brand()
    if brand is None:
        return ExampleStatus(state="empty")
    if not brand.is_example or brand.clock_now is None:
        return ExampleStatus(state="own")
    now = brand.clock_now.astimezone(ZoneInfo(ZONE))
    state = "removing" if brand.example_scope == _REMOVING else "loading" if brand.clock_target else "ready"
    done = LakeBatch.objects.exclude(committed_at=None)
    return ExampleStatus(
        state=state,
        scope=brand.example_scope,
        now=now,
        ends=END,
        days_left=(END - now).days,
        lines=sum(done.filter(table="fct_order_lines").values_list("row_count", flat=True)),
        customers=Person.objects.count(),
        products=Product.objects.count(),
        events=sum(done.filter(table="fct_events").values_list("row_count", flat=True)),
    )


def load_example(
    *, home: Home, clock: Clock, scope: str = "brand", report: Report = silent, actor: User | None = None
) -> ExampleStatus:
    """Fill an empty store with the example, or finish what a killed process began, and refresh.

    `scope` is brand (the example brand) or all (the whole grocer; replaces a loaded brand, at the same now).
    Loading what is loaded changes nothing. A brand of its own that holds nothing yet makes room: its settings go into
    the audit log. Raises BrandExistsError if the store holds a brand's own data,
    ExampleNotInstalledError without the data package, ExampleBusyError while another process is at it.
    """
    data_folder()
    with _alone():
        brand = find_brand()
        if brand is not None and not brand.is_example:
            if not is_empty():
                raise BrandExistsError(_("This deployment holds a brand of its own; the example needs an empty store."))
            remove_empty_brand(clock=clock, actor=actor)
            brand = None
        if brand is not None and brand.example_scope == _REMOVING:
            _remove(brand, home=home, clock=clock, actor=actor)
            brand = None
        if brand is None:
            brand = create_brand(
                name=EXAMPLE_NAME,
                zone=ZONE,
                currency=CURRENCY,
                is_example=True,
                example_scope=scope,
                clock_now=FIRST,
                clock_target=OPENING,
                targets=TARGETS,
                clock=clock,
                actor=actor,
            )
        elif scope == "all" and brand.example_scope == "brand":
            target = brand.clock_target or brand.clock_now
            brand = aim_example(scope=_REPLACING, target=target, clock=clock, actor=actor)
        _finish(brand, home=home, clock=clock, report=report, actor=actor)
        return example_status()


def is_empty() -> bool:
    """Whether nothing was ever brought into the store but settings: no fact, no event, no person, no import."""
    return not any(
        model.objects.exists() for model in (LakeBatch, InboxEvent, ImportRun, Person, Identifier, Product, Category)
    )


def load_example_if_empty(*, home: Home, clock: Clock, report: Report = silent) -> bool:
    """What a first start does: load the example into an empty store, or finish a load that was interrupted.

    Returns whether anything was loaded. A store with a brand's own data, or a loaded example, is left alone, and an
    example that somebody removed does not come back by itself; a removal that was interrupted is finished.
    """
    brand = find_brand()
    if brand is None:
        if AuditEntry.objects.filter(action="example.removed").exists():
            return False
    elif brand.is_example and brand.example_scope == _REMOVING:
        remove_example(home=home, clock=clock)
        return False
    elif not brand.is_example or brand.clock_target is None:
        return False
    load_example(home=home, clock=clock, report=report)
    return True


def advance_example(
    *, days: int, home: Home, clock: Clock, report: Report = silent, actor: User | None = None
) -> ExampleStatus:
    """Move the example's now on by `days` whole days: load what happened in them, and refresh.

    Where journeys or messages wait for their time, each day is gone through hour by hour. Then, and where segments are
    counted, each day is refreshed by itself.
    Raises NoExampleError if the example is not loaded, ExampleEndsError if `days` passes its end or is below 1.
    """
    with _alone():
        brand = find_brand()
        if brand is None or not brand.is_example or brand.example_scope == _REMOVING:
            raise NoExampleError(_("The example is not loaded. Load it first: huitou example load"))
        _finish(brand, home=home, clock=clock, report=report, actor=actor)
        brand.refresh_from_db()
        assert brand.clock_now is not None, "the example always has a clock"
        left = (END - brand.clock_now).days
        if days < 1 or days > left:
            raise ExampleEndsError(
                _("The example ends on %(end)s: it can advance by 1 to %(left)s days, %(left)s are left.")
                % {"end": END.date().isoformat(), "left": left}
                if left
                else _("The example has reached its end, %(end)s; there is nothing to advance to.")
                % {"end": END.date().isoformat()}
            )
        target = brand.clock_now + timedelta(days=days)
        while brand.clock_now is not None and brand.clock_now < target:
            step, is_waiting = target, is_anything_waiting()
            if is_waiting or is_each_day_counted():
                step = min(target, brand.clock_now + timedelta(days=1))
                report(0, _STEPS, step.astimezone(ZoneInfo(ZONE)).date().isoformat())
            if is_waiting:
                pass_hours(brand.clock_now, step, home=home)
                reach("example.passed")
            brand = aim_example(scope=brand.example_scope, target=step, clock=clock, actor=actor)
            _finish(brand, home=home, clock=clock, report=report, actor=actor)
            brand.refresh_from_db()
        return example_status()


def remove_example(*, home: Home, clock: Clock, actor: User | None = None) -> ExampleStatus:
    """Delete every fact, person, product and import of the example, from the lake and from PostgreSQL, with launches,
    messages and experiments, the holdout's share and the margin.

    Users, journeys, channels and the audit log stay. Raises NoExampleError if the store holds a brand's own data;
    removing from an empty store changes nothing.
    """
    with _alone():
        brand = find_brand()
        if brand is not None:
            if not brand.is_example:
                raise NoExampleError(_("The store holds a brand of its own, not the example; nothing was removed."))
            aim_example(scope=_REMOVING, target=None, clock=clock, actor=actor)
            _remove(brand, home=home, clock=clock, actor=actor)
        return example_status()


def _finish(brand: Brand, *, home: Home, clock: Clock, report: Report, actor: User | None) -> None:
    """Bring the store to what the brand row aims at, then refresh (which is skipped where nothing changed)."""
    if brand.example_scope == _REPLACING:
        _drop_data(home)
        brand = aim_example(scope="all", target=brand.clock_target, now=FIRST, clock=clock, actor=actor)
    if brand.clock_target is not None and brand.clock_now is not None:
        zone = ZoneInfo(ZONE)
        cut = Slice(brand.example_scope, brand.clock_now.astimezone(zone), brand.clock_target.astimezone(zone))
        _bring(cut, home=home, clock=clock, report=report, actor=actor)
        reach("example.brought")
        brand = move_brand_clock(to=brand.clock_target, clock=clock, actor=actor)
        reach("example.moved")
    report(_STEPS - 1, _STEPS, str(_("refresh")))
    run_refresh(home=home, brand=brand, clock=brand.clock, progress=report)
    report(_STEPS, _STEPS)


def _bring(cut: Slice, *, home: Home, clock: Clock, report: Report, actor: User | None) -> None:
    """Take in one slice of the panel. The files stay until it is in, so that killed imports find them again."""
    folder = home.uploads / "example"
    folder.mkdir(parents=True, exist_ok=True)
    report(0, _STEPS, str(_("reading the example's data")))
    panel = Panel(cut.scope, folder / "scratch")
    try:
        name_categories(panel)
        files = _write_files(panel, cut, folder)
        for step, (kind, path) in enumerate(files.items(), start=1):
            report(step, _STEPS, str(KINDS[kind]))
            run = start_import(
                path=path,
                kind=kind,
                options=_OPTIONS[kind],
                file_name=f"{cut.start:%Y-%m-%d} {kind}.parquet",
                user=actor,
                clock=clock,
                for_example=True,
            )
            run_import(run.pk, home=home, clock=clock)
        reach("example.imported")
        report(_STEPS - 1, _STEPS, str(_("events")))
        add_events(panel, cut, home=home, clock=clock)
    finally:
        panel.close()
    shutil.rmtree(folder, ignore_errors=True)


def _write_files(panel: Panel, cut: Slice, folder: Path) -> dict[str, Path]:
    """The slice as canonical files, by kind; a kind without rows has none. Equal slices give equal files."""
    writers = {"orders": panel.write_orders, "products": panel.write_products, "customers": panel.write_customers}
    files = {}
    for kind, write in writers.items():
        path = folder / f"{cut.key.replace(':', '-')}-{kind}.parquet"
        fresh = path.with_suffix(".new")
        if write(cut, fresh):
            fresh.replace(path)
            files[kind] = path
    return files


def _remove(brand: Brand, *, home: Home, clock: Clock, actor: User | None) -> None:
    _drop_data(home)
    for module in modules_of_apps("example_data"):
        if drop_settings := getattr(module, "drop_settings", None):
            drop_settings()
    reach("example.dropped")
    remove_example_brand(clock=clock, actor=actor)


def _drop_data(home: Home) -> None:
    """Delete all facts and what names them. All data in the store is the example's: nothing else gets in beside it.

    An installed app of ours may have an `example_data.py` with `drop()`, which deletes what it keeps of the example's
    people: called before they go, the highest app first, and again where a removal was killed.
    """
    for module in modules_of_apps("example_data"):
        module.drop()
    reach("example.forgotten")
    RefreshRun.objects.all().delete()
    for run in ImportRun.objects.all():
        for name in (run.file_path, run.reject_path):
            path = Path(name).resolve() if name else None
            if path is not None and path.is_relative_to(home.root.resolve()):
                path.unlink(missing_ok=True)
    ImportRun.objects.all().delete()
    reach("example.dropping")
    LakeBatch.objects.all().delete()
    lake = home_lake(home)
    for table in TABLES:
        with table_writer(table):
            lake.drop(table)
    # The folder itself stays: it was made private at the start.
    for left in home.staging.iterdir() if home.staging.is_dir() else ():
        shutil.rmtree(left, ignore_errors=True)
    for model in (Identifier, Person, Product, Category):
        model.objects.all().delete()


@contextmanager
def _alone() -> Iterator[None]:
    """One process changes the example at a time; a second one waits a little, then is told so.

    The wait is for the sake of a killed process: the server drops its lock once the statement it was in is over.
    """
    with connection.cursor() as cursor:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not _try_lock(cursor):
            if time.monotonic() > deadline:
                raise ExampleBusyError(_("The example is being loaded or removed by another process; wait for it."))
            time.sleep(0.2)
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('huitou.example'))")


def _try_lock(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(hashtext('huitou.example'))")
    return bool(cursor.fetchone()[0])
