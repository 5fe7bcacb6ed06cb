"""Sightings set-wise: who owns which identifier, and what is new."""

from __future__ import annotations

LOCK = "SELECT pg_advisory_xact_lock(hashtext('huitou.customers.resolve'))"
# The limit keeps the planner from reading every identifier there is for the few that are asked for.
FIND_OWNERS = """
SELECT asked.n, found.* FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY
    AS asked (kind, namespace, value, n), LATERAL (
    SELECT i.id, i.person_id, i.stopped_at IS NOT NULL,
        extract(epoch FROM i.first_seen_at)::float8 FROM customers_identifier AS i
    WHERE i.kind = asked.kind AND i.namespace = asked.namespace AND i.value = asked.value LIMIT 1
) AS found
"""
# A fact that arrives later may be of an earlier time.
MOVE_BACK = """
UPDATE customers_identifier AS i SET first_seen_at = told.at, first_source = %s
FROM unnest(%s::bigint[], %s::timestamptz[]) AS told (id, at)
WHERE i.id = told.id AND (i.first_seen_at IS NULL OR i.first_seen_at > told.at)
"""
# Of the given uses, those that are recorded already.
FIND_USES = """
SELECT u.identifier_id, u.person_id FROM unnest(%s::bigint[], %s::bigint[]) AS asked (identifier_id, person_id)
JOIN customers_identifieruse AS u USING (identifier_id, person_id)
"""
# The name of the sequence is looked up once, not for every number.
_NEXT = """
SELECT nextval(sequence) FROM generate_series(1, %s),
    (SELECT pg_get_serial_sequence('{table}', 'id')::regclass AS sequence OFFSET 0) AS named
"""
NEXT_PERSONS, NEXT_IDENTIFIERS = _NEXT.format(table="customers_person"), _NEXT.format(table="customers_identifier")
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
