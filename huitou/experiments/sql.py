"""Assignments set-wise: whom customers were drawn for before, and the draw of everybody else, by one hash.

`huitou.stats.allocation` says the same in Python.
"""

from __future__ import annotations

DRAW = "('x' || left(md5(%(salt)s || ':' || asked.customer), 8))::bit(32)::bigint"

# The customers asked for as they stand now, each with all its persons.
_ASKED = """
asked AS MATERIALIZED (
    SELECT DISTINCT coalesce(link.customer_id, given.id) AS customer
    FROM unnest(%(customers)s::bigint[]) AS given (id)
    LEFT JOIN customers_personlink AS link ON link.person_id = given.id
), persons AS (
    SELECT customer, customer AS person FROM asked
    UNION ALL
    SELECT link.customer_id, link.person_id FROM customers_personlink AS link
    JOIN asked ON asked.customer = link.customer_id
), recorded AS (
    SELECT DISTINCT ON (persons.customer) persons.customer, a.arm, a.at
    FROM persons JOIN experiments_assignment AS a ON a.person_id = persons.person AND a.experiment_id = %(experiment)s
    ORDER BY persons.customer, a.at, a.id
)
"""
# Arms of the customers that have one: customer, arm, since when.
RECORDED = f"WITH {_ASKED} SELECT customer, arm, at FROM recorded"
# Draw and record whoever has no arm yet; sorted, so that two at once never wait for each other in a circle.
ASSIGN = f"""
WITH {_ASKED}, drawn AS (
    SELECT asked.customer, {DRAW} AS draw FROM asked
    WHERE NOT EXISTS (SELECT 1 FROM recorded WHERE recorded.customer = asked.customer)
)
INSERT INTO experiments_assignment (experiment_id, person_id, arm, draw, at)
SELECT %(experiment)s, drawn.customer, section.code, drawn.draw, %(now)s
FROM drawn JOIN unnest(%(codes)s::text[], %(lows)s::bigint[], %(highs)s::bigint[]) AS section (code, low, high)
    ON drawn.draw >= section.low AND drawn.draw < section.high
ORDER BY drawn.customer
ON CONFLICT (experiment_id, person_id) DO NOTHING
"""
# Whoever stands in the arm: by record, and where there is none by the draw.
IN_ARM = f"""
WITH {_ASKED}
SELECT asked.customer FROM asked LEFT JOIN recorded ON recorded.customer = asked.customer
WHERE coalesce(recorded.arm = %(arm)s, {DRAW} >= %(low)s AND {DRAW} < %(high)s)
"""
# Numbers that were asked for, as the customers that they belong to now.
CANONICAL = """
SELECT given.id, coalesce(link.customer_id, given.id) FROM unnest(%(customers)s::bigint[]) AS given (id)
LEFT JOIN customers_personlink AS link ON link.person_id = given.id
"""
ARM_COUNTS = """
SELECT arm, count(*) FROM experiments_assignment WHERE experiment_id = %(experiment)s GROUP BY arm
"""
# The experiment if somebody may be assigned at that instant; whoever closes it waits for us.
LOCK_OPEN = """
SELECT id FROM experiments_experiment
WHERE id = %(experiment)s AND starts_at <= %(now)s AND ends_at > %(now)s AND closed_at IS NULL FOR SHARE
"""
# First delivered touches of customers that have an arm, under the person that was asked for.
RECORD_EXPOSURES = """
WITH given AS (
    SELECT * FROM unnest(%(customers)s::bigint[], %(at)s::timestamptz[], %(channels)s::text[], %(touches)s::bigint[])
        AS given (id, at, channel, touch)
), persons AS (
    SELECT given.id, coalesce(link.customer_id, given.id) AS customer FROM (SELECT DISTINCT id FROM given) AS given
    LEFT JOIN customers_personlink AS link ON link.person_id = given.id
), members AS (
    SELECT id, customer AS person FROM persons
    UNION
    SELECT persons.id, link.person_id FROM persons
    JOIN customers_personlink AS link ON link.customer_id = persons.customer
), arms AS (
    SELECT DISTINCT ON (members.id) members.id, a.person_id, a.arm
    FROM members JOIN experiments_assignment AS a ON a.person_id = members.person AND a.experiment_id = %(experiment)s
    ORDER BY members.id, a.at, a.id
)
INSERT INTO experiments_exposure (experiment_id, person_id, arm, at, channel, touch_id)
SELECT DISTINCT ON (arms.person_id) %(experiment)s, arms.person_id, arms.arm, given.at, given.channel, given.touch
FROM given JOIN arms USING (id)
ORDER BY arms.person_id, given.at, given.touch
ON CONFLICT (experiment_id, person_id) DO NOTHING
"""
_EXPOSURE_COLUMNS = "e.key, row.person_id, row.arm, row.at"
UNWRITTEN_ASSIGNMENTS = f"""
SELECT row.id, 'assigned', {_EXPOSURE_COLUMNS}, NULL, NULL
FROM experiments_assignment AS row JOIN experiments_experiment AS e ON e.id = row.experiment_id
WHERE row.batch_id IS NULL ORDER BY row.id LIMIT %s
"""
UNWRITTEN_EXPOSURES = f"""
SELECT row.id, 'reached', {_EXPOSURE_COLUMNS}, row.channel, row.touch_id
FROM experiments_exposure AS row JOIN experiments_experiment AS e ON e.id = row.experiment_id
WHERE row.batch_id IS NULL ORDER BY row.id LIMIT %s
"""
_CLAIM = "SET batch_id = %(batch)s WHERE id = ANY(%(ids)s::bigint[]) AND batch_id IS NULL"
CLAIM_ASSIGNMENTS = f"UPDATE experiments_assignment {_CLAIM}"
CLAIM_EXPOSURES = f"UPDATE experiments_exposure {_CLAIM}"
# What a readout looks at: every assignment of some experiments.
ASSIGNED = f"""
SELECT row.id, 'assigned', {_EXPOSURE_COLUMNS}, NULL, NULL
FROM experiments_assignment AS row JOIN experiments_experiment AS e ON e.id = row.experiment_id
WHERE row.experiment_id = ANY(%s) ORDER BY row.id
"""
# The customers of an experiment as they stand now, with the earliest arm of their persons; `counted` in time.
CUSTOMERS = """
first AS MATERIALIZED (
    SELECT DISTINCT ON (customer) coalesce(link.customer_id, a.person_id) AS customer, a.arm, a.at
    FROM experiments_assignment AS a LEFT JOIN customers_personlink AS link ON link.person_id = a.person_id
    WHERE a.experiment_id = %(experiment)s ORDER BY customer, a.at, a.id
), counted AS (
    SELECT * FROM first WHERE at <= %(until)s
)
"""
# Customers who were reached, by arm.
REACHED = f"""
WITH {CUSTOMERS}
SELECT counted.arm, count(DISTINCT counted.customer)
FROM experiments_exposure AS e LEFT JOIN customers_personlink AS link ON link.person_id = e.person_id
JOIN counted ON counted.customer = coalesce(link.customer_id, e.person_id)
WHERE e.experiment_id = %(experiment)s GROUP BY counted.arm
"""
# Customers who took back a consent within their window, by arm.
OPTED_OUT = f"""
WITH {CUSTOMERS}, persons AS (
    SELECT customer, customer AS person, arm, at FROM counted
    UNION ALL
    SELECT counted.customer, link.person_id, counted.arm, counted.at
    FROM counted JOIN customers_personlink AS link ON link.customer_id = counted.customer
)
SELECT persons.arm, count(DISTINCT persons.customer)
FROM persons JOIN customers_consent AS c ON c.person_id = persons.person
WHERE NOT c.granted AND c.at > persons.at AND c.at <= persons.at + make_interval(hours => %(hours)s)
GROUP BY persons.arm
"""
# Customers who were assigned too late for a whole window, by arm.
ASSIGNED_LATE = f"""
WITH {CUSTOMERS}
SELECT arm, count(*) FROM first WHERE at > %(until)s GROUP BY arm
"""
