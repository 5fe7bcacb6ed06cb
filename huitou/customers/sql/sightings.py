"""Sightings set-wise: who owns which identifier, and what is new."""

from __future__ import annotations

LOCK = "SELECT pg_advisory_xact_lock(hashtext('huitou.customers.resolve'))"
FIND_OWNERS = """
SELECT i.kind, i.namespace, i.value, i.id, i.person_id, i.stopped_at IS NOT NULL
FROM unnest(%s::text[], %s::text[], %s::text[]) AS asked (kind, namespace, value)
JOIN customers_identifier AS i USING (kind, namespace, value)
"""
# Of the given uses, those that are recorded already.
FIND_USES = """
SELECT u.identifier_id, u.person_id FROM unnest(%s::bigint[], %s::bigint[]) AS asked (identifier_id, person_id)
JOIN customers_identifieruse AS u USING (identifier_id, person_id)
"""
NEXT_PERSONS = "SELECT nextval(pg_get_serial_sequence('customers_person', 'id')) FROM generate_series(1, %s)"
NEXT_IDENTIFIERS = "SELECT nextval(pg_get_serial_sequence('customers_identifier', 'id')) FROM generate_series(1, %s)"
INSERT_PERSONS = """
INSERT INTO customers_person (id, display_name, phone, attributes, created_at)
SELECT id, '', '', '{}', %s FROM unnest(%s::bigint[]) AS made (id)
"""
INSERT_IDENTIFIERS = """
INSERT INTO customers_identifier (id, kind, namespace, value, person_id, first_seen_at, first_source)
SELECT id, kind, namespace, value, person_id, at, %s
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[])
    AS made (id, kind, namespace, value, person_id, at)
"""
INSERT_USES = """
INSERT INTO customers_identifieruse (identifier_id, person_id, first_at, source)
SELECT identifier_id, person_id, at, %s
FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) AS seen (identifier_id, person_id, at)
ON CONFLICT (identifier_id, person_id) DO NOTHING
"""
