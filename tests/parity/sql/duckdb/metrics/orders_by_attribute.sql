SELECT
  "t4"."period",
  "t4"."dim0",
  COUNT(*) AS "numerator"
FROM (
  SELECT
    "t2"."dim0",
    "t2"."person_id",
    "t2"."paid_at",
    "t2"."day",
    "t3"."period"
  FROM "purchases" AS "t2"
  INNER JOIN "in_memory_1" AS "t3"
    ON "t2"."day" = "t3"."day"
) AS "t4"
GROUP BY
  1,
  2;
