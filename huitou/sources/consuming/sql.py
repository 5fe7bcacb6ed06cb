"""SQL of the consumer: claims, hashes of messages already taken, details, and its sign of life."""

from __future__ import annotations

_COLUMNS = "id, received_at, key_id, sent_at, shared, message_id, letter_id, payload, person_id"
# Rows that another consumer has in hand are passed over.
# The first always, then as long as those before it stay below so many bytes.
_CLAIM = f"""
SELECT {_COLUMNS} FROM (
    SELECT {_COLUMNS}, bytes, sum(bytes) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS upto
    FROM (
        SELECT {_COLUMNS}, octet_length(payload) + coalesce(octet_length(shared), 0) AS bytes
        FROM sources_inbox WHERE {{which}} AND id > 0 ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
    ) AS locked
) AS counted
WHERE upto - bytes < %s ORDER BY id
"""
# Consents first, so that a withdrawal does not wait behind a backlog, then whatever came first.
CLAIM_URGENT, CLAIM = _CLAIM.format(which="urgent"), _CLAIM.format(which="NOT urgent")
# Looking for the event that spoils a batch: the same rows again, fewer of them.
CLAIM_THESE = f"SELECT {_COLUMNS} FROM sources_inbox WHERE id = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED"
DELETE_CLAIMED = "DELETE FROM sources_inbox WHERE id = ANY(%s::bigint[])"
SOME_WAIT = "SELECT EXISTS (SELECT 1 FROM sources_inbox WHERE id > 0)"
LAST_ID = "SELECT coalesce(max(id), 0) FROM sources_inbox"
WAITING_UP_TO = "SELECT count(*) FROM sources_inbox WHERE id > 0 AND id <= %s"

# One consumer at a time looks and writes: between them lies the day border, which no unique index spans.
LOCK_SEEN = "SELECT pg_advisory_xact_lock(hashtext('huitou.sources.seen'))"
LOCK_PARTITIONS = "SELECT pg_advisory_xact_lock(hashtext('huitou.sources.seen.days'))"
LIST_PARTITIONS = r"""
SELECT bounds[1]::date AS first, bounds[2]::date, child.relname
FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid,
    regexp_match(pg_get_expr(child.relpartbound, child.oid), 'FROM \(''(.*)''\) TO \(''(.*)''\)') AS bounds
WHERE inhparent = 'sources_seen'::regclass ORDER BY first
"""
CREATE_PARTITION = "CREATE TABLE {table} PARTITION OF sources_seen FOR VALUES FROM ('{first}') TO ('{end}')"
INDEX_PARTITION = "CREATE UNIQUE INDEX {table}_hash ON {table} (hash)"
DROP_PARTITION = "DROP TABLE {table}"
DATABASE_DAY = "SELECT (now() AT TIME ZONE 'UTC')::date"
# The hashes of the batch, sorted, so that neighbors share the pages of an index.
CREATE_INCOMING = """
CREATE TEMP TABLE IF NOT EXISTS incoming_hashes (hash uuid NOT NULL) ON COMMIT DELETE ROWS
"""
CLEAR_INCOMING = "TRUNCATE incoming_hashes"
COPY_INCOMING = "COPY incoming_hashes (hash) FROM STDIN (FORMAT BINARY)"
# The limit keeps the planner from reading a whole day for a few hashes.
FIND_SEEN = """
SELECT incoming.hash FROM incoming_hashes AS incoming,
    LATERAL (SELECT 1 FROM {table} AS seen WHERE seen.hash = incoming.hash LIMIT 1) AS found
"""
INSERT_SEEN = "INSERT INTO {table} (day, hash) SELECT %s, hash FROM incoming_hashes"
DELETE_SEEN = "DELETE FROM {table} AS seen USING incoming_hashes AS incoming WHERE seen.hash = incoming.hash"

COPY_DETAILS = "COPY sources_eventdetail (event_hash, person_id, occurred_at, properties) FROM STDIN"

REOPEN_LETTER = """
UPDATE sources_deadletter
SET state = 'open', reason = %(reason)s, detail = %(detail)s, last_at = %(now)s
WHERE id = %(letter_id)s AND NOT EXISTS (
    SELECT 1 FROM sources_deadletter AS twin WHERE twin.state = 'open' AND twin.digest = sources_deadletter.digest
)
"""
# How many letters of feeds wait; counted up to a limit.
COUNT_LETTERS = """
SELECT source, (SELECT count(*) FROM (
    SELECT 1 FROM sources_deadletter AS letter WHERE letter.state = 'open' AND letter.source = asked.source LIMIT %s
) AS waiting)
FROM unnest(%s::text[]) AS asked (source)
"""
# A held event has a number below zero: nobody who looks for the next ones comes past it.
HOLD = "UPDATE sources_inbox SET id = -id WHERE id = ANY(%s::bigint[])"
HELD_FEEDS = """
SELECT DISTINCT key.source FROM sources_inbox AS held JOIN accounts_apikey AS key ON key.id = held.key_id
WHERE held.id < 0
"""
# As many of each feed as there is room for, in the order of their arrival, under fresh numbers.
RELEASE = """
UPDATE sources_inbox AS inbox SET id = nextval('sources_inbox_id_seq')
FROM (
    SELECT held.id, key.source, row_number() OVER (PARTITION BY key.source ORDER BY held.id DESC) AS place
    FROM sources_inbox AS held JOIN accounts_apikey AS key ON key.id = held.key_id WHERE held.id < 0
) AS waiting JOIN unnest(%s::text[], %s::bigint[]) AS room (source, free) USING (source)
WHERE inbox.id = waiting.id AND waiting.place <= room.free
"""
# Settled letters are kept for a while. A clock that jumps ahead must not make us forget: both have to say they are old.
FORGET_LETTERS = """
DELETE FROM sources_deadletter WHERE id IN (
    SELECT id FROM sources_deadletter AS letter
    WHERE state <> 'open' AND last_at < least(%s, now()) - make_interval(days => %s)
        AND NOT EXISTS (SELECT 1 FROM sources_inbox AS inbox WHERE inbox.letter_id = letter.id)
    ORDER BY last_at LIMIT 10000 FOR UPDATE SKIP LOCKED
)
"""
REPORT = """
INSERT INTO sources_consumer (name, at, events, seconds, low_id) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (name) DO UPDATE
SET at = excluded.at, events = excluded.events, seconds = excluded.seconds, low_id = excluded.low_id
"""
FORGET_CONSUMERS = "DELETE FROM sources_consumer WHERE at < %s"
