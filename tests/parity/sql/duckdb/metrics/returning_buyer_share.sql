SELECT
  "t12"."period",
  SUM(CAST("t12"."first_purchase_day" < "t12"."first_day" AS INT)) AS "numerator",
  COUNT(*) AS "denominator"
FROM (
  SELECT
    "t11"."period",
    "t11"."person_id",
    "t4"."first_at",
    "t4"."first_purchase_day",
    "t5"."first_day"
  FROM (
    SELECT DISTINCT
      *
    FROM (
      SELECT
        "t6"."period",
        "t8"."person_id"
      FROM (
        SELECT
          *
        FROM "purchases" AS "t2"
        WHERE
          "t2"."person_id" IS NOT NULL
      ) AS "t8"
      INNER JOIN "in_memory_1" AS "t6"
        ON "t8"."day" = "t6"."day"
    ) AS "t9"
  ) AS "t11"
  INNER JOIN "first_purchases" AS "t4"
    ON "t11"."person_id" = "t4"."person_id"
  INNER JOIN "in_memory_2" AS "t5"
    ON "t11"."period" = "t5"."period"
) AS "t12"
GROUP BY
  1;
