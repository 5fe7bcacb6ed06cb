"""Set-wise SQL of the people register: what the ORM cannot say."""

from __future__ import annotations

# What a file knows of people: their number and where it holds, name and phone where it gives them, and since when.
CREATE_INCOMING = """
CREATE TEMP TABLE incoming_people (
    value text NOT NULL, display_name text, phone text, namespace text NOT NULL, at timestamptz
) ON COMMIT DROP
"""
COPY_INCOMING = "COPY incoming_people (value, display_name, phone, namespace, at) FROM STDIN (FORMAT csv)"
ANALYZE_INCOMING = "ANALYZE incoming_people"
# Unknown numbers, each with a person id of its own, in the order of the key that all writers insert in.
CREATE_UNKNOWN = """
CREATE TEMP TABLE unknown_people ON COMMIT DROP AS
SELECT value, display_name, phone, namespace, at, nextval(pg_get_serial_sequence('customers_person', 'id')) AS person_id
FROM (
    SELECT DISTINCT ON (incoming.namespace, incoming.value) incoming.*
    FROM incoming_people AS incoming
    LEFT JOIN customers_identifier AS known
        ON known.kind = %(kind)s AND known.namespace = incoming.namespace AND known.value = incoming.value
    WHERE known.id IS NULL
    ORDER BY incoming.namespace, incoming.value
) AS missing
"""
INSERT_PERSONS = """
INSERT INTO customers_person (id, display_name, phone, attributes, created_at)
SELECT person_id, coalesce(display_name, ''), coalesce(phone, ''), '{}', %(now)s
FROM unknown_people ORDER BY namespace, value
"""
INSERT_IDENTIFIERS = """
INSERT INTO customers_identifier (kind, namespace, value, person_id, first_seen_at, first_source)
SELECT %(kind)s, namespace, value, person_id, coalesce(at, %(now)s), %(source)s
FROM unknown_people ORDER BY namespace, value
ON CONFLICT (kind, namespace, value) DO NOTHING
"""
# Somebody else may have named a number between our look and our insert: then the person is theirs, not ours.
DELETE_SUPERSEDED = """
DELETE FROM customers_person AS person USING unknown_people AS unknown
WHERE person.id = unknown.person_id
    AND NOT EXISTS (SELECT 1 FROM customers_identifier AS i WHERE i.person_id = person.id)
"""
# A later file may know more; what it leaves empty stays, and a masked phone never replaces a whole one.
UPDATE_DETAILS = """
UPDATE customers_person AS person
SET display_name = coalesce(nullif(incoming.display_name, ''), person.display_name),
    phone = CASE
        WHEN coalesce(incoming.phone, '') = '' THEN person.phone
        WHEN incoming.phone LIKE '%%*%%' AND person.phone <> '' AND person.phone NOT LIKE '%%*%%' THEN person.phone
        ELSE incoming.phone END
FROM incoming_people AS incoming
JOIN customers_identifier AS known
    ON known.kind = %(kind)s AND known.namespace = incoming.namespace AND known.value = incoming.value
WHERE person.id = known.person_id
    AND (coalesce(incoming.display_name, '') NOT IN ('', person.display_name)
        OR coalesce(incoming.phone, '') NOT IN ('', person.phone))
"""
SELECT_PERSON_IDS = """
COPY (
    SELECT DISTINCT incoming.value, incoming.namespace, known.person_id
    FROM incoming_people AS incoming
    JOIN customers_identifier AS known
        ON known.kind = '{kind}' AND known.namespace = incoming.namespace AND known.value = incoming.value
) TO STDOUT (FORMAT csv, NULL '\\N')
"""
# Identifiers that a file gives to persons: those that nobody has are theirs from then on.
CREATE_GIVEN = """
CREATE TEMP TABLE given_identifiers ON COMMIT DROP AS
SELECT person_id, value, min(at) AS at
FROM unnest(%(persons)s::bigint[], %(values)s::text[], %(at)s::timestamptz[]) AS given (person_id, value, at)
GROUP BY person_id, value
"""
INSERT_GIVEN = """
INSERT INTO customers_identifier (kind, namespace, value, person_id, first_seen_at, first_source)
SELECT DISTINCT ON (given.value) %(kind)s, '', given.value, given.person_id, given.at, %(source)s
FROM given_identifiers AS given
LEFT JOIN customers_identifier AS known
    ON known.kind = %(kind)s AND known.namespace = '' AND known.value = given.value
WHERE known.id IS NULL
ORDER BY given.value, given.at, given.person_id
"""
# And those that somebody else has are evidence.
SELECT_SHARED = """
SELECT given.person_id, known.person_id, given.value, known.id, given.at
FROM given_identifiers AS given
JOIN customers_identifier AS known ON known.kind = %(kind)s AND known.namespace = '' AND known.value = given.value
WHERE known.person_id <> given.person_id AND known.stopped_at IS NULL
"""
CREATE_INCOMING_DETAILS = """
CREATE TEMP TABLE incoming_details (
    value text NOT NULL, display_name text, phone text, known_since timestamptz, attributes jsonb
) ON COMMIT DROP
"""
COPY_INCOMING_DETAILS = "COPY incoming_details FROM STDIN (FORMAT csv)"
# Attributes are joined name by name; only what the file filled replaces what is known.
UPSERT_DETAILS = """
UPDATE customers_person AS person
SET display_name = coalesce(nullif(incoming.display_name, ''), person.display_name),
    phone = CASE
        WHEN coalesce(incoming.phone, '') = '' THEN person.phone
        WHEN incoming.phone LIKE '%%*%%' AND person.phone <> '' AND person.phone NOT LIKE '%%*%%' THEN person.phone
        ELSE incoming.phone END,
    known_since = coalesce(incoming.known_since, person.known_since),
    attributes = person.attributes || coalesce(incoming.attributes, '{}')
FROM incoming_details AS incoming
JOIN customers_identifier AS known
    ON known.kind = %(kind)s AND known.namespace = %(namespace)s AND known.value = incoming.value
WHERE person.id = known.person_id
"""
# Identifiers of a value whatever their namespace. There are few namespaces: the index is asked once for each.
FIND_BY_VALUE = """
WITH RECURSIVE places AS (
    (SELECT kind, namespace FROM customers_identifier ORDER BY kind, namespace LIMIT 1)
    UNION ALL
    SELECT next.kind, next.namespace FROM places
    CROSS JOIN LATERAL (
        SELECT kind, namespace FROM customers_identifier
        WHERE (kind, namespace) > (places.kind, places.namespace) ORDER BY kind, namespace LIMIT 1
    ) AS next
)
SELECT DISTINCT i.person_id FROM unnest(%s::text[], %s::text[]) AS asked (kind, value)
JOIN places USING (kind)
JOIN customers_identifier AS i ON i.kind = places.kind AND i.namespace = places.namespace AND i.value = asked.value
ORDER BY i.person_id LIMIT %s
"""
# Others that a text in small letters hints at; `hint` is that of Needles.
PERSONS_HINTED = """
SELECT id FROM customers_person
WHERE NOT id = ANY(%(persons)s::bigint[]) AND lower(attributes::text) ~ %(hint)s
"""
ORIGINS_HINTED = """
SELECT person_id FROM customers_acquisition
WHERE NOT person_id = ANY(%(persons)s::bigint[]) AND lower(code || ' ' || campaign) ~ %(hint)s
"""
