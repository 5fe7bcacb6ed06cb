SELECT
  "t15"."person_id"
FROM (
  SELECT
    "t6"."person_id",
    "t14"."leaf0_count"
  FROM (
    SELECT
      "t0"."person_id"
    FROM "feat_customers" AS "t0"
  ) AS "t6"
  INNER JOIN (
    SELECT
      "t12"."person_id",
      "t12"."count" AS "leaf0_count"
    FROM (
      SELECT
        "t11"."person_id",
        COUNT(*) AS "count"
      FROM (
        SELECT
          *
        FROM (
          SELECT
            "t9"."person_id",
            "t9"."occurred_at",
            LAG("t9"."occurred_at", 1) OVER (
              PARTITION BY "t9"."person_id"
              ORDER BY "t9"."occurred_at" ASC
              ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) AS "before"
          FROM (
            SELECT
              COALESCE("t8"."linked_customer", "t8"."person_id") AS "person_id",
              "t8"."occurred_at"
            FROM (
              SELECT
                "t3"."batch_id",
                "t3"."event_id",
                "t3"."name",
                "t3"."kind",
                "t3"."person_id",
                "t3"."occurred_at",
                "t3"."received_at",
                "t3"."source",
                "t3"."channel",
                "t3"."object_type",
                "t3"."object_id",
                "t3"."properties",
                "t3"."month",
                "t7"."linked_person",
                "t7"."linked_customer"
              FROM "fct_events" AS "t3"
              LEFT OUTER JOIN (
                SELECT
                  "t2"."person_id" AS "linked_person",
                  "t2"."customer_id" AS "linked_customer"
                FROM "dim_person_links" AS "t2"
              ) AS "t7"
                ON "t3"."person_id" = "t7"."linked_person"
            ) AS "t8"
            WHERE
              "t8"."occurred_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
              AND COALESCE("t8"."linked_customer", "t8"."person_id") IS NOT NULL
              AND (
                (
                  "t8"."kind" IS NULL
                ) OR "t8"."kind" IN ('track', 'page', 'screen')
              )
              AND "t8"."name" IN ('Page Viewed')
          ) AS "t9"
        ) AS "t10"
        WHERE
          "t10"."before" <= (
            "t10"."occurred_at" - INTERVAL '60' DAY
          )
          AND "t10"."occurred_at" >= MAKE_TIMESTAMPTZ(2024, 3, 25, 0, 0, 0.0, 'UTC')
      ) AS "t11"
      GROUP BY
        1
    ) AS "t12"
  ) AS "t14"
    ON "t6"."person_id" = "t14"."person_id"
) AS "t15"
WHERE
  COALESCE("t15"."leaf0_count", 0) > 0;
