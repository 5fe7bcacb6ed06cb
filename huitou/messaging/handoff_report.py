"""The send report of a hand-off list, as the other tool writes it: CSV or Excel, in whatever words, row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.queries import get_brand
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.customers.identifier_kind import IDENTIFIER_KINDS
from huitou.customers.models import Identifier
from huitou.customers.queries import customers_of, members_of
from huitou.messaging.channel import Receipt
from huitou.messaging.handoff import ListUnknownError, listed
from huitou.messaging.models import REACHED_STATES, UNKNOWN, HandoffList
from huitou.messaging.receiving import REPORT, take_receipts
from huitou.messaging.report_words import columns_of, read_status, read_time
from huitou.sources.importing.delimited import detect_separator
from huitou.sources.importing.encoding import decoded_lines, detect_encoding, scan_file
from huitou.sources.importing.workbooks import sheet_names, sheet_rows

_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
_IDENTIFIERS = ("phone", "external_userid", "email", "customer_id")
_HEAD_ROWS, _MOST_TOLD = 20, 50


class ReportUnreadableError(DomainError):
    """The file is no send report that can be read."""

    code = "report_unreadable"
    status = 422


@dataclass
class Report:
    """What a send report said: rows, of how many touches, and what could not be used, with the number of the row."""

    rows: int = 0
    matched: int = 0
    new: int = 0
    unmatched: int = 0
    rejected: int = 0
    problems: list[dict[str, object]] = field(default_factory=list)

    def refuse(self, row: int, reason: str) -> None:
        """Note a row that cannot be used; the first ones are told one by one."""
        self.rejected += 1
        if len(self.problems) < _MOST_TOLD:
            self.problems.append({"row": row, "reason": reason})

    def to_json(self) -> dict[str, Any]:
        """As it is kept and told."""
        return dict(vars(self))


def import_report(
    *, handoff_id: int, path: Path, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> Report:
    """Take in the send report of a list; twice is once. Rows that cannot be used are told, the others count.

    Raises ListUnknownError, ReportUnreadableError where no column says which customer a row is about.
    """
    made = HandoffList.objects.select_related("account").filter(pk=handoff_id).first()
    if made is None:
        raise ListUnknownError(_("There is no hand-off list %(id)s.") % {"id": handoff_id})
    report, receipts = Report(), []
    rows = _numbered(path)
    header_row, columns = _find_header(rows)
    index = _Index(made)
    zone, now = get_brand().tz, clock.now()
    for number, cells in rows[header_row:]:
        if not any(cell.strip() for cell in cells):
            continue
        report.rows += 1

        def cell(name: str, cells: list[str] = cells) -> str:
            place = columns.get(name)
            return cells[place] if place is not None and place < len(cells) else ""

        status = read_status(cell("status"))
        at = read_time(cell("at"), zone, now)
        touch = index.find({name: cell(name) for name in ("touch", *_IDENTIFIERS)})
        if status is None:
            report.refuse(number, _("the status “%(told)s” is not understood") % {"told": cell("status").strip()[:40]})
        elif at is None:
            report.refuse(number, _("the time “%(told)s” cannot be read") % {"told": cell("at").strip()[:40]})
        elif touch is None:
            report.unmatched += 1
            report.refuse(number, _("nobody of this list is meant"))
        else:
            report.matched += 1
            receipts.append(Receipt("", status, min(at, now), code=cell("code").strip()[:50], touch_id=touch))
    with transaction.atomic():
        report.new = take_receipts(receipts, account=None, origin=REPORT, clock=clock).new
        made.reported_at, made.report = now, report.to_json()
        made.save(update_fields=["reported_at", "report"])
        record_audit(
            action="handoff.reported",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=made.account.name,
            count=report.matched,
            detail={"list": made.pk, "rows": report.rows, "matched": report.matched, "rejected": report.rejected},
        )
    return report


class _Index:
    """The touches of a list by number and by every identifier of their customers."""

    def __init__(self, made: HandoffList) -> None:
        touches = list(made.touches.filter(state__in=(*REACHED_STATES, UNKNOWN, "failed")).order_by("pk"))
        self._ids = {touch.pk for touch in touches}
        customers = customers_of(touch.person_id for touch in touches)
        touch_by_customer = {customers[touch.person_id]: touch.pk for touch in touches}
        customer_by_person = {p: c for c, persons in members_of(touch_by_customer).items() for p in persons}
        self._by_identifier: dict[tuple[str, str], int] = {}
        for person, kind, value in Identifier.objects.filter(
            person_id__in=customer_by_person, kind__in=_IDENTIFIERS
        ).values_list("person_id", "kind", "value"):
            touch = touch_by_customer[customer_by_person[person]]
            self._by_identifier.setdefault((kind, value), touch)
            # Tools give back what the list gave them.
            self._by_identifier.setdefault((kind, listed(kind, value)), touch)

    def find(self, told: dict[str, str]) -> int | None:
        """The touch that a row is about: by its number, else by whatever identifies the customer."""
        number = told["touch"].strip().lstrip("'#").removesuffix(".0")
        if number.isascii() and number.isdigit() and len(number) < 18:
            return int(number) if int(number) in self._ids else None
        for kind in _IDENTIFIERS:
            given = told[kind].strip().lstrip("'").removesuffix(".0")
            for read in (IDENTIFIER_KINDS[kind].normalize(given), given):
                if read and (kind, read) in self._by_identifier:
                    return self._by_identifier[kind, read]
        return None


def _numbered(path: Path) -> list[tuple[int, list[str]]]:
    """Every row with the number that people see on it."""
    if not path.is_file():
        raise ReportUnreadableError(_("There is no file %(path)s.") % {"path": path})
    return list(enumerate(_rows(path), start=1))


def _rows(path: Path) -> Iterator[list[str]]:
    if path.suffix.lower() in _WORKBOOKS:
        names = sheet_names(path)
        rows: Iterable[list[str | None]] = sheet_rows(path, names[0]) if names else ()
        yield from ([cell or "" for cell in row] for row in rows)
        return
    encoding = detect_encoding(path, scan_file(path))
    lines = [line for line, _readable in decoded_lines(path, encoding)]
    yield from csv.reader(lines, delimiter=detect_separator(lines[:_HEAD_ROWS]))


def _find_header(rows: list[tuple[int, list[str]]]) -> tuple[int, dict[str, int]]:
    """How many rows stand before the data, and which column is what: titles above the header are passed over."""
    best: tuple[int, dict[str, int]] = (0, {})
    for place, (_number, cells) in enumerate(rows[:_HEAD_ROWS]):
        columns = columns_of(cells)
        if len(columns) > len(best[1]):
            best = place + 1, columns
    if not {"touch", *_IDENTIFIERS} & set(best[1]):
        raise ReportUnreadableError(
            _("No column says whom a row is about. Name one “Touch number”, “Phone”, “E-mail” or “Customer number”.")
        )
    return best
