-- The same journeys by hand, in tables of the same shape: one statement moves up to $2 due ways of a launch as far as they
-- go by the moment $1, writes every step into the log, and asks for what the steps ask for.
--
-- `{arm}` says which way a customer goes, `{way}` which steps that is, `{stop}` where it waits next; an empty place is the
-- end. benchmarks/journeys.py fills them in for each journey.
CREATE TABLE hand_enrollment (LIKE journeys_enrollment INCLUDING ALL);
ALTER TABLE hand_enrollment ADD FOREIGN KEY (person_id) REFERENCES customers_person (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE hand_enrollment ADD FOREIGN KEY (launch_id) REFERENCES journeys_launch (id) DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE hand_transition (LIKE journeys_transition INCLUDING ALL);
ALTER TABLE hand_transition ADD FOREIGN KEY (enrollment_id) REFERENCES hand_enrollment (id) DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE hand_stafftask (LIKE journeys_stafftask INCLUDING ALL);
ALTER TABLE hand_stafftask ADD FOREIGN KEY (person_id) REFERENCES customers_person (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE hand_stafftask ADD FOREIGN KEY (enrollment_id) REFERENCES hand_enrollment (id) DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE hand_touch (LIKE messaging_touch INCLUDING ALL);
ALTER TABLE hand_touch ADD FOREIGN KEY (person_id) REFERENCES customers_person (id) DEFERRABLE INITIALLY DEFERRED;
-- The statement.
WITH due AS MATERIALIZED (
    SELECT id, person_id, step, visit, due_at, data, due_at > reached_at AS waited FROM hand_enrollment
    WHERE launch_id = {launch} AND state = 'active' AND due_at <= $1
    ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
), sorted AS MATERIALIZED (
    SELECT due.*, {arm} AS arm FROM due
), way (step, arm, n, from_step, to_step, reason) AS (
    VALUES {way}
), stop (step, arm, n, place, pause, waiting_for) AS (
    VALUES {stop}
), made AS MATERIALIZED (
    SELECT sorted.id, sorted.person_id, sorted.visit + way.n AS visit, way.from_step, way.to_step, sorted.due_at AS at,
        way.reason
    FROM sorted JOIN way USING (step, arm)
), told AS (
    INSERT INTO hand_transition (enrollment_id, visit, from_step, to_step, at, reason)
    SELECT id, visit, from_step, to_step, at, reason FROM made RETURNING 1
), tasks AS (
    INSERT INTO hand_stafftask (key, person_id, launch_id, enrollment_id, kind, title, context, state, created_at,
        due_at, outcome, note)
    SELECT id || ':call:' || visit - 1, person_id, {launch}, id, 'call', '{words}', '{{}}', 'open', at,
        at + interval '24 hours', '', ''
    FROM made WHERE from_step = 'call'
    ON CONFLICT (key) DO NOTHING
), touches AS (
    INSERT INTO hand_touch (key, person_id, source, step, variant, purpose, priority, channels, content, content_hash,
        planned_by, send_after, not_after, best_time, created_at, state, reason, next_at, channel, answerable,
        reply_token, recall, recall_tries, lake_version, lake_written)
    SELECT id || ':' || from_step || ':' || visit - 1, person_id, 'launch:{launch}', from_step, '', 'marketing', 0,
        '["console_log"]', '{content}', 'f25bcbce1e0d15cdfd03aa00f95874e8', 'send/' || from_step, at,
        at + interval '48 hours', false, $1, 'planned', '', at, '', false, '', '', 0, 1, 0
    FROM made WHERE from_step IN ('hello', 'again')
    ON CONFLICT (key) DO NOTHING
), moved AS (
    UPDATE hand_enrollment AS e
    SET step = coalesce(nullif(stop.place, ''), 'end'), visit = sorted.visit + stop.n, reached_at = sorted.due_at,
        due_at = sorted.due_at + stop.pause, waiting_for = stop.waiting_for, outcome = '',
        state = CASE stop.place WHEN '' THEN 'ended' ELSE 'active' END,
        ended_at = CASE stop.place WHEN '' THEN sorted.due_at END,
        exit_reason = CASE stop.place WHEN '' THEN 'finished' ELSE '' END
    FROM sorted JOIN stop USING (step, arm) WHERE e.id = sorted.id RETURNING 1
)
SELECT (SELECT count(*) FROM told), (SELECT count(*) FROM moved)
