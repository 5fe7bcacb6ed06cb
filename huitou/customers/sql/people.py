"""Set-wise SQL of the people register: what the ORM cannot say."""

from __future__ import annotations

# What a file knows of people: their number and where it holds, name and phone with when they were told (epoch
# microseconds; zero where they are only whom the parcels go to), and since when the number is known.
CREATE_INCOMING = """
CREATE TEMP TABLE incoming_people (
    value text NOT NULL, display_name text, name_at bigint, phone text, phone_at bigint, namespace text NOT NULL,
    at timestamptz
) ON COMMIT DROP
"""
COPY_INCOMING = """
COPY incoming_people (value, display_name, name_at, phone, phone_at, namespace, at) FROM STDIN (FORMAT csv)
"""
ANALYZE_INCOMING = "ANALYZE incoming_people"
# Unknown numbers, each with a person id of its own, in the order of the key that all writers insert in.
CREATE_UNKNOWN = """
CREATE TEMP TABLE unknown_people ON COMMIT DROP AS
SELECT missing.*, nextval(pg_get_serial_sequence('customers_person', 'id')) AS person_id
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
INSERT INTO customers_person (id, display_name, phone, attributes, told_at, created_at)
SELECT person_id, coalesce(display_name, ''), coalesce(phone, ''), '{}', jsonb_strip_nulls(jsonb_build_object(
    '$name', CASE WHEN display_name <> '' THEN name_at END, '$phone', CASE WHEN phone <> '' THEN phone_at END)), %(now)s
FROM unknown_people ORDER BY namespace, value
"""
INSERT_IDENTIFIERS = """
INSERT INTO customers_identifier (kind, namespace, value, person_id, first_seen_at, first_source)
SELECT %(kind)s, namespace, value, person_id, coalesce(at, %(now)s), %(source)s
FROM unknown_people ORDER BY namespace, value
ON CONFLICT (kind, namespace, value) DO NOTHING
"""
# A file that arrives later may tell of an earlier time.
MOVE_BACK = """
UPDATE customers_identifier AS known SET first_seen_at = told.at, first_source = %(source)s
FROM (SELECT namespace, value, min(at) AS at FROM incoming_people GROUP BY namespace, value) AS told
WHERE known.kind = %(kind)s AND known.namespace = told.namespace AND known.value = told.value
    AND told.at < known.first_seen_at
"""
# Somebody else may have named a number between our look and our insert: then the person is theirs, not ours.
DELETE_SUPERSEDED = """
DELETE FROM customers_person AS person USING unknown_people AS unknown
WHERE person.id = unknown.person_id
    AND NOT EXISTS (SELECT 1 FROM customers_identifier AS i WHERE i.person_id = person.id)
"""
# A file that tells something later than it was told last knows more; what it leaves empty stays, and a whole phone
# replaces a masked one and never the other way. Of two files of one instant the one that comes in last counts.
_NEWER = """coalesce(incoming.{value}, '') <> ''
    AND (coalesce((person.told_at ->> '{name}')::bigint, -1) < incoming.{at}
        OR ((person.told_at ->> '{name}')::bigint = incoming.{at} AND incoming.{value} <> person.{value}))"""
_NEW_NAME = _NEWER.format(value="display_name", name="$name", at="name_at")
_IS_WHOLE = "{phone} <> '' AND {phone} NOT LIKE '%%*%%'"
_KNOWS_WHOLE, _TELLS_WHOLE = _IS_WHOLE.format(phone="person.phone"), _IS_WHOLE.format(phone="incoming.phone")
_NEW_PHONE = f"""(
    ({_NEWER.format(value="phone", name="$phone", at="phone_at")} AND ({_TELLS_WHOLE} OR NOT ({_KNOWS_WHOLE})))
    OR (person.phone LIKE '%%*%%' AND {_TELLS_WHOLE} AND incoming.phone_at > 0))"""
_SET_DETAILS = f"""
    display_name = CASE WHEN {_NEW_NAME} THEN incoming.display_name ELSE person.display_name END,
    phone = CASE WHEN {_NEW_PHONE} THEN incoming.phone ELSE person.phone END,
    told_at = person.told_at
        || CASE WHEN {_NEW_NAME} THEN jsonb_build_object('$name', incoming.name_at) ELSE '{{}}' END
        || CASE WHEN {_NEW_PHONE} THEN jsonb_build_object('$phone', incoming.phone_at) ELSE '{{}}' END"""
UPDATE_DETAILS = f"""
UPDATE customers_person AS person SET {_SET_DETAILS}
FROM incoming_people AS incoming
JOIN customers_identifier AS known
    ON known.kind = %(kind)s AND known.namespace = incoming.namespace AND known.value = incoming.value
WHERE person.id = known.person_id AND (({_NEW_NAME}) OR ({_NEW_PHONE}))
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
MOVE_BACK_GIVEN = """
UPDATE customers_identifier AS known SET first_seen_at = told.at, first_source = %(source)s
FROM (SELECT value, min(at) AS at FROM given_identifiers GROUP BY value) AS told
WHERE known.kind = %(kind)s AND known.namespace = '' AND known.value = told.value AND told.at < known.first_seen_at
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
    value text NOT NULL, display_name text, phone text, known_since timestamptz, attributes jsonb,
    name_at bigint, phone_at bigint
) ON COMMIT DROP
"""
COPY_INCOMING_DETAILS = """
COPY incoming_details (value, display_name, phone, known_since, attributes) FROM STDIN (FORMAT csv)
"""
STAMP_INCOMING_DETAILS = "UPDATE incoming_details SET name_at = %(at)s, phone_at = %(at)s"
# Attributes are joined name by name; only what the file filled, and nobody told later, replaces what is known.
_NEW_ATTRIBUTES = """coalesce((SELECT jsonb_object_agg(told.key, {value}) FROM jsonb_each(incoming.attributes) AS told
        WHERE coalesce((person.told_at ->> told.key)::bigint, -1) <= %(at)s), '{{}}')"""
UPSERT_DETAILS = f"""
UPDATE customers_person AS person SET {_SET_DETAILS}
        || {_NEW_ATTRIBUTES.format(value="%(at)s")},
    known_since = coalesce(incoming.known_since, person.known_since),
    attributes = person.attributes || {_NEW_ATTRIBUTES.format(value="told.value")}
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
