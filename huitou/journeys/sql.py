"""SQL of journeys that the ORM cannot say well: claims, moves, entries and occasions, each for many at once."""

from __future__ import annotations

# By the latest told of any of a customer's persons; a date that lies ahead has no anniversary yet.
ANNIVERSARIES = """
SELECT customer FROM (
    SELECT DISTINCT ON (customer) customer, value FROM (
        SELECT coalesce(link.customer_id, m.person_id) AS customer, m.value, m.at, m.id
        FROM customers_milestone AS m LEFT JOIN customers_personlink AS link ON link.person_id = m.person_id
        WHERE m.kind = %(kind)s
    ) AS told ORDER BY customer, at DESC, value DESC
) AS latest
WHERE substr(value, 6, 5) = ANY(%(days)s) AND value <= %(upto)s
ORDER BY customer
"""
CUSTOMERS_AFTER = """
SELECT person.id FROM customers_person AS person
WHERE person.id > %s AND person.erased_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM customers_personlink AS link WHERE link.person_id = person.id)
ORDER BY person.id LIMIT %s
"""

# Ends a way and writes why, in one statement; every reason is told with the step that was left.
END_ENROLLMENTS = """
WITH ended AS (
    UPDATE journeys_enrollment AS e
    SET state = 'ended', ended_at = %(at)s, exit_reason = %(reason)s, due_at = NULL, waiting_for = '', outcome = ''
    WHERE e.id IN (
        SELECT id FROM journeys_enrollment WHERE state = 'active' AND {which} ORDER BY id FOR UPDATE
    )
    RETURNING e.id, e.visit, e.step, e.person_id
), told AS (
    INSERT INTO journeys_transition (enrollment_id, visit, from_step, to_step, at, reason)
    SELECT id, visit + 1, step, '', %(at)s, %(reason)s FROM ended
)
SELECT id, person_id FROM ended ORDER BY id
"""
END_OF_PERSONS = END_ENROLLMENTS.format(which="person_id = ANY(%(persons)s)")
END_OF_LAUNCH = END_ENROLLMENTS.format(which="launch_id = %(launch)s")
END_THESE = END_ENROLLMENTS.format(which="id = ANY(%(ids)s)")

# Launches whose way is open, held so that pausing or stopping waits for what is being done.
HOLD_LAUNCH = "SELECT 1 FROM journeys_launch WHERE id = %s AND state = 'running' FOR SHARE"
HOLD_RUNNING = "SELECT id FROM journeys_launch WHERE state = 'running' ORDER BY id FOR SHARE"
DUE_LAUNCHES = """
SELECT launch.id FROM journeys_launch AS launch
WHERE launch.state = 'running' AND EXISTS (
    SELECT 1 FROM journeys_enrollment AS e
    WHERE e.launch_id = launch.id AND e.state = 'active' AND e.due_at <= %s
) ORDER BY launch.id
"""
# All persons of the customer of one person, by the links as they are; needs that person's own `link` beside it.
_OWN = """(
    SELECT {person} UNION ALL SELECT link.customer_id UNION ALL
    SELECT fellow.person_id FROM customers_personlink AS fellow
    WHERE fellow.customer_id = coalesce(link.customer_id, {person})
) AS own (person)"""
# Per customer in the order of time: an event that came before the moment is taken first.
CLAIM_DUE = f"""
SELECT e.id, e.person_id, coalesce(link.customer_id, e.person_id), e.version_id, e.step, e.visit, e.acts,
    e.entered_at::text, e.reached_at::text, e.due_at::text, e.outcome, e.data::text
FROM journeys_enrollment AS e LEFT JOIN customers_personlink AS link ON link.person_id = e.person_id
WHERE e.launch_id = %(launch)s AND e.state = 'active' AND e.due_at <= %(now)s AND NOT EXISTS (
    SELECT 1 FROM {_OWN.format(person="e.person_id")} JOIN journeys_signal AS s ON s.person_id = own.person
    WHERE s.occurred_at < e.due_at
)
ORDER BY e.due_at, e.id LIMIT %(limit)s FOR UPDATE OF e SKIP LOCKED
"""
MOVE = """
UPDATE journeys_enrollment AS e
SET step = moved.step, visit = moved.visit, reached_at = moved.reached_at, due_at = moved.due_at,
    waiting_for = moved.waiting_for, outcome = '', state = moved.state, ended_at = moved.ended_at,
    exit_reason = moved.exit_reason
FROM unnest(%(ids)s::bigint[], %(steps)s::text[], %(visits)s::int[], %(reached)s::timestamptz[], %(due)s::timestamptz[],
    %(waiting)s::text[], %(states)s::text[], %(ended)s::timestamptz[], %(reasons)s::text[])
    AS moved (id, step, visit, reached_at, due_at, waiting_for, state, ended_at, exit_reason)
WHERE e.id = moved.id
"""
ADD_TRANSITIONS = """
INSERT INTO journeys_transition (enrollment_id, visit, from_step, to_step, at, reason)
SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::timestamptz[], %s::text[])
"""
LISTENED = "SELECT DISTINCT event FROM journeys_listening WHERE event = ANY(%s)"
# The earliest of each customer, once nothing of the customer is due before it. What a launch that has begun and that we
# do not hold as `running` listens for waits for it: it would be taken without letting anybody in there.
CLAIM_SIGNALS = f"""
SELECT s.id, s.person_id, s.event_id, s.name, s.occurred_at, s.received_at, s.properties::text
FROM journeys_signal AS s LEFT JOIN customers_personlink AS link ON link.person_id = s.person_id
WHERE s.occurred_at <= %(now)s AND NOT EXISTS (
    SELECT 1 FROM {_OWN.format(person="s.person_id")} JOIN journeys_signal AS earlier ON earlier.person_id = own.person
    WHERE (earlier.occurred_at, earlier.id) < (s.occurred_at, s.id)
) AND NOT EXISTS (
    SELECT 1 FROM {_OWN.format(person="s.person_id")} JOIN journeys_enrollment AS e ON e.person_id = own.person
    JOIN journeys_launch AS launch ON launch.id = e.launch_id
    WHERE e.state = 'active' AND e.due_at <= s.occurred_at AND launch.state = 'running'
        AND launch.id <> ALL(%(failed)s)
)
AND NOT EXISTS (
    SELECT 1 FROM journeys_listening AS l JOIN journeys_launch AS launch ON launch.id = l.launch_id
    WHERE l.event = s.name AND launch.starts_at <= s.occurred_at AND launch.state IN ('scheduled', 'running')
        AND launch.id <> ALL(%(running)s)
)
ORDER BY s.occurred_at, s.id LIMIT %(limit)s FOR UPDATE OF s SKIP LOCKED
"""
DELETE_SIGNALS = "DELETE FROM journeys_signal WHERE id = ANY(%s)"
LOCK_ACTIVE_OF = """
SELECT e.id, e.launch_id, e.reentry, e.version_id, e.person_id, e.entry_key, e.entered_at, e.step, e.waiting_for,
    e.reached_at, e.due_at
FROM journeys_enrollment AS e WHERE e.person_id = ANY(%s) AND e.state = 'active' ORDER BY e.id FOR UPDATE
"""
WAKE = """
UPDATE journeys_enrollment AS e SET due_at = woken.at, waiting_for = '', outcome = 'event'
FROM unnest(%s::bigint[], %s::timestamptz[]) AS woken (id, at) WHERE e.id = woken.id
"""
NEWEST_MERGE = "SELECT coalesce(max(id), 0) FROM customers_merge"
# The persons of customers joined by merges that were recorded since.
_OF_JOINED = """
joined AS (
    SELECT DISTINCT coalesce(link.customer_id, m.person_a_id) AS customer
    FROM customers_merge AS m LEFT JOIN customers_personlink AS link ON link.person_id = m.person_a_id
    WHERE m.id > %(after)s AND m.id <= %(upto)s AND m.ended_at IS NULL
), own AS (
    SELECT customer, customer AS person FROM joined
    UNION ALL
    SELECT link.customer_id, link.person_id FROM customers_personlink AS link
    JOIN joined ON joined.customer = link.customer_id
)
"""
# Their ways, as far as the rule lets a customer in once at a time.
JOINED_SINCE = f"""
WITH {_OF_JOINED}
SELECT unnest(array_agg(e.id)) FROM own JOIN journeys_enrollment AS e ON e.person_id = own.person
WHERE e.launch_id = %(launch)s AND e.state = 'active' AND e.reentry <> 'always'
GROUP BY own.customer HAVING count(*) > 1
"""
# Ways that do something for customers who also have one in control through the same launch, whether either has ended:
# of customers joined since, or of ways that are held.
_BESIDE_CONTROL = """
, mine AS (
    SELECT own.customer, e.id, e.acts, e.arm FROM own JOIN journeys_enrollment AS e ON e.person_id = own.person
    WHERE e.launch_id = %(launch)s
)
SELECT mine.id, mine.customer FROM mine
WHERE mine.acts AND EXISTS (SELECT 1 FROM mine AS other WHERE other.customer = mine.customer AND other.arm = 'control')
ORDER BY mine.id
"""
BESIDE_CONTROL_SINCE = f"WITH {_OF_JOINED}{_BESIDE_CONTROL}"
BESIDE_CONTROL_OF = f"""
WITH own AS (
    SELECT link.customer_id AS customer, link.person_id AS person FROM customers_personlink AS link
    WHERE link.customer_id = ANY(%(customers)s)
    UNION
    SELECT link.customer_id, link.customer_id FROM customers_personlink AS link
    WHERE link.customer_id = ANY(%(customers)s)
){_BESIDE_CONTROL}
"""
HOLD_OPEN = "SELECT 1 FROM journeys_launch WHERE id = %s AND state IN ('running', 'paused') FOR SHARE"
LOCK_WAYS = """
SELECT id, person_id, entered_at FROM journeys_enrollment
WHERE id = ANY(%s) AND state = 'active' AND reentry <> 'always' ORDER BY id FOR UPDATE
"""
# Other ways through the same launch of the customers whose ways are held, as the links are now; whether they began
# earlier.
FELLOW_WAYS = """
WITH held AS (
    SELECT given.id, given.at, coalesce(link.customer_id, given.person) AS customer
    FROM unnest(%(ids)s::bigint[], %(persons)s::bigint[], %(ats)s::timestamptz[]) AS given (id, person, at)
    LEFT JOIN customers_personlink AS link ON link.person_id = given.person
), own AS (
    SELECT held.id, held.at, link.person_id AS person FROM held
    JOIN customers_personlink AS link ON link.customer_id = held.customer
    UNION
    SELECT held.id, held.at, held.customer FROM held
    WHERE EXISTS (SELECT 1 FROM customers_personlink AS link WHERE link.customer_id = held.customer)
)
SELECT own.id, e.id, (e.entered_at, e.id) < (own.at, own.id)
FROM own JOIN journeys_enrollment AS e ON e.person_id = own.person
WHERE e.launch_id = %(launch)s AND e.state = 'active' AND e.id <> own.id
"""
LOCK_FREE_WAYS = """
SELECT id FROM journeys_enrollment WHERE id = ANY(%s) AND state = 'active' ORDER BY id FOR UPDATE SKIP LOCKED
"""
VISITS_OF = (
    "SELECT enrollment_id, to_step, visit FROM journeys_transition WHERE enrollment_id = ANY(%s) AND to_step <> ''"
)
CANCEL_TASKS = """
UPDATE journeys_stafftask SET state = 'cancelled', outcome = %(reason)s, finished_at = %(at)s WHERE id IN (
    SELECT id FROM journeys_stafftask WHERE state = 'open' AND {which} ORDER BY id FOR UPDATE
)
"""
CANCEL_FREE_TASKS_OF = CANCEL_TASKS.format(which="enrollment_id = ANY(%(ids)s) AND assignee_id IS NULL")
CANCEL_TASKS_OF_LAUNCH = CANCEL_TASKS.format(which="launch_id = %(launch)s")

# What is known of earlier ways of customers through a launch, whichever of their persons went it.
EARLIER_WAYS = """
SELECT given.customer, bool_or(e.state = 'active'), max(e.entered_at), max(e.ended_at)
FROM unnest(%(persons)s::bigint[], %(customers)s::bigint[]) AS given (person, customer)
JOIN journeys_enrollment AS e ON e.person_id = given.person AND e.launch_id = %(launch)s
GROUP BY given.customer
"""
# Whoever is in already under this key, or may not be in again, is passed over; the others begin at the first step.
ENTER = """
WITH entered AS (
    INSERT INTO journeys_enrollment (launch_id, version_id, person_id, entry_key, reentry, arm, acts, state, entered_at,
        step, visit, reached_at, due_at, waiting_for, outcome, data, exit_reason)
    SELECT %(launch)s, %(version)s, given.person, given.key, %(reentry)s, given.arm, given.acts, 'active', given.at,
        %(first)s, 1, given.at, given.at, '', '', given.data::jsonb, ''
    FROM unnest(%(persons)s::bigint[], %(keys)s::text[], %(arms)s::text[], %(acting)s::bool[], %(ats)s::timestamptz[],
        %(data)s::text[]) AS given (person, key, arm, acts, at, data)
    ORDER BY given.person, given.at
    ON CONFLICT DO NOTHING RETURNING id, entered_at
), told AS (
    INSERT INTO journeys_transition (enrollment_id, visit, from_step, to_step, at, reason)
    SELECT id, 1, '', %(first)s, entered_at, 'entered' FROM entered
)
SELECT count(*) FROM entered
"""
ACTIVE_AFTER = """
SELECT e.id, coalesce(link.customer_id, e.person_id), e.version_id, e.entered_at
FROM journeys_enrollment AS e LEFT JOIN customers_personlink AS link ON link.person_id = e.person_id
WHERE e.launch_id = %s AND e.state = 'active' AND e.id > %s ORDER BY e.id LIMIT %s
"""

# Runs out: nobody enters any more and nobody is inside.
CLOSE_OVER = """
WITH over AS (
    UPDATE journeys_launch AS launch SET state = 'ended', state_at = %(now)s
    WHERE launch.id IN (
        SELECT id FROM journeys_launch WHERE state = 'running' AND ends_at <= %(now)s ORDER BY id FOR UPDATE SKIP LOCKED
    ) AND NOT EXISTS (
        SELECT 1 FROM journeys_enrollment AS e WHERE e.launch_id = launch.id AND e.state = 'active'
    ) RETURNING launch.id
)
DELETE FROM journeys_listening WHERE launch_id IN (SELECT id FROM over)
"""
OPEN_DUE = """
UPDATE journeys_launch SET state = 'running', state_at = %(now)s
WHERE id IN (
    SELECT id FROM journeys_launch WHERE state = 'scheduled' AND starts_at <= %(now)s
    ORDER BY id FOR UPDATE SKIP LOCKED
) RETURNING id
"""
ADD_TASKS = """
INSERT INTO journeys_stafftask (key, person_id, launch_id, enrollment_id, kind, title, context, state, created_at,
    due_at, outcome, note)
SELECT key, person, launch, enrollment, kind, title::jsonb, context::jsonb, 'open', created, due, '', ''
FROM unnest(%(keys)s::text[], %(persons)s::bigint[], %(launches)s::bigint[], %(enrollments)s::bigint[],
    %(kinds)s::text[], %(titles)s::text[], %(contexts)s::text[], %(created)s::timestamptz[], %(due)s::timestamptz[])
    AS given (key, person, launch, enrollment, kind, title, context, created, due)
ON CONFLICT (key) DO NOTHING
"""
# Everything about anybody's way, what leans on it first.
FORGET = tuple(f"DELETE FROM journeys_{table}" for table in ("stafftask", "transition", "enrollment", "signal"))
