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
    LaunchPause,
    Listening,
    Signal,
    StaffTask,
    Transition,
)
from huitou.messaging.models import Attempt, ContactSlot, Touch, TouchDecision

SHADOWED: tuple[type[models.Model], ...] = (
    Journey,
    JourneyVersion,
    Launch,
    LaunchPause,
    Listening,
    Signal,
    Enrollment,
    Transition,
    StaffTask,
    Experiment,
    Assignment,
    Touch,
    TouchDecision,
    Attempt,
    ContactSlot,
    AuditEntry,
)
# Numbers given inside start here, far from those of real rows that are copied in.
FIRST_NUMBER = 10**15


@contextmanager
def virtual_store(*, contacts_since: datetime, opens_at: datetime) -> Iterator[None]:
    """Everything inside the block is written beside the real store and forgotten.

    The global holdout's draws, and what really went out since `contacts_since` and before `opens_at`, are there as they
    are; what went out later comes in by `reveal_contacts`.
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
                given: dict[str, str | datetime] = {"holdout": HOLDOUT, "since": contacts_since, "opens": opens_at}
                for table, where in _COPIED:
                    cursor.execute(
                        f'INSERT INTO pg_temp."{table}" SELECT * FROM "{schema}"."{table}" AS real WHERE {where}', given
                    )
                for table, where in _COMING:
                    cursor.execute(
                        f"CREATE TEMPORARY TABLE coming_{table} ON COMMIT DROP AS "
                        f'SELECT * FROM "{schema}"."{table}" AS real WHERE {where}',
                        given,
                    )
                cursor.execute("CREATE INDEX ON coming_messaging_touch (sent_at)")
                # Places under a cap are numbered, and what is rehearsed takes the low numbers.
                cursor.execute(f"UPDATE coming_messaging_contactslot SET number = number + {_NUMBERS_APART}")
            yield
        finally:
            transaction.set_rollback(True)


def reveal_contacts(upto: datetime) -> None:
    """Let what really went out until then be there: no earlier moment may know of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH gone AS (DELETE FROM coming_messaging_touch WHERE sent_at <= %s RETURNING *) "
            "INSERT INTO pg_temp.messaging_touch SELECT * FROM gone RETURNING id",
            [upto],
        )
        ids = [row[0] for row in cursor.fetchall()]
        for table in ("messaging_attempt", "messaging_contactslot") if ids else ():
            cursor.execute(
                f"INSERT INTO pg_temp.{table} SELECT * FROM coming_{table} WHERE touch_id = ANY(%s)",
                [ids],
            )


_NUMBERS_APART = 10_000
_OF_TOUCHES = "touch_id IN (SELECT id FROM {}messaging_touch)"
_COPIED = (
    ("experiments_experiment", "kind = %(holdout)s"),
    ("experiments_assignment", "experiment_id IN (SELECT id FROM pg_temp.experiments_experiment)"),
    ("messaging_touch", "sent_at >= %(since)s AND sent_at < %(opens)s"),
    ("messaging_attempt", _OF_TOUCHES.format("pg_temp.")),
    ("messaging_contactslot", _OF_TOUCHES.format("pg_temp.")),
)
_COMING = (
    ("messaging_touch", "sent_at >= %(opens)s"),
    ("messaging_attempt", _OF_TOUCHES.format("coming_")),
    ("messaging_contactslot", _OF_TOUCHES.format("coming_")),
)
