SELECT
  "t11"."period",
  "t11"."dim0",
  SUM("t11"."clicked") AS "clicked",
  SUM("t11"."bought") AS "bought",
  COUNT(*) AS "reached"
FROM (
  SELECT
    "t10"."period",
    "t10"."dim0",
    "t10"."person_id",
    MAX(CAST("t10"."is_clicked" AS BIGINT)) AS "clicked",
    MAX(
      CAST(COALESCE(
        (
          "t10"."bought_at" > "t10"."reached_at"
        )
        AND (
          "t10"."bought_at" <= (
            "t10"."reached_at" + INTERVAL '168' HOUR
          )
        ),
        FALSE
      ) AS BIGINT)
    ) AS "bought"
  FROM (
    SELECT
      "t9"."dim0",
      "t9"."person_id",
      "t9"."day",
      "t9"."reached_at",
      "t9"."is_reached",
      "t9"."is_in_time",
      "t9"."is_clicked",
      "t9"."period",
      "t6"."buyer",
      "t6"."bought_at"
    FROM (
      SELECT
        *
      FROM (
        SELECT
          "t3"."dim0",
          "t3"."person_id",
          "t3"."day",
          "t3"."reached_at",
          "t3"."is_reached",
          "t3"."is_in_time",
          "t3"."is_clicked",
          "t4"."period"
        FROM "touches" AS "t3"
        INNER JOIN "in_memory_1" AS "t4"
          ON "t3"."day" = "t4"."day"
      ) AS "t7"
      WHERE
        "t7"."is_reached"
    ) AS "t9"
    LEFT OUTER JOIN (
      SELECT
        "t0"."person_id" AS "buyer",
        "t0"."paid_at" AS "bought_at"
      FROM "purchases" AS "t0"
      WHERE
        "t0"."person_id" IS NOT NULL
    ) AS "t6"
      ON "t9"."person_id" = "t6"."buyer"
  ) AS "t10"
  GROUP BY
    1,
    2,
    3
) AS "t11"
GROUP BY
  1,
  2;
