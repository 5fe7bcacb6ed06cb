"""Every write to the catalog."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction

from huitou.catalog import sql
from huitou.core.clock import Clock


def upsert_products(*, blocks: Iterable[bytes], clock: Clock) -> int:
    """Add or complete products set-wise; returns how many rows were added or changed.

    `blocks` is CSV without a header, one row a sku: sku, name, category, brand, list_price_minor. What is filled
    replaces what is known, what is empty leaves it; given again, nothing changes.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.CREATE_INCOMING)
        with cursor.copy(sql.COPY_INCOMING) as copy:
            for block in blocks:
                copy.write(block)
        cursor.execute(sql.UPSERT, {"now": clock.now()})
        changed = int(cursor.rowcount)
        cursor.execute("DROP TABLE incoming_products")
    return changed
