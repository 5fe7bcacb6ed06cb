SELECT
  "t13"."person_id"
FROM (
  SELECT
    "t6"."person_id",
    "t12"."leaf0_value"
  FROM (
    SELECT
      "t0"."person_id"
    FROM "feat_customers" AS "t0"
  ) AS "t6"
  INNER JOIN (
    SELECT
      "t10"."person_id",
      FIRST(
        CASE
          WHEN SUBSTRING(
            "t10"."properties" ->> '$.utm_source',
            CASE
              WHEN (
                0 + 1
              ) >= 1
              THEN 0 + 1
              ELSE 0 + 1 + LENGTH("t10"."properties" ->> '$.utm_source')
            END,
            1
          ) IN ('{', '[')
          THEN CAST(NULL AS TEXT)
          ELSE "t10"."properties" ->> '$.utm_source'
        END ORDER BY CAST((
          CAST(FLOOR(EPOCH(CAST(CAST("t10"."occurred_at" AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
        ) + CAST(EXTRACT('MICROSECOND' FROM CAST("t10"."occurred_at" AS TIMESTAMP)) % 1000000 AS BIGINT) + 100000000000000000 AS TEXT) || ' ' || "t10"."event_id" DESC
      ) AS "leaf0_value"
    FROM (
      SELECT
        *
      FROM (
        SELECT
          "t8"."batch_id",
          "t8"."event_id",
          "t8"."name",
          "t8"."kind",
          COALESCE("t8"."linked_customer", "t8"."person_id") AS "person_id",
          "t8"."occurred_at",
          "t8"."received_at",
          "t8"."source",
          "t8"."channel",
          "t8"."object_type",
          "t8"."object_id",
          "t8"."properties",
          "t8"."month"
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
      WHERE
        CASE
          WHEN "t9"."name" IN ('Page Viewed')
          THEN CASE
            WHEN SUBSTRING(
              "t9"."properties" ->> '$.utm_source',
              CASE
                WHEN (
                  0 + 1
                ) >= 1
                THEN 0 + 1
                ELSE 0 + 1 + LENGTH("t9"."properties" ->> '$.utm_source')
              END,
              1
            ) IN ('{', '[')
            THEN CAST(NULL AS TEXT)
            ELSE "t9"."properties" ->> '$.utm_source'
          END IS NOT NULL
          ELSE FALSE
        END
    ) AS "t10"
    GROUP BY
      1
  ) AS "t12"
    ON "t6"."person_id" = "t12"."person_id"
) AS "t13"
WHERE
  "t13"."leaf0_value" = 'wecom';
