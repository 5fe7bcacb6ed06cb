SELECT
  "t12"."period",
  SUM(CAST("t12"."seen" = 0 AS BIGINT)) AS "numerator",
  COUNT(*) AS "denominator"
FROM (
  SELECT
    "t11"."period",
    "t11"."person_id",
    MIN("t11"."bought_on") AS "bought_on",
    MAX(
      CAST(COALESCE(
        (
          "t11"."active_on" > "t11"."bought_on"
        )
        AND (
          "t11"."active_on" <= (
            "t11"."bought_on" + INTERVAL '30' DAY
          )
        ),
        FALSE
      ) AS BIGINT)
    ) AS "seen"
  FROM (
    SELECT
      "t10"."period",
      "t10"."person_id",
      "t10"."bought_on",
      "t5"."active_person",
      "t5"."active_on"
    FROM (
      SELECT
        "t8"."period",
        "t8"."person_id",
        MIN("t8"."day") AS "bought_on"
      FROM (
        SELECT
          "t7"."person_id",
          "t7"."paid_at",
          "t7"."day",
          "t3"."period"
        FROM (
          SELECT
            *
          FROM "purchases" AS "t1"
          WHERE
            "t1"."person_id" IS NOT NULL
        ) AS "t7"
        INNER JOIN "in_memory_1" AS "t3"
          ON "t7"."day" = "t3"."day"
      ) AS "t8"
      GROUP BY
        1,
        2
    ) AS "t10"
    LEFT OUTER JOIN (
      SELECT DISTINCT
        "t0"."person_id" AS "active_person",
        "t0"."day" AS "active_on"
      FROM "interactions" AS "t0"
    ) AS "t5"
      ON "t10"."person_id" = "t5"."active_person"
  ) AS "t11"
  GROUP BY
    1,
    2
) AS "t12"
GROUP BY
  1;
