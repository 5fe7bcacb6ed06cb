SELECT
  "t8"."period",
  SUM(
    CAST(COALESCE("t8"."second_at" <= (
      "t8"."first_at" + INTERVAL '1440' HOUR
    ), FALSE) AS INT)
  ) AS "numerator",
  COUNT(*) AS "denominator"
FROM (
  SELECT
    "t7"."period",
    "t7"."person_id",
    MIN("t7"."paid_at") AS "first_at",
    MIN("t7"."next_at") AS "second_at"
  FROM (
    SELECT
      "t6"."person_id",
      "t6"."paid_at",
      "t6"."day",
      "t6"."next_at",
      "t2"."period"
    FROM (
      SELECT
        "t4"."person_id",
        "t4"."paid_at",
        "t4"."day",
        LEAD("t4"."paid_at") OVER (
          PARTITION BY "t4"."person_id"
          ORDER BY "t4"."paid_at" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS "next_at"
      FROM (
        SELECT
          "t3"."person_id",
          "t3"."paid_at",
          "t3"."day"
        FROM (
          SELECT
            *
          FROM "purchases" AS "t1"
          WHERE
            "t1"."person_id" IS NOT NULL
            AND "t1"."day" >= MAKE_DATE(2024, 1, 1)
            AND "t1"."day" <= MAKE_DATE(2024, 6, 1)
        ) AS "t3"
        GROUP BY
          1,
          2,
          3
      ) AS "t4"
    ) AS "t6"
    INNER JOIN "in_memory_1" AS "t2"
      ON "t6"."day" = "t2"."day"
  ) AS "t7"
  GROUP BY
    1,
    2
) AS "t8"
GROUP BY
  1;
