"""What journeys keep of the example's people: launches with everything on their way. Journeys stay, as segments do."""

from __future__ import annotations

from django.db import connection, transaction

from huitou.journeys import sql
from huitou.journeys.models import Launch


def drop() -> None:
    """Delete it, in one statement for each table: there may be a million steps."""
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in sql.FORGET:
            cursor.execute(statement)
        Launch.objects.all().delete()
