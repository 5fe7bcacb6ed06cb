"""SQL of the inbox: rows in by COPY, dead letters beside them, and how full it is."""

from __future__ import annotations

COPY_INBOX = """
COPY sources_inbox (received_at, key_id, sent_at, shared, message_id, letter_id, urgent, payload)
FROM STDIN (FORMAT BINARY)
"""
# Sorted by digest like every other writer of several letters; the same refusal again is the same letter.
INSERT_LETTERS = """
INSERT INTO sources_deadletter (
    digest, source, key_id, reason, detail, kind, name, message_id, payload, size, shared, received_at, last_at,
    sent_at, count, attempts, state
)
VALUES (
    %(digest)s, %(source)s, %(key_id)s, %(reason)s, %(detail)s, %(kind)s, %(name)s, %(message_id)s, %(payload)s,
    %(size)s, %(shared)s, %(received_at)s, %(received_at)s, %(sent_at)s, %(count)s, 0, 'open'
)
ON CONFLICT (digest) WHERE state = 'open' DO UPDATE
SET count = sources_deadletter.count + excluded.count, last_at = excluded.last_at, reason = excluded.reason,
    detail = excluded.detail
"""
# Whether as many letters of a feed wait as may.
LETTERS_FULL = """
SELECT count(*) >= %(limit)s FROM (
    SELECT 1 FROM sources_deadletter WHERE state = 'open' AND source = %(source)s LIMIT %(limit)s
) AS waiting
"""
# What the door refused, in the counters of its feed for the brand's day; a brand not set up yet has Shanghai's.
COUNT_REFUSED = """
INSERT INTO sources_feedday AS kept (
    source, day, received, accepted, rejected, repeated, with_user, with_channel, complete, invalid, unplanned, prompt,
    corrected, longest_gap_seconds
)
VALUES (
    %(source)s,
    (%(received_at)s AT TIME ZONE coalesce((SELECT zone FROM accounts_brand LIMIT 1), 'Asia/Shanghai'))::date,
    %(count)s, 0, %(count)s, 0, 0, 0, 0, 0, 0, 0, 0, 0
)
ON CONFLICT (source, day) DO UPDATE
SET received = kept.received + excluded.received, rejected = kept.rejected + excluded.rejected
"""
# How many wait, by ids: the numbers between the first row and the next id to be given. Numbers that a broken request
# used up are counted until those before them are consumed. Those that are held have numbers below zero.
BACKLOG = """
SELECT coalesce((SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM sources_inbox_id_seq)
    - (SELECT min(id) FROM sources_inbox WHERE id > 0) + 1, 0) + (SELECT count(*) FROM sources_inbox WHERE id < 0)
"""
# What all consumers together took in a second lately.
DRAIN_RATE = """
SELECT coalesce(sum(events / greatest(seconds, 0.001)), 0) FROM sources_consumer
WHERE at > now() - interval '60 seconds' AND events > 0
"""
DURABILITY = "SELECT current_setting('synchronous_commit')"
# A session that would lose what it acknowledged: turned into one that does not; stronger settings are left alone.
BE_DURABLE = "SET synchronous_commit = on"
