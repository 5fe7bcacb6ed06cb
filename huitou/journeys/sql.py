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
