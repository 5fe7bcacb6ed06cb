"""Members of a segment as a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.db import transaction

from huitou.accounts.models import User
from huitou.accounts.queries import get_brand
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.orders.export import Exported, write_people
from huitou.segments.counting import get_segment
from huitou.segments.evaluating import asking


def export_members(
    *,
    name: str,
    out: Path,
    clock: Clock,
    as_of: datetime | None = None,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Exported:
    """Write person_id, external_id (the shop's own number) and entered_at of every member to .parquet or .csv.

    One audit entry says how many. Raises SegmentUnknownError, ExportError, NotRefreshedError.
    """
    get_segment(name)
    with transaction.atomic():
        with asking(as_of) as ask:
            rows = ask.segment(name).select("person_id", "entered_at").order_by("person_id")
            count = write_people(out, ask.engine.to_reader(rows))
            instant = ask.moment.as_of
        record_audit(
            action="segment.exported", clock=clock, actor=actor, actor_label=actor_label, target=name, count=count
        )
    return Exported(out, count, instant.astimezone(get_brand().tz))
