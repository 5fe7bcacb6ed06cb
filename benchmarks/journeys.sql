-- The same journey by hand: split by the draw, wait two days, a task for those of the first half, a wait for an event of
-- a day, the end. One statement moves up to :limit due rows one step on; it is run until nothing is due.
--
-- Tables of its own, with the indexes that the claim needs and an append-only log of every step.
CREATE TABLE hand_way (
    id bigint PRIMARY KEY, customer bigint NOT NULL, step smallint NOT NULL, visit int NOT NULL,
    due_at timestamptz, ended_at timestamptz
);
CREATE INDEX hand_due ON hand_way (due_at, id) WHERE ended_at IS NULL;
CREATE TABLE hand_log (
    way bigint NOT NULL, visit int NOT NULL, step smallint NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (way, visit)
);
CREATE TABLE hand_task (key text PRIMARY KEY, customer bigint NOT NULL, due_at timestamptz NOT NULL);
-- Steps: 1 split, 2 waiting two days, 3 task, 4 waiting for the event, 5 the end.
PREPARE move (timestamptz, int) AS
WITH due AS (
    SELECT id, customer, step, visit, due_at FROM hand_way
    WHERE ended_at IS NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
), moved AS (
    SELECT id, customer, visit + 1 AS visit, due_at,
        CASE step
            WHEN 1 THEN CASE WHEN ('x' || left(md5('s:' || customer), 8))::bit(32)::bigint < 2147483648 THEN 2 ELSE 4 END
            WHEN 2 THEN 3 WHEN 3 THEN 4 ELSE 5 END AS step
    FROM due
), tasks AS (
    INSERT INTO hand_task SELECT id || ':3:' || visit, customer, due_at + interval '1 day' FROM moved WHERE step = 3
), told AS (
    INSERT INTO hand_log SELECT id, visit, step, due_at FROM moved
)
UPDATE hand_way AS way
SET step = moved.step, visit = moved.visit,
    due_at = CASE moved.step WHEN 2 THEN moved.due_at + interval '2 days' WHEN 4 THEN moved.due_at + interval '1 day'
        WHEN 5 THEN NULL ELSE moved.due_at END,
    ended_at = CASE WHEN moved.step = 5 THEN moved.due_at END
FROM moved WHERE way.id = moved.id;
