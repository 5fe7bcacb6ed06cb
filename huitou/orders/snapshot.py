"""The tables of the last finished refresh, and the way back to any earlier instant from the facts it has seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import ibis
from django.conf import settings
from django.utils.translation import gettext as _

from huitou.accounts.queries import get_brand
from huitou.analytics.engines import Engine, SnapshotGoneError, SnapshotOldError
from huitou.analytics.rebuild import define_orders, features_at
from huitou.analytics.rules import Exclusions, Thresholds
from huitou.core.engine import open_home_engine
from huitou.core.errors import DomainError
from huitou.core.models import RefreshRun


class NotRefreshedError(DomainError):
    """Nothing was ever computed, or the lake has lost it."""

    code = "not_refreshed"
    status = 409


def last_refresh() -> RefreshRun | None:
    """The last refresh that finished: what every page and figure shows."""
    return RefreshRun.objects.filter(finished_at__isnull=False, error="").order_by("-pk").first()


def get_last_refresh() -> RefreshRun:
    """The last finished refresh; raises NotRefreshedError before the first."""
    run = last_refresh()
    if run is None:
        raise NotRefreshedError(_("Nothing has been computed yet: run huitou refresh first."))
    return run


@contextmanager
def open_engine(as_of: datetime | None = None) -> Iterator[Engine]:
    """An engine over the tables of the last finished refresh.

    With `as_of`, the tables int_orders, int_order_categories and int_refunds are those as of that instant,
    computed from the facts that the refresh has seen. Raises NotRefreshedError before the first refresh, and where
    a table that is asked for was removed from the lake.
    """
    with open_engine_of(get_last_refresh(), as_of) as engine:
        yield engine


@contextmanager
def open_engine_of(run: RefreshRun, as_of: datetime | None = None) -> Iterator[Engine]:
    """`open_engine` over the tables of a given refresh."""
    try:
        with open_home_engine(settings.HOME, versions=run.versions) as engine:
            if as_of is not None and as_of != run.as_of:
                brand = get_brand()
                define_orders(engine, as_of=as_of, zone=brand.zone, exclusions=Exclusions.from_json(brand.exclusions))
            yield engine
    except SnapshotGoneError as error:
        raise NotRefreshedError(
            _("The lake no longer holds the table %(table)s as the last refresh left it: run huitou refresh.")
            % {"table": error.table}
        ) from error
    except SnapshotOldError as error:
        raise NotRefreshedError(
            _(
                "The last refresh was made by an earlier version of Huitou: the table %(table)s lacks what is computed "
                "now. Run huitou refresh, or wait for the worker's next one."
            )
            % {"table": error.table}
        ) from error


def features_as_of(engine: Engine, as_of: datetime) -> ibis.Table:
    """feat_customers as of any instant, computed from the engine's facts with the brand's settings."""
    brand = get_brand()
    tables = define_orders(engine, as_of=as_of, zone=brand.zone, exclusions=Exclusions.from_json(brand.exclusions))
    thresholds = Thresholds.from_json(brand.thresholds)
    return features_at(engine, tables, as_of=as_of, zone=brand.zone, thresholds=thresholds)
