"""Lists of customers as files: what the page shows, all pages of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from huitou.accounts.models import Brand, User
from huitou.accounts.services import record_audit
from huitou.console.formats import format_day
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.core.money import from_minor
from huitou.customers.columns import customer_columns
from huitou.customers.contact_points import contact_points
from huitou.customers.labels import customer_labels
from huitou.orders.portrait import tags
from huitou.orders.queries import CustomerRow, list_customers

LONGEST = 50_000
_BATCH = 5_000


class ListTooLongError(DomainError):
    """More customers are asked for than one file may hold."""

    code = "list_too_long"


def list_header(*, whole: bool, currency: str) -> list[str]:
    """Headings of the file; amounts are in units of `currency`."""
    known_by = [_("Customer number"), _("Phone")] if whole else []
    return [
        _("Customer"),
        *known_by,
        _("Kind"),
        _("Last purchase"),
        _("Usual gap (days)"),
        _("Due"),
        _("Purchases"),
        _("Spent (%(currency)s)") % {"currency": currency},
        _("Average order (%(currency)s)") % {"currency": currency},
        *(str(column.title) for column in customer_columns()),
    ]


def export_list(
    selection: Mapping[str, Any], *, brand: Brand, whole: bool, clock: Clock, actor: User | None, named: str
) -> list[list[object]]:
    """Rows of every customer that `selection` (arguments of `list_customers`) fits, in its order.

    `whole` adds customer numbers and phones unmasked; one audit entry says that the list `named` so was taken, and
    how many were on it. Raises ListTooLongError.
    """
    rows: list[list[object]] = []
    page = 1
    while True:
        found = list_customers(**selection, page=page, page_size=_BATCH)
        if found.total > LONGEST:
            raise ListTooLongError(
                _("The list has %(total)s customers; a file holds at most %(most)s. Narrow it by a filter.")
                % {"total": f"{found.total:,}", "most": f"{LONGEST:,}"}
            )
        rows += _rows(found.rows, brand, whole=whole)
        if page >= found.pages:
            break
        page += 1
    if whole:
        record_audit(
            action="customers.list_exported", clock=clock, actor=actor, count=len(rows), detail={"list": named}
        )
    return rows


def _rows(customers: list[CustomerRow], brand: Brand, *, whole: bool) -> list[list[object]]:
    people = [row.person_id for row in customers]
    labels = customer_labels(people)
    known_by = contact_points(people) if whole else {}
    more = [column.values(people) for column in customer_columns()]
    return [
        [
            labels.get(row.person_id, f"#{row.person_id}"),
            *(known_by[row.person_id] if whole else ()),
            " ".join(tag.text for tag in tags(row.values)),
            _day(row.values.get("last_order_at"), brand),
            _gap(row.values.get("interpurchase_days_mean")),
            _day(row.values.get("next_order_due_at"), brand),
            row.values.get("order_count"),
            _money(row.values.get("spend_minor"), brand),
            _money(row.values.get("aov_minor"), brand),
            *(values.get(row.person_id, "") for values in more),
        ]
        for row in customers
    ]


def _day(value: object, brand: Brand) -> str:
    return format_day(value, brand.tz) if isinstance(value, datetime) else ""


def _gap(value: object) -> object:
    return round(value) if isinstance(value, int | float) else None


def _money(value: object, brand: Brand) -> object:
    return from_minor(round(value), brand.currency) if isinstance(value, int | float) else None
