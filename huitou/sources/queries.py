"""Reads of imports."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from huitou.sources.canonical import KINDS
from huitou.sources.models import ImportRun


def list_imports() -> QuerySet[ImportRun]:
    """Every import, newest first."""
    return ImportRun.objects.select_related("created_by").order_by("-created_at", "-pk")


def find_import(run_id: int) -> ImportRun | None:
    """The import of that id."""
    return ImportRun.objects.filter(pk=run_id).first()


def _in_order(run: ImportRun) -> dict[str, Any]:
    """The mapping with its fields as they are declared: the database keeps no order of its own."""
    columns = run.mapping.get("columns", {})
    declared = [field.name for field in KINDS[run.kind] if field.name in columns]
    names = declared + sorted(set(columns) - set(declared))
    return {**run.mapping, "columns": {name: columns[name] for name in names}}


def import_report(run: ImportRun) -> dict[str, Any]:
    """What an import has to say, as scripts read it."""
    return {
        "import": run.pk,
        "kind": run.kind,
        "source": run.source,
        "file": run.file_name,
        "state": run.state,
        "rows": run.rows,
        "accepted": run.accepted,
        "rejected": run.rejected,
        "skipped": run.skipped,
        "orders": run.orders,
        "customers": run.customers,
        "reject_file": run.reject_path or None,
        "batch_id": run.batch_id,
        "mapping": _in_order(run),
        "unused_columns": run.mapping.get("unused", []),
        "detected": run.detected,
        "problems": run.problems,
        "warnings": run.warnings,
    }
