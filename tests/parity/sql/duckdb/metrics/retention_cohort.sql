SELECT
  "t16"."period",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 0), 0) AS "after_0",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 1), 0) AS "after_1",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 2), 0) AS "after_2",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 3), 0) AS "after_3",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 4), 0) AS "after_4",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 5), 0) AS "after_5",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 6), 0) AS "after_6",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 7), 0) AS "after_7",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 8), 0) AS "after_8",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 9), 0) AS "after_9",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 10), 0) AS "after_10",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 11), 0) AS "after_11",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 12), 0) AS "after_12",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 13), 0) AS "after_13",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 14), 0) AS "after_14",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 15), 0) AS "after_15",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 16), 0) AS "after_16",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 17), 0) AS "after_17",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 18), 0) AS "after_18",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 19), 0) AS "after_19",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 20), 0) AS "after_20",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 21), 0) AS "after_21",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 22), 0) AS "after_22",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 23), 0) AS "after_23",
  COALESCE(SUM("t16"."people") FILTER(WHERE
    "t16"."after" = 24), 0) AS "after_24"
FROM (
  SELECT
    "t15"."period",
    "t15"."after",
    COUNT(*) AS "people"
  FROM (
    SELECT
      "t14"."person_id",
      "t14"."period",
      "t14"."active_period",
      "t14"."active_period" - "t14"."period" AS "after"
    FROM (
      SELECT
        "t7"."person_id",
        "t4"."period",
        "t13"."active_period"
      FROM (
        SELECT
          "t0"."person_id",
          "t0"."first_at",
          "t0"."first_purchase_day" AS "day"
        FROM "first_purchases" AS "t0"
      ) AS "t7"
      INNER JOIN "in_memory_1" AS "t4"
        ON "t7"."day" = "t4"."day"
      INNER JOIN (
        SELECT DISTINCT
          *
        FROM (
          SELECT
            "t10"."person_id",
            "t9"."active_period"
          FROM (
            SELECT
              *
            FROM "purchases" AS "t2"
            WHERE
              "t2"."person_id" IS NOT NULL
          ) AS "t10"
          INNER JOIN (
            SELECT
              "t3"."day",
              "t3"."period" AS "active_period"
            FROM "in_memory_2" AS "t3"
          ) AS "t9"
            ON "t10"."day" = "t9"."day"
        ) AS "t11"
      ) AS "t13"
        ON "t7"."person_id" = "t13"."person_id"
    ) AS "t14"
  ) AS "t15"
  GROUP BY
    1,
    2
) AS "t16"
GROUP BY
  1;
