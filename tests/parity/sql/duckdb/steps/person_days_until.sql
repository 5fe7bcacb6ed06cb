SELECT
  *
FROM (
  SELECT
    "t0"."person_id",
    "t0"."day",
    "t0"."name",
    "t0"."events",
    "t0"."first_at",
    "t0"."last_at"
  FROM "int_person_days" AS "t0"
  WHERE
    "t0"."day" < MAKE_DATE(2024, 4, 1)
    AND NOT (
      "t0"."day" IN (
        MAKE_DATE(2023, 10, 3),
        MAKE_DATE(2023, 10, 4),
        MAKE_DATE(2024, 1, 1),
        MAKE_DATE(2024, 1, 2),
        MAKE_DATE(2024, 3, 1),
        MAKE_DATE(2024, 3, 2),
        MAKE_DATE(2024, 3, 31),
        MAKE_DATE(2024, 4, 1)
      )
    )
) AS "t2"
UNION ALL
SELECT
  *
FROM (
  SELECT
    "t5"."person_id",
    "t5"."day",
    "t5"."name",
    "t5"."events",
    "t5"."first_at",
    "t5"."last_at"
  FROM (
    SELECT
      "t4"."person_id",
      "t4"."day",
      "t4"."name",
      "t4"."piece",
      COUNT(*) AS "events",
      MIN("t4"."occurred_at") AS "first_at",
      MAX("t4"."occurred_at") AS "last_at"
    FROM (
      SELECT
        "t3"."person_id",
        "t3"."name",
        "t3"."occurred_at",
        "t3"."day",
        0 + CAST("t3"."occurred_at" >= MAKE_TIMESTAMPTZ(2023, 10, 4, 0, 0, 0.0, 'UTC') AS BIGINT) + CAST("t3"."occurred_at" >= MAKE_TIMESTAMPTZ(2024, 1, 2, 0, 0, 0.0, 'UTC') AS BIGINT) + CAST("t3"."occurred_at" >= MAKE_TIMESTAMPTZ(2024, 3, 2, 0, 0, 0.0, 'UTC') AS BIGINT) AS "piece"
      FROM (
        SELECT
          "t1"."person_id",
          "t1"."name",
          "t1"."occurred_at",
          CAST("t1"."occurred_at" + CASE
            WHEN "t1"."occurred_at" >= MAKE_TIMESTAMPTZ(2024, 3, 31, 1, 0, 0.0, 'UTC')
            THEN INTERVAL '3600' SECOND
            WHEN "t1"."occurred_at" >= MAKE_TIMESTAMPTZ(2023, 10, 29, 1, 0, 0.0, 'UTC')
            THEN INTERVAL '0' SECOND
            ELSE INTERVAL '3600' SECOND
          END AS DATE) AS "day"
        FROM "fct_events" AS "t1"
        WHERE
          "t1"."person_id" IS NOT NULL
          AND (
            (
              "t1"."kind" IS NULL
            ) OR "t1"."kind" IN ('track', 'page', 'screen')
          )
          AND "t1"."month" IN ('2023-10', '2023-12', '2024-01', '2024-02', '2024-03', '2024-04')
          AND "t1"."occurred_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
      ) AS "t3"
      WHERE
        "t3"."day" IN (
          MAKE_DATE(2023, 10, 3),
          MAKE_DATE(2023, 10, 4),
          MAKE_DATE(2024, 1, 1),
          MAKE_DATE(2024, 1, 2),
          MAKE_DATE(2024, 3, 1),
          MAKE_DATE(2024, 3, 2),
          MAKE_DATE(2024, 3, 31),
          MAKE_DATE(2024, 4, 1)
        )
    ) AS "t4"
    GROUP BY
      1,
      2,
      3,
      4
  ) AS "t5"
) AS "t6";
