SELECT
  "t1"."dim0",
  "t1"."person_id",
  MIN("t1"."paid_at") AS "first_at",
  MIN("t1"."day") AS "first_purchase_day"
FROM (
  SELECT
    COALESCE("t0"."channel", 'unknown') AS "dim0",
    "t0"."person_id",
    "t0"."paid_at",
    "t0"."day"
  FROM "int_orders" AS "t0"
  WHERE
    "t0"."is_purchase" AND "t0"."person_id" IS NOT NULL
) AS "t1"
GROUP BY
  1,
  2;
