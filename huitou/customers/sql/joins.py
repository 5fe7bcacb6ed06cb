"""Joins set-wise: who belongs to whom, which identifiers are on too many accounts, and what a change makes of it."""

from __future__ import annotations

CUSTOMERS_OF = """
SELECT asked.person, coalesce(link.customer_id, asked.person)
FROM unnest(%s::bigint[]) AS asked (person) LEFT JOIN customers_personlink AS link ON link.person_id = asked.person
"""
# Every person of the given customers.
MEMBERS = """
SELECT link.customer_id, link.person_id FROM customers_personlink AS link WHERE link.customer_id = ANY(%s)
"""
# Which kinds of identifiers persons have, and where.
KINDS_OF = """
SELECT DISTINCT person_id, kind, namespace FROM customers_identifier WHERE person_id = ANY(%s)
"""
BARRIERS = """
SELECT person_a_id, person_b_id FROM customers_barrier
WHERE lifted_at IS NULL AND (person_a_id = ANY(%(persons)s) OR person_b_id = ANY(%(persons)s))
"""
# Identifiers that were seen with more than so many accounts of one kind and namespace, their owner's included.
STOP_SHARED = """
WITH seen AS (
    SELECT i.id, i.person_id FROM customers_identifier AS i WHERE i.id = ANY(%(identifiers)s)
    UNION
    SELECT u.identifier_id, u.person_id FROM customers_identifieruse AS u WHERE u.identifier_id = ANY(%(identifiers)s)
), shared AS (
    SELECT seen.id FROM seen
    JOIN customers_identifier AS account ON account.person_id = seen.person_id AND account.kind = ANY(%(accounts)s)
        AND account.id <> seen.id
    GROUP BY seen.id, account.kind, account.namespace HAVING count(*) > %(limit)s
)
UPDATE customers_identifier AS i SET stopped_at = %(now)s
WHERE i.id IN (SELECT id FROM shared) AND i.stopped_at IS NULL
RETURNING i.id, i.person_id
"""
# Identifiers that may join and were seen with others than their owners, where one of both is among the given persons.
USES_OF = """
SELECT u.person_id, i.person_id, i.kind, i.namespace, i.value, i.id, u.first_at, u.source
FROM customers_identifieruse AS u JOIN customers_identifier AS i ON i.id = u.identifier_id
WHERE i.stopped_at IS NULL AND i.person_id <> u.person_id
    AND (u.person_id = ANY(%(persons)s) OR i.person_id = ANY(%(persons)s))
"""
INSERT_MERGES = """
INSERT INTO customers_merge (person_a_id, person_b_id, rule, identifier_id, seen_at, source, note, at, actor_label,
    ended_label, end_reason)
SELECT a, b, rule, identifier_id, seen_at, source, '', %(now)s, '', '', ''
FROM unnest(%(a)s::bigint[], %(b)s::bigint[], %(rule)s::text[], %(identifier)s::bigint[], %(seen_at)s::timestamptz[],
    %(source)s::text[]) AS made (a, b, rule, identifier_id, seen_at, source)
"""
# A case of two persons is opened once; who decided it is not asked again.
INSERT_CASES = """
INSERT INTO customers_reviewcase (reason, person_a_id, person_b_id, identifier_id, clashes, seen_at, source, at,
    resolution)
SELECT reason, a, b, identifier_id, clashes, seen_at, left(source, 100), %(now)s, ''
FROM unnest(%(reason)s::text[], %(a)s::bigint[], %(b)s::bigint[], %(identifier)s::bigint[], %(clashes)s::jsonb[],
    %(seen_at)s::timestamptz[], %(source)s::text[]) AS found (reason, a, b, identifier_id, clashes, seen_at, source)
ON CONFLICT DO NOTHING
"""
# Components of the active merges around the given persons, each under its smallest person.
COMPONENTS = """
WITH RECURSIVE reached (start, person) AS (
    SELECT id, id FROM unnest(%s::bigint[]) AS seed (id)
    UNION
    SELECT reached.start, next.person FROM reached
    JOIN LATERAL (
        SELECT person_b_id FROM customers_merge WHERE person_a_id = reached.person AND ended_at IS NULL
        UNION ALL
        SELECT person_a_id FROM customers_merge WHERE person_b_id = reached.person AND ended_at IS NULL
    ) AS next (person) ON true
)
SELECT DISTINCT person, min(person) OVER (PARTITION BY start) FROM reached
"""
DELETE_LINKS = "DELETE FROM customers_personlink WHERE person_id = ANY(%s)"
INSERT_LINKS = """
INSERT INTO customers_personlink (person_id, customer_id)
SELECT person, customer FROM unnest(%s::bigint[], %s::bigint[]) AS made (person, customer)
ON CONFLICT (person_id) DO UPDATE SET customer_id = excluded.customer_id
"""
