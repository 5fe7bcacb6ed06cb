"""Touches set-wise: claims, places under caps, outcomes."""

from __future__ import annotations

from huitou.experiments.sql import CUSTOMERS

# Those that share everything but customer and time stand as one row of `shape`, so that what they say is read once.
ADD_TOUCHES = """
WITH shape AS MATERIALIZED (
    SELECT n, source, step, variant, purpose, priority, channels::jsonb, content::jsonb, content_hash, planned_by,
        fallback_after::interval, best_time
    FROM unnest(%(sources)s::text[], %(steps)s::text[], %(variants)s::text[], %(purposes)s::text[],
        %(priorities)s::int[], %(channels)s::text[], %(contents)s::text[], %(hashes)s::text[], %(planned)s::text[],
        %(fallbacks)s::text[], %(best)s::bool[]) WITH ORDINALITY
        AS told (source, step, variant, purpose, priority, channels, content, content_hash, planned_by, fallback_after,
            best_time, n)
)
INSERT INTO messaging_touch (key, person_id, source, step, variant, purpose, priority, channels, content, content_hash,
    planned_by, send_after, not_after, fallback_after, best_time, created_at, state, reason, next_at, channel,
    answerable, reply_token, recall, recall_tries, lake_version, lake_written)
SELECT given.key, given.person, shape.source, shape.step, shape.variant, shape.purpose, shape.priority, shape.channels,
    shape.content, shape.content_hash, shape.planned_by, given.send_after, given.not_after, shape.fallback_after,
    shape.best_time, %(now)s, 'planned', '', given.send_after, '', false, '', '', 0, 1, 0
FROM unnest(%(keys)s::text[], %(persons)s::bigint[], %(shapes)s::int[], %(after)s::timestamptz[],
    %(until)s::timestamptz[]) WITH ORDINALITY AS given (key, person, shape, send_after, not_after, n)
JOIN shape ON shape.n = given.shape ORDER BY given.n
ON CONFLICT (key) DO NOTHING
"""
IDS_BY_KEY = "SELECT key, id FROM messaging_touch WHERE key = ANY(%s::text[])"
UNKNOWN_PERSONS = """
SELECT asked.id FROM unnest(%s::bigint[]) AS asked (id)
WHERE NOT EXISTS (SELECT 1 FROM customers_person AS p WHERE p.id = asked.id) ORDER BY asked.id LIMIT 1
"""
# Touches by their keys, with whatever followed them over further channels.
WITH_FOLLOWERS = """
WITH RECURSIVE named AS (
    SELECT id FROM messaging_touch WHERE key = ANY(%s::text[])
    UNION
    SELECT next.id FROM messaging_touch AS next JOIN named ON next.parent_id = named.id
)
SELECT id FROM named ORDER BY id
"""
CANCEL = """
UPDATE messaging_touch SET state = 'cancelled', reason = %(reason)s, ended_at = %(now)s, next_at = NULL,
    lake_version = lake_version + 1
WHERE source = %(source)s AND state IN ('planned', 'waiting')
    AND (%(persons)s::bigint[] IS NULL OR person_id = ANY(%(persons)s::bigint[]))
    AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s::bigint[]))
RETURNING id
"""
GO_ON = """
UPDATE messaging_touch SET next_at = %(now)s WHERE id IN (
    SELECT id FROM messaging_touch WHERE source = %(source)s AND state = 'waiting' AND reason = 'source_paused'
    ORDER BY id FOR NO KEY UPDATE
)
"""

# In the order of ids, as everybody locks touches. What is being sent now is asked back too: if it is refused, it ends.
ASK_BACK_SOURCE = """
UPDATE messaging_touch SET recall = %(reason)s, recall_at = %(now)s, recall_tries = 0
WHERE id IN (
    SELECT id FROM messaging_touch WHERE source = %(source)s
        AND (state = 'sending' OR (state = 'sent' AND channel = ANY(%(kinds)s)))
        AND (%(persons)s::bigint[] IS NULL OR person_id = ANY(%(persons)s::bigint[]))
        AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s::bigint[]))
    ORDER BY id FOR NO KEY UPDATE
)
"""
END_FALLBACKS = """
UPDATE messaging_touch SET fallback_at = NULL WHERE id IN (
    SELECT id FROM messaging_touch WHERE source = %(source)s AND fallback_at IS NOT NULL
        AND (%(persons)s::bigint[] IS NULL OR person_id = ANY(%(persons)s::bigint[]))
        AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s::bigint[]))
    ORDER BY id FOR NO KEY UPDATE
)
"""
ASK_BACK = """
UPDATE messaging_touch SET recall = %(reason)s, recall_at = %(now)s, recall_tries = 0, fallback_at = NULL
WHERE id IN (
    SELECT id FROM messaging_touch WHERE id = ANY(%(ids)s) AND state IN ('sending', 'sent') AND recall = ''
    ORDER BY id FOR NO KEY UPDATE
)
"""
# What waits at a provider: accepted, under a reference of a task, and nothing was heard of it.
WAITING_AT_PROVIDER = """
SELECT t.id, t.person_id, t.purpose, t.content->>'valid_until' FROM messaging_touch AS t
WHERE t.account_id = %(account)s AND t.state = 'sent' AND t.recall = '' AND t.reply_token = ''
    AND t.sent_at >= %(since)s AND t.id > %(after)s
ORDER BY t.id LIMIT %(limit)s
"""
# Nobody has to be asked: it is not waiting any more, its channel stops nothing, or nobody knows its reference.
RECALLS_WITHOUT_QUESTION = """
SELECT id FROM messaging_touch AS t WHERE recall_at <= %(now)s AND state <> 'sending' AND (state <> 'sent'
    OR channel <> ALL(%(kinds)s) OR reply_token <> '' OR NOT EXISTS (
        SELECT FROM messaging_attempt AS a WHERE a.touch_id = t.id AND a.outcome = 'accepted' AND a.provider_ref <> ''
    ))
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""
CLAIM_RECALLS = """
WITH due AS (
    SELECT id FROM messaging_touch WHERE recall_at <= %(now)s AND state = 'sent' AND account_id IS NOT NULL
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
), tasks AS (
    SELECT DISTINCT a.account_id, a.provider_ref FROM due JOIN messaging_attempt AS a ON a.touch_id = due.id
        AND a.outcome = 'accepted' ORDER BY 1, 2 LIMIT %(limit)s
), mine AS (
    SELECT due.id, a.account_id, a.provider_ref FROM due
    JOIN messaging_attempt AS a ON a.touch_id = due.id AND a.outcome = 'accepted'
    JOIN tasks ON tasks.account_id = a.account_id AND tasks.provider_ref = a.provider_ref
)
UPDATE messaging_touch AS t SET recall_at = %(lease)s, recall_tries = recall_tries + 1
FROM mine WHERE t.id = mine.id RETURNING mine.account_id, mine.provider_ref
"""
END_RECALLED = """
UPDATE messaging_touch SET state = 'cancelled', reason = recall, recall = '', recall_at = NULL, ended_at = %(now)s,
    next_at = NULL, fallback_at = NULL, sent_at = NULL, lake_version = lake_version + 1
WHERE id = ANY(%(ids)s)
"""
PLAN_RECALLED = """
UPDATE messaging_touch SET state = 'planned', reason = 'task_recalled', next_at = %(now)s, fallback_at = NULL,
    sent_at = NULL, lake_version = lake_version + 1
WHERE id = ANY(%(ids)s)
"""
GIVE_UP_RECALLS = """
UPDATE messaging_touch SET reason = %(reason)s, recall = '', recall_at = NULL, lake_version = lake_version + 1
WHERE id = ANY(%(ids)s)
"""

# Persons with something due, the most important first, that no other worker has in hand. Everything about a customer is
# decided under the locks of all its persons, so that two workers never judge one customer at the same time.
# What has seconds only (a welcome) has a sitting of its own, before anybody else is looked at.
LOCK_DUE_PERSONS = """
SELECT id FROM customers_person WHERE id IN (
    SELECT person_id FROM messaging_touch WHERE state IN ('planned', 'waiting') AND next_at <= %(now)s
        AND (priority >= %(urgent)s OR (NOT %(only_urgent)s AND NOT EXISTS (
            SELECT FROM messaging_touch WHERE state IN ('planned', 'waiting') AND next_at <= %(now)s
                AND priority >= %(urgent)s
        )))
    ORDER BY priority DESC, next_at, id LIMIT %(looked)s
) ORDER BY id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
"""
LOCK_LISTED_PERSONS = """
SELECT id FROM customers_person WHERE id IN (
    SELECT person_id FROM messaging_touch WHERE state IN ('planned', 'waiting') AND reason = 'ready_for_list'
        AND account_id = %(account)s AND (%(source)s = '' OR source = %(source)s)
    ORDER BY id LIMIT %(looked)s
) ORDER BY id FOR NO KEY UPDATE
"""
LOCK_MEMBERS = "SELECT id FROM customers_person WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"
# Of everybody of these customers what is due; what is being cancelled at this moment is passed over.
CLAIM_DUE = """
SELECT id FROM messaging_touch WHERE person_id = ANY(%(persons)s) AND state IN ('planned', 'waiting')
    AND next_at <= %(now)s AND (NOT %(only_urgent)s OR priority >= %(urgent)s)
ORDER BY priority DESC, send_after, id FOR UPDATE SKIP LOCKED
"""
IS_URGENT_DUE = """
SELECT EXISTS (SELECT FROM messaging_touch WHERE state IN ('planned', 'waiting') AND priority >= 1000
    AND next_at <= %(now)s)
"""
CLAIM_LISTED = """
SELECT id FROM messaging_touch WHERE person_id = ANY(%(persons)s) AND state IN ('planned', 'waiting')
    AND reason = 'ready_for_list' AND account_id = %(account)s AND (%(source)s = '' OR source = %(source)s)
ORDER BY priority DESC, send_after, id FOR UPDATE SKIP LOCKED
"""
# Accounts whose quotas bind everybody are judged for by one worker at a time.
LOCK_ACCOUNTS = "SELECT id FROM messaging_channelaccount WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"

_MEMBERS = "unnest(%(customers)s::bigint[], %(persons)s::bigint[]) AS m (customer, person)"
SLOTS_USED = f"""
SELECT m.customer, s.period, count(*), max(s.number) FILTER (WHERE s.person_id = m.customer)
FROM {_MEMBERS} JOIN messaging_contactslot AS s ON s.person_id = m.person
WHERE (s.period = 'day' AND s.starts = %(day)s) OR (s.period = 'week' AND s.starts = %(week)s)
GROUP BY m.customer, s.period
"""
# Mailboxes that do not exist or take nothing, by what was reported later or said at once; see messaging.mailboxes.
DEAD_MAILBOXES = f"""
SELECT m.customer, a.address_hash
FROM {_MEMBERS} JOIN messaging_touch AS t ON t.person_id = m.person
JOIN messaging_attempt AS a ON a.touch_id = t.id AND a.address_hash <> ''
JOIN messaging_channelaccount AS c ON c.id = a.account_id AND c.kind = 'email'
LEFT JOIN messaging_receipt AS r ON r.touch_id = t.id AND r.status = 'failed' AND a.outcome = 'accepted'
GROUP BY m.customer, a.address_hash
HAVING bool_or(r.code ~ %(gone)s) OR bool_or(a.outcome = 'refused' AND a.code ~ %(gone)s)
    OR count(DISTINCT t.id) FILTER (WHERE a.outcome = 'refused' AND a.code = %(unsaid)s) >= 2
"""
SAME_CONTENT = f"""
SELECT m.customer, t.content_hash, max(a.started_at)
FROM {_MEMBERS} JOIN messaging_touch AS t ON t.person_id = m.person AND t.content_hash = ANY(%(hashes)s)
JOIN messaging_attempt AS a ON a.touch_id = t.id AND a.outcome <> 'refused' AND a.started_at >= %(since)s
GROUP BY m.customer, t.content_hash
"""
CUSTOMER_QUOTA = f"""
SELECT m.customer, count(*)
FROM {_MEMBERS} JOIN messaging_touch AS t ON t.person_id = m.person
JOIN messaging_attempt AS a ON a.touch_id = t.id AND a.account_id = %(account)s AND a.outcome <> 'refused'
    AND a.started_at >= %(since)s
GROUP BY m.customer
"""
ACCOUNT_QUOTA = """
SELECT count(*) FROM messaging_attempt WHERE account_id = %(account)s AND outcome <> 'refused'
    AND started_at >= %(since)s
"""
# A rehearsal's moment lies in the past: what was answered and refused after it is not known yet.
# Marketing contacts since the customer last responded to any, as far as a response would be seen; and the latest.
UNANSWERED = f"""
WITH contacts AS (
    SELECT m.customer, t.sent_at, t.answerable, greatest(
        CASE WHEN t.read_at <= %(now)s THEN t.read_at END, CASE WHEN t.clicked_at <= %(now)s THEN t.clicked_at END
    ) AS answered_at
    FROM {_MEMBERS} JOIN messaging_touch AS t ON t.person_id = m.person AND t.purpose = 'marketing'
    WHERE t.sent_at >= %(since)s
), answers AS (
    SELECT customer, max(answered_at) AS at FROM contacts GROUP BY customer
)
SELECT c.customer, count(*) FILTER (WHERE c.answerable AND (answers.at IS NULL OR c.sent_at > answers.at)),
    max(c.sent_at)
FROM contacts AS c JOIN answers ON answers.customer = c.customer GROUP BY c.customer
"""
RESPONSES = f"""
SELECT m.customer, t.channel, count(*), count(*) FILTER (WHERE t.read_at <= %(now)s OR t.clicked_at <= %(now)s)
FROM {_MEMBERS} JOIN messaging_touch AS t ON t.person_id = m.person AND t.sent_at >= %(since)s
GROUP BY m.customer, t.channel
"""
CLIMATE = """
SELECT count(*) FILTER (WHERE sent_at >= %(since)s),
    count(*) FILTER (WHERE unsubscribed_at BETWEEN %(since)s AND %(now)s)
FROM messaging_touch WHERE purpose = 'marketing' AND (sent_at >= %(since)s OR unsubscribed_at >= %(since)s)
"""
SET_DECIDED = """
UPDATE messaging_touch AS t SET state = told.state, reason = told.reason, next_at = told.next_at,
    account_id = told.account, channel = told.channel,
    ended_at = CASE WHEN told.state IN ('refused', 'expired') THEN %(now)s END,
    lake_version = t.lake_version + CASE WHEN told.state IN ('refused', 'expired') THEN 1 ELSE 0 END
FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(next_ats)s::timestamptz[],
    %(accounts)s::bigint[], %(channels)s::text[]) AS told (id, state, reason, next_at, account, channel)
WHERE t.id = told.id
"""

# What is about to leave is looked at once more: a consent taken back since the sitting, an erasing.
STILL_OPEN = """
SELECT a.id FROM messaging_attempt AS a JOIN messaging_touch AS t ON t.id = a.touch_id
WHERE a.id = ANY(%s) AND a.outcome = 'ready' AND t.recall = ''
"""
# Committed before the bytes of these attempts leave. Fewer than were asked for: somebody thinks that we are gone.
SET_LEAVING = "UPDATE messaging_attempt SET outcome = 'open' WHERE id = ANY(%s) AND outcome = 'ready'"
# An outcome counts where none was known; who knows better than "unknown" may say so later.
SET_OUTCOMES = """
UPDATE messaging_attempt AS a SET outcome = told.outcome, finished_at = %(now)s, provider_ref = told.ref,
    parts = told.parts, cost_minor = told.cost, code = told.code, message = told.message, permanent = told.permanent
FROM unnest(%(ids)s::bigint[], %(outcomes)s::text[], %(refs)s::text[], %(parts)s::int[], %(costs)s::bigint[],
    %(codes)s::text[], %(messages)s::text[], %(permanents)s::boolean[])
    AS told (id, outcome, ref, parts, cost, code, message, permanent)
WHERE a.id = told.id AND a.outcome IN ('ready', 'open', 'unknown') AND a.decided_by_id IS NULL
RETURNING a.id
"""
# What was asked back meanwhile ends where it did not go out, instead of being tried again or elsewhere.
SET_ENDS = """
UPDATE messaging_touch AS t SET
    state = CASE WHEN t.recall <> '' AND told.state = 'planned' THEN 'cancelled' ELSE told.state END,
    reason = CASE WHEN t.recall <> '' AND told.state = 'planned' THEN t.recall ELSE told.reason END,
    next_at = CASE WHEN t.recall = '' THEN told.next_at END,
    channels = coalesce(told.channels::jsonb, t.channels),
    sent_at = coalesce(told.sent_at, t.sent_at),
    fallback_at = CASE WHEN t.recall = '' THEN told.fallback_at END,
    ended_at = CASE WHEN told.state = 'failed' OR (t.recall <> '' AND told.state = 'planned') THEN %(now)s END,
    recall = CASE WHEN told.state = 'sent' THEN t.recall ELSE '' END,
    recall_at = CASE WHEN told.state = 'sent' THEN t.recall_at END,
    answerable = t.answerable OR told.answerable, lake_version = t.lake_version + 1
FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(next_ats)s::timestamptz[],
    %(channels)s::text[], %(sent_ats)s::timestamptz[], %(fallback_ats)s::timestamptz[], %(answerables)s::boolean[])
    AS told (id, state, reason, next_at, channels, sent_at, fallback_at, answerable)
WHERE t.id = told.id AND t.state IN ('sending', 'unknown')
"""
LOCK_TOUCHES = "SELECT id FROM messaging_touch WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
RELEASE_SLOTS = "DELETE FROM messaging_contactslot WHERE touch_id = ANY(%s)"
OPEN_RUNS = "SELECT DISTINCT run FROM messaging_attempt WHERE outcome IN ('ready', 'open')"
LOST_ATTEMPTS = """
UPDATE messaging_attempt SET outcome = 'unknown', code = 'worker_lost', finished_at = %(now)s
WHERE run = %(run)s AND outcome = 'open' RETURNING touch_id
"""
LOST_TOUCHES = """
UPDATE messaging_touch SET state = 'unknown', reason = 'worker_lost', lake_version = lake_version + 1
WHERE id = ANY(%(ids)s) AND state = 'sending' RETURNING id
"""
# What had not left goes on as if it had not been begun, unless it was asked back meanwhile.
UNSENT_ATTEMPTS = """
UPDATE messaging_attempt SET outcome = 'refused', code = 'worker_lost', finished_at = %(now)s
WHERE run = %(run)s AND outcome = 'ready' RETURNING touch_id
"""
UNSENT_TOUCHES = """
UPDATE messaging_touch SET state = CASE WHEN recall = '' THEN 'planned' ELSE 'cancelled' END,
    reason = CASE WHEN recall = '' THEN 'worker_lost_before' ELSE recall END,
    next_at = CASE WHEN recall = '' THEN %(now)s END, ended_at = CASE WHEN recall <> '' THEN %(now)s END,
    recall = '', recall_at = NULL, lake_version = lake_version + 1
WHERE id = ANY(%(ids)s) AND state = 'sending' RETURNING id
"""
NEW_RUN = "SELECT nextval('messaging_run')"
HOLD_RUN = "SELECT pg_advisory_lock(hashtext('huitou.outbox'), %s)"
TRY_RUN = "SELECT pg_try_advisory_lock(hashtext('huitou.outbox'), %s)"
FREE_RUN = "SELECT pg_advisory_unlock(hashtext('huitou.outbox'), %s)"

# The attempts that receipts speak of: by reference and recipient, or by the touch itself.
FIND_REPORTED = """
SELECT told.n, a.touch_id FROM unnest(%(refs)s::text[], %(hashes)s::text[]) WITH ORDINALITY AS told (ref, hash, n)
JOIN messaging_attempt AS a ON a.account_id = %(account)s AND a.provider_ref = told.ref
    AND (told.hash = '' OR a.address_hash = told.hash)
"""
INSERT_RECEIPTS = """
INSERT INTO messaging_receipt (touch_id, status, at, code, message, origin, recorded_at)
SELECT touch, status, at, code, message, %(origin)s, %(now)s
FROM unnest(%(touches)s::bigint[], %(statuses)s::text[], %(ats)s::timestamptz[], %(codes)s::text[],
    %(messages)s::text[]) AS told (touch, status, at, code, message)
ON CONFLICT (touch_id, status) DO NOTHING RETURNING touch_id, status, at
"""
INSERT_STRAYS = """
INSERT INTO messaging_strayreceipt
    (account_id, provider_ref, address_hash, status, at, code, message, recorded_at)
SELECT %(account)s, ref, hash, status, at, code, message, %(now)s
FROM unnest(%(refs)s::text[], %(hashes)s::text[], %(statuses)s::text[], %(ats)s::timestamptz[], %(codes)s::text[],
    %(messages)s::text[]) AS told (ref, hash, status, at, code, message)
ON CONFLICT DO NOTHING
"""
TAKE_STRAYS = """
DELETE FROM messaging_strayreceipt AS s USING messaging_attempt AS a
WHERE a.id = ANY(%(attempts)s) AND s.account_id = a.account_id AND s.provider_ref = a.provider_ref
    AND (s.address_hash = '' OR s.address_hash = a.address_hash)
RETURNING a.touch_id, s.status, s.at, s.code, s.message
"""
# Receipts in whatever order they come: instants are kept as they were told first, the state never goes back. A failure
# counts where nothing says that the message arrived.
APPLY_RECEIPTS = """
WITH told AS (
    SELECT touch, min(at) FILTER (WHERE status = 'delivered') AS delivered, min(at) FILTER (WHERE status = 'read')
        AS read, min(at) FILTER (WHERE status = 'clicked') AS clicked,
        min(at) FILTER (WHERE status = 'failed') AS failed,
        min(at) FILTER (WHERE status IN ('unsubscribed', 'complained')) AS unsubscribed,
        bool_or(status IN ('sent', 'delivered', 'read', 'clicked', 'complained')) AS arrived
    FROM unnest(%(touches)s::bigint[], %(statuses)s::text[], %(ats)s::timestamptz[]) AS given (touch, status, at)
    GROUP BY touch
), merged AS (
    SELECT t.id, coalesce(t.delivered_at, told.delivered) AS delivered, coalesce(t.read_at, told.read) AS read,
        coalesce(t.clicked_at, told.clicked) AS clicked, coalesce(t.unsubscribed_at, told.unsubscribed) AS unsubscribed,
        told.failed, told.arrived
    FROM messaging_touch AS t JOIN told ON told.touch = t.id
)
UPDATE messaging_touch AS t SET delivered_at = m.delivered, read_at = m.read, clicked_at = m.clicked,
    unsubscribed_at = m.unsubscribed,
    state = CASE
        WHEN t.account_id IS NULL THEN t.state
        WHEN t.state NOT IN ('sending', 'sent', 'delivered', 'read', 'clicked', 'unknown', 'failed') THEN t.state
        WHEN m.clicked IS NOT NULL THEN 'clicked' WHEN m.read IS NOT NULL THEN 'read'
        WHEN m.delivered IS NOT NULL THEN 'delivered'
        WHEN m.failed IS NOT NULL AND t.state IN ('sent', 'unknown') THEN 'failed'
        WHEN m.arrived AND t.state = 'unknown' THEN 'sent' ELSE t.state END,
    reason = CASE WHEN m.failed IS NOT NULL AND t.state IN ('sent', 'unknown') AND m.clicked IS NULL
        AND m.read IS NULL AND m.delivered IS NULL THEN 'reported_failed' ELSE t.reason END,
    fallback_at = CASE WHEN m.read IS NOT NULL OR m.clicked IS NOT NULL THEN NULL
        WHEN m.failed IS NOT NULL AND t.fallback_at IS NOT NULL THEN least(t.fallback_at, %(now)s)
        ELSE t.fallback_at END,
    lake_version = t.lake_version + 1
FROM merged AS m WHERE t.id = m.id
"""
ARRIVED_ATTEMPTS = """
UPDATE messaging_attempt SET outcome = 'accepted' WHERE touch_id = ANY(%s) AND outcome = 'unknown'
"""
DUE_FALLBACKS = """
SELECT id FROM messaging_touch WHERE fallback_at <= %(now)s AND state IN ('sent', 'delivered', 'failed')
    AND recall = '' AND read_at IS NULL AND clicked_at IS NULL
ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
DROP_FALLBACKS = """
UPDATE messaging_touch SET fallback_at = NULL WHERE fallback_at <= %(now)s AND (read_at IS NOT NULL
    OR clicked_at IS NOT NULL OR state NOT IN ('sent', 'delivered', 'failed'))
"""
DUE_POLLS = """
SELECT a.touch_id, a.provider_ref, t.sent_at, t.person_id, a.address_hash, a.id
FROM messaging_attempt AS a JOIN messaging_touch AS t ON t.id = a.touch_id
WHERE a.account_id = %(account)s AND a.outcome = 'accepted' AND a.started_at >= %(since)s AND t.state = 'sent'
    AND a.provider_ref <> '' AND a.id > %(after)s
ORDER BY a.id LIMIT %(limit)s
"""

UNWRITTEN_TOUCHES = """
SELECT id, lake_version, person_id, parent_id, source, step, variant, purpose, nullif(channel, ''), state, reason,
    send_after, not_after, sent_at, delivered_at, read_at, clicked_at, unsubscribed_at
FROM messaging_touch WHERE lake_version > lake_written ORDER BY id LIMIT %s
"""
CLAIM_TOUCHES = """
UPDATE messaging_touch AS t SET lake_written = told.version
FROM unnest(%(ids)s::bigint[], %(versions)s::int[]) AS told (id, version)
WHERE t.id = told.id AND t.lake_written < told.version
"""

# Of messages that a provider took, or may have, and did not report as failed: cost and the doubtful part of it by arm.
_COSTS = f"""
WITH {CUSTOMERS}
SELECT counted.arm, sum(a.cost_minor), coalesce(sum(a.cost_minor) FILTER (WHERE a.outcome = 'unknown'), 0)
FROM messaging_attempt AS a JOIN messaging_touch AS t ON t.id = a.touch_id
LEFT JOIN customers_personlink AS link ON link.person_id = t.person_id
JOIN counted ON counted.customer = coalesce(link.customer_id, t.person_id)
WHERE a.outcome IN ('accepted', 'unknown') AND t.state <> 'failed' AND a.started_at <= %(spent_until)s
"""
LAUNCH_COSTS = f"{_COSTS} AND t.source = %(source)s GROUP BY counted.arm"
HOLDOUT_COSTS = f"""{_COSTS}
    AND a.started_at >= counted.at AND a.started_at <= counted.at + make_interval(days => %(days)s)
GROUP BY counted.arm
"""
