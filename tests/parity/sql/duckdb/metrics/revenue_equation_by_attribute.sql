SELECT
  "t34"."period",
  "t34"."is_previous",
  "t34"."dim0",
  SUM("t34"."buyers") AS "buyers",
  SUM("t34"."orders") AS "orders",
  SUM("t34"."repeat_buyers") AS "repeat_buyers",
  SUM("t34"."known_revenue") AS "known_revenue",
  SUM("t34"."anonymous_revenue") AS "anonymous_revenue",
  SUM("t34"."traffic") AS "traffic"
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t32"."period",
      "t32"."is_previous",
      "t32"."dim0",
      0 AS "buyers",
      0 AS "orders",
      0 AS "repeat_buyers",
      0 AS "known_revenue",
      0 AS "anonymous_revenue",
      "t32"."traffic"
    FROM (
      SELECT
        "t31"."period",
        "t31"."is_previous",
        "t31"."dim0",
        COUNT(*) AS "traffic"
      FROM (
        SELECT DISTINCT
          *
        FROM (
          SELECT
            "t6"."period",
            "t6"."is_previous",
            "t26"."dim0",
            "t26"."person_id"
          FROM (
            SELECT
              "t22"."dim0",
              "t22"."person_id",
              "t22"."day"
            FROM (
              SELECT
                "t21".*
                EXCLUDE ("attribute_person", "attribute_value")
              FROM (
                SELECT
                  "t18"."person_id",
                  "t18"."day",
                  "t18"."name",
                  "t18"."events",
                  "t18"."first_at",
                  "t18"."last_at",
                  "t18"."attribute_person",
                  "t18"."attribute_value",
                  COALESCE("t18"."attribute_value", 'unknown') AS "dim0"
                FROM (
                  SELECT
                    "t13"."person_id",
                    "t13"."day",
                    "t13"."name",
                    "t13"."events",
                    "t13"."first_at",
                    "t13"."last_at",
                    "t14"."attribute_person",
                    "t14"."attribute_value"
                  FROM (
                    SELECT
                      *
                    FROM "person_days_until" AS "t4"
                    WHERE
                      "t4"."name" IN (
                        'Page Viewed',
                        'Screen Viewed',
                        'Application Opened',
                        'Product List Viewed',
                        'Product Viewed'
                      )
                  ) AS "t13"
                  LEFT OUTER JOIN (
                    SELECT
                      "t5"."person_id" AS "attribute_person",
                      "t5"."value" AS "attribute_value"
                    FROM "dim_person_attributes" AS "t5"
                    WHERE
                      "t5"."attribute" = 'city'
                  ) AS "t14"
                    ON "t13"."person_id" = "t14"."attribute_person"
                ) AS "t18"
              ) AS "t21"
            ) AS "t22"
          ) AS "t26"
          INNER JOIN "in_memory_1" AS "t6"
            ON "t26"."day" = "t6"."day"
        ) AS "t30"
      ) AS "t31"
      GROUP BY
        1,
        2,
        3
    ) AS "t32"
  ) AS "t33"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t23"."period",
        "t23"."is_previous",
        "t23"."dim0",
        "t23"."buyers",
        "t23"."orders",
        "t23"."repeat_buyers",
        0 AS "known_revenue",
        0 AS "anonymous_revenue",
        0 AS "traffic"
      FROM (
        SELECT
          "t20"."period",
          "t20"."is_previous",
          "t20"."dim0",
          COUNT(*) AS "buyers",
          SUM("t20"."purchases") AS "orders",
          SUM(CAST("t20"."purchases" >= 2 AS INT)) AS "repeat_buyers"
        FROM (
          SELECT
            "t17"."period",
            "t17"."is_previous",
            "t17"."dim0",
            "t17"."person_id",
            COUNT(*) AS "purchases"
          FROM (
            SELECT
              *
            FROM (
              SELECT
                "t7"."dim0",
                "t7"."person_id",
                "t7"."paid_at",
                "t7"."day",
                "t6"."period",
                "t6"."is_previous"
              FROM "purchases" AS "t7"
              INNER JOIN "in_memory_1" AS "t6"
                ON "t7"."day" = "t6"."day"
            ) AS "t15"
            WHERE
              "t15"."person_id" IS NOT NULL
          ) AS "t17"
          GROUP BY
            1,
            2,
            3,
            4
        ) AS "t20"
        GROUP BY
          1,
          2,
          3
      ) AS "t23"
    ) AS "t27"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t24"."period",
        "t24"."is_previous",
        "t24"."dim0",
        0 AS "buyers",
        0 AS "orders",
        0 AS "repeat_buyers",
        "t24"."known_revenue",
        "t24"."anonymous_revenue",
        0 AS "traffic"
      FROM (
        SELECT
          "t19"."period",
          "t19"."is_previous",
          "t19"."dim0",
          COALESCE(SUM("t19"."amount_minor") FILTER(WHERE
            "t19"."person_id" IS NOT NULL), 0) AS "known_revenue",
          COALESCE(SUM("t19"."amount_minor") FILTER(WHERE
            "t19"."person_id" IS NULL), 0) AS "anonymous_revenue"
        FROM (
          SELECT
            "t16"."dim0",
            "t16"."person_id",
            "t16"."day",
            "t16"."amount_minor",
            "t6"."period",
            "t6"."is_previous"
          FROM (
            SELECT
              *
            FROM (
              SELECT
                "t2"."dim0",
                "t2"."person_id",
                "t2"."day",
                "t2"."amount_minor"
              FROM "sales" AS "t2"
            ) AS "t8"
            UNION ALL
            SELECT
              *
            FROM (
              SELECT
                "t3"."dim0",
                "t3"."person_id",
                "t3"."day",
                -(
                  "t3"."amount_minor"
                ) AS "amount_minor"
              FROM "money_back" AS "t3"
            ) AS "t9"
          ) AS "t16"
          INNER JOIN "in_memory_1" AS "t6"
            ON "t16"."day" = "t6"."day"
        ) AS "t19"
        GROUP BY
          1,
          2,
          3
      ) AS "t24"
    ) AS "t28"
  ) AS "t29"
) AS "t34"
GROUP BY
  1,
  2,
  3;
