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
