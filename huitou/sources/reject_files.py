"""Files of refused rows: they hold what the file said of customers, so who takes one away is on record."""

from __future__ import annotations

from pathlib import Path

from django.db import transaction

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.home import Home
from huitou.sources.models import ImportRun


def take_reject_file(
    *, run: ImportRun, home: Home, clock: Clock, actor: User | None, actor_label: str = "cli"
) -> Path | None:
    """The file of the import's refused rows, or None if the folder of such files holds none. Writes an entry."""
    file = Path(run.reject_path) if run.reject_path else None
    if file is None or not file.resolve().is_relative_to(home.rejects.resolve()) or not file.is_file():
        return None
    with transaction.atomic():
        record_audit(
            action="import.rejects_taken",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=run.batch_key,
            count=run.rejected,
            detail={"run": run.pk},
        )
    return file
