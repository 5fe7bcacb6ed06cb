"""Customers from a place in the list on, all of one refresh: a page after a new refresh still goes on where it was."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import ibis
from django.utils.translation import gettext as _

from huitou.analytics.feature import FEATURES, INSTANT
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.core.models import RefreshRun
from huitou.orders.queries import CustomerRow, UnknownFeatureError, Value, customer_row, equals
from huitou.orders.snapshot import get_last_refresh, open_engine_of

# Old versions of the tables are kept longer than that, whoever still reads them.
READABLE = timedelta(hours=1)


class PlaceGoneError(DomainError):
    """The list that was being read belongs to a refresh that is not kept any more."""

    code = "cursor_expired"
    status = 410


@dataclass(frozen=True)
class Place:
    """After which customer to read on: the refresh, the value that the list is sorted by, and the customer."""

    run: int
    value: int | float | str | None
    person_id: int


@dataclass(frozen=True)
class CustomerSlice:
    """Some customers in order, how many there are in all, the refresh's instant, and where to read on (None: end)."""

    rows: list[CustomerRow]
    total: int
    as_of: datetime
    following: Place | None


def list_from(
    place: Place | None,
    *,
    clock: Clock,
    limit: int,
    sort: str = "-last_order_at",
    where: Mapping[str, str] | None = None,
    person_ids: Sequence[int] | None = None,
) -> CustomerSlice:
    """At most `limit` customers after `place`, from the beginning without one; otherwise as `queries.list_customers`.

    Raises UnknownFeatureError for a name that cannot be used so, PlaceGoneError where the refresh of `place` is not
    kept any more, NotRefreshedError before the first refresh.
    """
    name = sort.removeprefix("-")
    if name != "person_id" and (name not in FEATURES or FEATURES[name].unit == "flag"):
        raise UnknownFeatureError(_("Customers cannot be sorted by %(name)s.") % {"name": name})
    run = get_last_refresh() if place is None else _run_of(place, clock)
    with open_engine_of(run) as engine:
        table = engine.table("feat_customers")
        if person_ids is not None:
            table = table.filter(table.person_id.isin(list(person_ids))) if person_ids else table.limit(0)
        for column, value in (where or {}).items():
            table = table.filter(equals(table, column, value))
        total = int(engine.to_pyarrow(table.aggregate(n=table.count()))["n"][0].as_py())
        key = table[name]
        if place is not None:
            table = table.filter(_after(table, name, place, descending=sort.startswith("-")))
        ties = [] if name == "person_id" else [table.person_id]
        ordered = table.order_by([key.isnull(), key.desc() if sort.startswith("-") else key.asc(), *ties])
        rows = [customer_row(row) for row in engine.to_pyarrow(ordered.limit(limit + 1)).to_pylist()]
    more = len(rows) > limit
    rows = rows[:limit]
    following = Place(run.pk, _plain(rows[-1], name), rows[-1].person_id) if more else None
    return CustomerSlice(rows, total, run.as_of, following)


def _run_of(place: Place, clock: Clock) -> RefreshRun:
    """The refresh that the list was begun with, while its tables are sure to be there."""
    last = get_last_refresh()
    if place.run == last.pk:
        return last
    run = RefreshRun.objects.filter(pk=place.run, error="", finished_at__gt=clock.now() - READABLE).first()
    if run is None:
        raise PlaceGoneError(_("The figures were refreshed since this list was begun; begin it again."))
    return run


def _after(table: ibis.Table, name: str, place: Place, *, descending: bool) -> ibis.Value:
    key = table[name]
    later = table.person_id > place.person_id
    if name == "person_id":
        return table.person_id < place.person_id if descending else later
    if place.value is None:
        return key.isnull() & later
    value = _literal(name, place.value)
    beyond = key < value if descending else key > value
    return beyond | ((key == value) & later) | key.isnull()


def _literal(name: str, value: int | float | str) -> ibis.Value:
    """The value as the column has it. Raises PlaceGoneError for one that never stood there."""
    unit, dtype = FEATURES[name].unit, FEATURES[name].dtype
    if unit == "text" and isinstance(value, str):
        return ibis.literal(value)
    if unit == "instant" and isinstance(value, str):
        try:
            return ibis.literal(datetime.fromisoformat(value).astimezone(UTC), type=INSTANT)
        except (ValueError, OverflowError) as error:
            raise _made_up() from error
    if isinstance(value, str) or unit in ("text", "instant") or not math.isfinite(value) or abs(value) >= 2**63:
        raise _made_up()
    if dtype != "float64" and (isinstance(value, float) or (dtype == "int32" and abs(value) >= 2**31)):
        raise _made_up()
    return ibis.literal(value, type=dtype)


def _made_up() -> PlaceGoneError:
    return PlaceGoneError(_("There is no such place in this list; begin it again."))


def _plain(row: CustomerRow, name: str) -> int | float | str | None:
    value: Value = row.person_id if name == "person_id" else row.values[name]
    return value.isoformat() if isinstance(value, datetime) else value
