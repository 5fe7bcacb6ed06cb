"""Tags given and taken set-wise, and what a refresh and a question read of tags, consent, identifiers and dates."""

from __future__ import annotations

# Customers who can carry a tag, held until the transaction's end so that none is erased meanwhile. Always in this
# order, so that two callers wait for each other instead of meeting head on.
LOCK_CUSTOMERS = """
SELECT id FROM customers_person
WHERE id IN (
    SELECT coalesce(link.customer_id, given.id) FROM unnest(%(persons)s::bigint[]) AS given (id)
    LEFT JOIN customers_personlink AS link ON link.person_id = given.id
) AND erased_at IS NULL ORDER BY id FOR SHARE
"""
# A reason that has run out makes room for a new one: its record says when it ended.
CLOSE_EXPIRED = """
UPDATE segments_tagassignment SET taken_at = expires_at, taken_origin = 'expired'
WHERE tag_id = %(tag)s AND taken_at IS NULL AND expires_at <= %(now)s AND person_id = ANY(%(customers)s::bigint[])
"""
# Given again, a tag lasts as long as the longer of both says. Only new ones are told apart by xmax.
GIVE = """
INSERT INTO segments_tagassignment AS held (person_id, tag_id, origin, origin_ref, given_at, given_label, expires_at,
    taken_origin, taken_label)
SELECT id, %(tag)s, %(origin)s, %(origin_ref)s, %(now)s, %(label)s, %(expires)s, '', ''
FROM unnest(%(customers)s::bigint[]) AS given (id) ORDER BY id
ON CONFLICT (person_id, tag_id, origin, origin_ref) WHERE taken_at IS NULL
DO UPDATE SET expires_at = CASE WHEN held.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL
    ELSE greatest(held.expires_at, excluded.expires_at) END
RETURNING (xmax = 0)
"""
# Every reason of every person of the customers, or only those of one origin.
TAKE = """
UPDATE segments_tagassignment SET taken_at = greatest(%(now)s, given_at), taken_origin = %(origin)s,
    taken_label = %(label)s
WHERE tag_id = %(tag)s AND taken_at IS NULL AND (expires_at IS NULL OR expires_at > %(now)s)
    AND (%(only)s = '' OR (origin = %(only)s AND origin_ref = %(only_ref)s))
    AND person_id IN (
        SELECT id FROM unnest(%(customers)s::bigint[]) AS given (id)
        UNION SELECT link.person_id FROM customers_personlink AS link
        WHERE link.customer_id = ANY(%(customers)s::bigint[])
    )
RETURNING person_id
"""
CREATE_RULED = "CREATE TEMP TABLE ruled_customers (id bigint PRIMARY KEY) ON COMMIT DROP"
COPY_RULED = "COPY ruled_customers (id) FROM STDIN (FORMAT csv)"
ANALYZE_RULED = "ANALYZE ruled_customers"
# A rule takes what it gave and what holds no longer. A person's part in a customer may have moved by a join: what
# counts is the customer of whoever carries the tag.
RULE_TAKES = """
UPDATE segments_tagassignment AS held SET taken_at = greatest(%(now)s, held.given_at), taken_origin = 'rule'
WHERE held.tag_id = %(tag)s AND held.origin = 'rule' AND held.taken_at IS NULL AND (
    held.origin_ref <> %(ref)s OR NOT EXISTS (
        SELECT 1 FROM ruled_customers AS ruled WHERE ruled.id = coalesce(
            (SELECT link.customer_id FROM customers_personlink AS link WHERE link.person_id = held.person_id),
            held.person_id)
    )
)
"""
# A rule gives nothing to those who have it from the rule already, nor to those from whom somebody took it by hand.
RULE_GIVES = """
INSERT INTO segments_tagassignment (person_id, tag_id, origin, origin_ref, given_at, given_label, taken_origin,
    taken_label)
SELECT person.id, %(tag)s, 'rule', %(ref)s, %(now)s, '', '', ''
FROM customers_person AS person JOIN ruled_customers AS ruled ON ruled.id = person.id
WHERE person.erased_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM segments_tagassignment AS had
    LEFT JOIN customers_personlink AS link ON link.person_id = had.person_id
    WHERE had.tag_id = %(tag)s AND coalesce(link.customer_id, had.person_id) = person.id
        AND had.origin = 'rule' AND had.origin_ref = %(ref)s
        AND (had.taken_at IS NULL OR had.taken_origin = 'manual')
)
ORDER BY person.id
ON CONFLICT (person_id, tag_id, origin, origin_ref) WHERE taken_at IS NULL DO NOTHING
"""
END_RULE = """
UPDATE segments_tagassignment SET taken_at = greatest(%(now)s, given_at), taken_origin = 'rule',
    taken_label = %(label)s
WHERE tag_id = %(tag)s AND origin = 'rule' AND origin_ref = %(ref)s AND taken_at IS NULL
"""
# What a customer carries as of an instant: since when the earliest standing reason gives it, until the last runs out.
CARRIED = """
SELECT customer, tag, (extract(epoch FROM since) * 1000000)::bigint, (extract(epoch FROM expires) * 1000000)::bigint
FROM (
    SELECT coalesce(link.customer_id, a.person_id) AS customer, tag.name AS tag, min(a.given_at) AS since,
        CASE WHEN bool_or(a.expires_at IS NULL) THEN NULL ELSE max(a.expires_at) END AS expires
    FROM segments_tagassignment AS a JOIN segments_tag AS tag ON tag.id = a.tag_id
    LEFT JOIN customers_personlink AS link ON link.person_id = a.person_id
    WHERE a.given_at <= {at} AND (a.expires_at IS NULL OR a.expires_at > {at})
        AND (a.taken_at IS NULL OR a.taken_at > {at}) AND {among}
    GROUP BY customer, tag.name
) AS carried ORDER BY customer, tag
"""
# What holds as of an instant, by the rule of may_contact: of every person the latest decision, and all must agree.
# A channel or purpose that nobody named is no channel: withdrawals of everything count for those that were granted.
CONSENTED = """
WITH told AS (
    SELECT c.person_id, coalesce(link.customer_id, c.person_id) AS customer, c.channel, c.purpose, c.granted, c.at
    FROM customers_consent AS c LEFT JOIN customers_personlink AS link ON link.person_id = c.person_id
    WHERE (c.at <= {at} OR (NOT c.granted AND {is_now})) AND {among}
), named AS (
    SELECT DISTINCT customer, channel, purpose FROM told WHERE channel <> '*' AND purpose <> '*'
), latest AS (
    SELECT DISTINCT ON (named.customer, named.channel, named.purpose, told.person_id)
        named.customer, named.channel, named.purpose, told.granted, told.at
    FROM named JOIN told ON told.customer = named.customer AND told.channel IN (named.channel, '*')
        AND told.purpose IN (named.purpose, '*')
    ORDER BY named.customer, named.channel, named.purpose, told.person_id, told.at DESC, told.granted
), standing AS (
    SELECT DISTINCT ON (customer, channel, purpose) customer, channel, purpose, granted, at FROM latest
    ORDER BY customer, channel, purpose, granted, at DESC
)
SELECT customer, channel, purpose, granted::text, (extract(epoch FROM at) * 1000000)::bigint FROM standing
ORDER BY customer, channel, purpose
"""
IDENTIFIED = """
SELECT DISTINCT coalesce(link.customer_id, i.person_id) AS customer, i.kind FROM customers_identifier AS i
LEFT JOIN customers_personlink AS link ON link.person_id = i.person_id
WHERE i.stopped_at IS NULL AND (i.first_seen_at IS NULL OR i.first_seen_at <= {at} OR {is_now}) AND {among}
ORDER BY customer, i.kind
"""
# The latest told date of each kind; the year stays behind, so that nobody's date of birth enters the lake.
DATED = """
SELECT customer, kind, substr(value, 6, 2)::int, substr(value, 9, 2)::int FROM (
    SELECT DISTINCT ON (customer, kind) customer, kind, value FROM (
        SELECT coalesce(link.customer_id, m.person_id) AS customer, m.person_id, m.kind, m.value, m.at
        FROM customers_milestone AS m LEFT JOIN customers_personlink AS link ON link.person_id = m.person_id
        WHERE m.kind IN ({kinds}) AND m.at <= {at} AND {among}
    ) AS told ORDER BY customer, kind, at DESC, value COLLATE "C" DESC, person_id
) AS latest ORDER BY customer, kind
"""
# Texts that differ when anything that a refresh takes from these tables does. What rules give is no cause for another
# refresh, but what a person does to it is.
TAGS_MARK = """
SELECT coalesce(string_agg(part, '|'), '') FROM (
    SELECT count(*)::text || ':' || coalesce(sum(hashtextextended(id::text || ',' || coalesce(expires_at::text, '')
        || ',' || coalesce(taken_at::text, '')
        || (taken_at IS NULL AND (expires_at IS NULL OR expires_at > %(at)s))::text, 0)), 0)::text AS part
    FROM segments_tagassignment WHERE origin <> 'rule' OR taken_origin = 'manual'
    UNION ALL SELECT coalesce(string_agg(id::text || name, ',' ORDER BY id), '') FROM segments_tag
) AS parts
"""
CONSENTS_MARK = """
SELECT count(*)::text || ':' || coalesce(max(id), 0)::text || ':'
    || count(*) FILTER (WHERE at <= %(at)s OR NOT granted)::text
FROM customers_consent
"""
IDENTIFIERS_MARK = """
SELECT count(*)::text || ':' || coalesce(max(id), 0)::text || ':' || count(stopped_at)::text || ':'
    || coalesce(sum(hashtextextended(id::text || ',' || person_id::text, 0)), 0)::text
FROM customers_identifier
"""
DATES_MARK = "SELECT count(*)::text || ':' || coalesce(max(id), 0)::text FROM customers_milestone WHERE at <= %(at)s"

# Customers by tag, as of an instant.
CARRIERS = """
SELECT a.tag_id, count(DISTINCT coalesce(link.customer_id, a.person_id)) FROM segments_tagassignment AS a
LEFT JOIN customers_personlink AS link ON link.person_id = a.person_id
WHERE a.given_at <= %(at)s AND (a.expires_at IS NULL OR a.expires_at > %(at)s)
    AND (a.taken_at IS NULL OR a.taken_at > %(at)s)
GROUP BY a.tag_id
"""
