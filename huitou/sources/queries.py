"""Reads of imports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from huitou.core.models import LakeBatch, RefreshRun
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


def what_is_there() -> str:
    """What a store without figures holds: `nothing`; `coming`, an import or orders that the next refresh counts;
    `uncounted`, orders of which none counts; `others`, files without orders.
    """
    open_import = ImportRun.objects.exclude(state__in=("done", "failed")).exists()
    orders = LakeBatch.objects.filter(table="fct_order_lines").order_by("-pk").first()
    if orders is not None:
        refresh = RefreshRun.objects.filter(finished_at__isnull=False, error="").order_by("-pk").first()
        seen = refresh is not None and orders.committed_at is not None and refresh.started_at >= orders.committed_at
        return "uncounted" if seen and not open_import else "coming"
    if open_import:
        return "coming"
    return "others" if ImportRun.objects.filter(state="done").exists() else "nothing"


def file_names(run_ids: Sequence[int]) -> list[str]:
    """Names of the files of these imports, in their order."""
    names = dict(ImportRun.objects.filter(pk__in=run_ids).values_list("pk", "file_name"))
    return [names[run_id] for run_id in run_ids if run_id in names]
