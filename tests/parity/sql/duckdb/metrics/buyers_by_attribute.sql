SELECT
  "t6"."period",
  "t6"."dim0",
  COUNT(*) AS "numerator"
FROM (
  SELECT DISTINCT
    *
  FROM (
    SELECT
      "t2"."period",
      "t4"."dim0",
      "t4"."person_id"
    FROM (
      SELECT
        *
      FROM "purchases" AS "t0"
      WHERE
        "t0"."person_id" IS NOT NULL
    ) AS "t4"
    INNER JOIN "in_memory_1" AS "t2"
      ON "t4"."day" = "t2"."day"
  ) AS "t5"
) AS "t6"
GROUP BY
  1,
  2;
