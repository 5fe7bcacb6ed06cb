"""Touches set-wise: claims, places under caps, outcomes."""

from __future__ import annotations

CANCEL = """
UPDATE messaging_touch SET state = 'cancelled', reason = 'cancelled', ended_at = %(now)s, next_at = NULL,
    lake_version = lake_version + 1
WHERE source = %(source)s AND state IN ('planned', 'waiting')
    AND (%(persons)s::bigint[] IS NULL OR person_id = ANY(%(persons)s::bigint[]))
RETURNING id
"""
