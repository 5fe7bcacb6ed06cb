"""What persons told, set-wise: traits, decisions about being contacted, milestones, and where they came from."""

from __future__ import annotations

# Always in this order, so that two consumers wait for each other instead of meeting head on.
LOCK_PERSONS = """
SELECT id FROM customers_person WHERE id = ANY(%s) AND erased_at IS NULL ORDER BY id FOR NO KEY UPDATE
"""
# Of every trait the latest report counts, and of two at one instant the one that sorts last, in whatever order they
# come. What is told as nothing goes away. A masked phone never replaces a whole one.
UPDATE_TRAITS = """
WITH told AS (
    SELECT DISTINCT ON (person, name) person, name, value::jsonb AS value, at
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[]) AS given (person, name, value, at)
    ORDER BY person, name, at DESC, value COLLATE "C" DESC
), fresh AS (
    SELECT told.* FROM told JOIN customers_person AS p ON p.id = told.person
    WHERE (NOT p.told_at ? told.name OR (p.told_at ->> told.name)::bigint < told.at
            OR ((p.told_at ->> told.name)::bigint = told.at AND told.value::text COLLATE "C" > coalesce(CASE told.name
                WHEN '$name' THEN to_jsonb(p.display_name) WHEN '$phone' THEN to_jsonb(p.phone)
                ELSE p.attributes -> told.name END, 'null')::text))
        AND NOT (told.name = '$phone' AND told.value #>> '{}' LIKE '%%*%%'
            AND p.phone <> '' AND p.phone NOT LIKE '%%*%%')
), changes AS (
    SELECT person,
        max(value #>> '{}') FILTER (WHERE name = '$name') AS display_name,
        max(value #>> '{}') FILTER (WHERE name = '$phone') AS phone,
        coalesce(jsonb_object_agg(name, value) FILTER (WHERE name NOT IN ('$name', '$phone')), '{}') AS attributes,
        jsonb_object_agg(name, at) AS told_at
    FROM fresh GROUP BY person
)
UPDATE customers_person AS p
SET display_name = coalesce(changes.display_name, p.display_name),
    phone = coalesce(changes.phone, p.phone),
    attributes = jsonb_strip_nulls(p.attributes || changes.attributes),
    told_at = p.told_at || changes.told_at
FROM changes WHERE p.id = changes.person
"""
INSERT_MILESTONES = """
INSERT INTO customers_milestone (person_id, kind, value, at, source, recorded_at)
SELECT person, kind, value, at, %s, %s
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[]) AS told (person, kind, value, at)
ON CONFLICT DO NOTHING
"""
# A grant that was copied to another person of the customer (`asked` is false) is kept only where it lifts something:
# where the latest decision of that person about it is a withdrawal.
INSERT_CONSENTS = """
INSERT INTO customers_consent (person_id, channel, purpose, granted, at, source, text_version, recorded_at)
SELECT person, channel, purpose, granted, at, source, text_version, %s
FROM unnest(
    %s::bigint[], %s::text[], %s::text[], %s::boolean[], %s::timestamptz[], %s::text[], %s::text[], %s::boolean[]
) AS decided (person, channel, purpose, granted, at, source, text_version, asked)
WHERE asked OR NOT granted OR NOT coalesce((
    SELECT c.granted FROM customers_consent AS c
    WHERE c.person_id = decided.person AND c.channel IN (decided.channel, '*') AND c.purpose IN (decided.purpose, '*')
        AND c.at <= decided.at
    ORDER BY c.at DESC, c.granted LIMIT 1
), true)
ON CONFLICT DO NOTHING
"""
# First touch wins; of two at one instant the one that sorts first, in whatever order they come.
UPSERT_ACQUISITIONS = """
INSERT INTO customers_acquisition AS known (person_id, at, kind, code, campaign, inviter_id, source, recorded_at)
SELECT DISTINCT ON (person) person, at, kind, code, campaign, inviter, source, %s
FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[])
    AS told (person, at, kind, code, campaign, inviter, source)
ORDER BY person, at, kind COLLATE "C", code COLLATE "C", campaign COLLATE "C", coalesce(inviter, 0)
ON CONFLICT (person_id) DO UPDATE SET at = excluded.at, kind = excluded.kind, code = excluded.code,
    campaign = excluded.campaign, inviter_id = excluded.inviter_id, source = excluded.source,
    recorded_at = excluded.recorded_at
WHERE (excluded.at, excluded.kind COLLATE "C", excluded.code COLLATE "C", excluded.campaign COLLATE "C",
        coalesce(excluded.inviter_id, 0))
    < (known.at, known.kind COLLATE "C", known.code COLLATE "C", known.campaign COLLATE "C",
        coalesce(known.inviter_id, 0))
"""
# The latest decision of every person of the customer about one channel and purpose, withdrawals of everything
# included. Of two at one instant the withdrawal counts; a grant from the future does not count yet.
MAY_CONTACT = """
SELECT coalesce(bool_and(granted), false) FROM (
    SELECT DISTINCT ON (c.person_id) c.granted FROM customers_consent AS c
    WHERE c.person_id IN (SELECT unnest(%(persons)s::bigint[]))
        AND c.channel IN (%(channel)s, '*') AND c.purpose IN (%(purpose)s, '*')
        AND (c.at <= %(now)s OR NOT c.granted)
    ORDER BY c.person_id, c.at DESC, c.granted
) AS latest
"""
# The same rule for each channel and purpose that any of the persons decided about: which decision says what holds.
STANDING_CONSENTS = """
WITH counted AS (
    SELECT * FROM customers_consent
    WHERE person_id = ANY(%(persons)s::bigint[]) AND (at <= %(now)s OR NOT granted)
), latest AS (
    SELECT DISTINCT ON (told.channel, told.purpose, c.person_id)
        told.channel, told.purpose, c.granted, c.at, c.source, c.text_version, c.person_id
    FROM (SELECT DISTINCT channel, purpose FROM counted) AS told
    JOIN counted AS c ON c.channel IN (told.channel, '*') AND c.purpose IN (told.purpose, '*')
    ORDER BY told.channel, told.purpose, c.person_id, c.at DESC, c.granted
)
SELECT DISTINCT ON (channel, purpose) channel, purpose, granted, at, source, text_version FROM latest
ORDER BY channel, purpose, granted, at DESC, person_id
"""
# The same rule for many customers at once: who decided about which of the channels and purposes asked for, and how.
CONSENTS_OF_MANY = """
WITH latest AS (
    SELECT DISTINCT ON (m.customer, c.person_id, asked.channel, asked.purpose)
        m.customer, asked.channel, asked.purpose, c.granted
    FROM unnest(%(customers)s::bigint[], %(persons)s::bigint[]) AS m (customer, person)
    JOIN customers_consent AS c ON c.person_id = m.person
    JOIN unnest(%(channels)s::text[], %(purposes)s::text[]) AS asked (channel, purpose)
        ON c.channel IN (asked.channel, '*') AND c.purpose IN (asked.purpose, '*')
    WHERE c.at <= %(now)s OR NOT c.granted
    ORDER BY m.customer, c.person_id, asked.channel, asked.purpose, c.at DESC, c.granted
)
SELECT customer, channel, purpose, bool_and(granted) FROM latest GROUP BY customer, channel, purpose
"""
