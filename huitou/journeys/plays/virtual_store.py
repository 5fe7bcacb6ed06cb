"""A store beside the real one, for rehearsals: the engine runs in it as it is, and nothing of it is ever kept.

Temporary tables of the same names stand in front of the real ones for this connection alone: every statement of the
engine and of the services below it finds them first, with the same columns, keys and checks. They hold no foreign keys,
so no real row is ever locked, and they go with the transaction, which is always rolled back; a process that is killed
leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, models, transaction

from huitou.accounts.models import AuditEntry
from huitou.experiments.models import HOLDOUT, Assignment, Experiment
from huitou.journeys.models import (
    Enrollment,
    Journey,
    JourneyVersion,
    Launch,
    Listening,
    Signal,
    StaffTask,
    Transition,
)
from huitou.messaging.models import ContactSlot, Touch, TouchDecision

SHADOWED: tuple[type[models.Model], ...] = (
    Journey,
    JourneyVersion,
    Launch,
    Listening,
    Signal,
    Enrollment,
    Transition,
    StaffTask,
    Experiment,
    Assignment,
    Touch,
    TouchDecision,
    ContactSlot,
    AuditEntry,
)
# Numbers given inside start here, far from those of real rows that are copied in.
FIRST_NUMBER = 10**15


@contextmanager
def virtual_store(*, contacts_since: datetime) -> Iterator[None]:
    """Everything inside the block is written beside the real store and forgotten.

    The global holdout's draws, and what really went out since `contacts_since`, are there as they are.
    """
    with transaction.atomic():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_schema()")
                schema = cursor.fetchone()[0]
                for model in SHADOWED:
                    table = model._meta.db_table
                    cursor.execute(
                        f'CREATE TEMPORARY TABLE "{table}" (LIKE "{schema}"."{table}" INCLUDING ALL) ON COMMIT DROP'
                    )
                    cursor.execute(f'ALTER TABLE pg_temp."{table}" ALTER COLUMN id RESTART WITH {FIRST_NUMBER}')
                for table, where in _COPIED:
                    cursor.execute(
                        f'INSERT INTO pg_temp."{table}" SELECT * FROM "{schema}"."{table}" AS real WHERE {where}',
                        {"holdout": HOLDOUT, "since": contacts_since, "day": contacts_since.date()},
                    )
            yield
        finally:
            transaction.set_rollback(True)


_COPIED = (
    ("experiments_experiment", "kind = %(holdout)s"),
    ("experiments_assignment", "experiment_id IN (SELECT id FROM pg_temp.experiments_experiment)"),
    ("messaging_touch", "sent_at >= %(since)s"),
    ("messaging_contactslot", "starts >= %(day)s"),
)
