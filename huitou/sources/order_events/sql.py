"""Set-wise SQL of kept order events: what the ORM cannot say."""

from __future__ import annotations

# An event that is kept already stays as it is: the same message tells the same.
KEEP_EVENTS = """
INSERT INTO sources_orderevent (source, order_id, message_hash, name, occurred_at, person_id, content)
SELECT * FROM unnest(%(sources)s::text[], %(orders)s::text[], %(hashes)s::bytea[], %(names)s::text[],
    %(times)s::timestamptz[], %(persons)s::bigint[], %(contents)s::jsonb[])
    AS told (source, order_id, message_hash, name, occurred_at, person_id, content)
ORDER BY source, order_id, message_hash
ON CONFLICT (source, order_id, message_hash) DO NOTHING
"""
# One row an order, locked in the order of the key: whoever folds an order sees all that was committed before, and the
# number of its version is drawn after the lock, so that a later version has a higher one.
MAKE_VERSIONS = """
INSERT INTO sources_orderversion (source, order_id, outcome, documents)
SELECT source, order_id, '', '[]' FROM unnest(%(sources)s::text[], %(orders)s::text[]) AS told (source, order_id)
ORDER BY source, order_id
ON CONFLICT (source, order_id) DO NOTHING
"""
LOCK_VERSIONS = """
SELECT version.source, version.order_id, version.outcome, version.documents
FROM sources_orderversion AS version
JOIN unnest(%(sources)s::text[], %(orders)s::text[]) AS told (source, order_id) USING (source, order_id)
ORDER BY version.source, version.order_id
FOR UPDATE OF version
"""
SELECT_EVENTS = """
SELECT event.source, event.order_id, event.name, event.occurred_at, event.message_hash, event.person_id, event.content
FROM sources_orderevent AS event
JOIN unnest(%(sources)s::text[], %(orders)s::text[]) AS told (source, order_id) USING (source, order_id)
"""
SAVE_VERSIONS = """
UPDATE sources_orderversion AS version
SET outcome = told.outcome, documents = told.documents
FROM unnest(%(sources)s::text[], %(orders)s::text[], %(outcomes)s::bytea[], %(documents)s::jsonb[])
    AS told (source, order_id, outcome, documents)
WHERE version.source = told.source AND version.order_id = told.order_id
"""
