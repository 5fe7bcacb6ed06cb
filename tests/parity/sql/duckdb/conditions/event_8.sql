WITH "t8" AS (
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
), "t18" AS (
  SELECT
    "t13"."person_id",
    "t13"."occurred_at"
  FROM (
    SELECT
      COALESCE("t9"."linked_customer", "t9"."person_id") AS "person_id",
      "t9"."occurred_at"
    FROM "t8" AS "t9"
    WHERE
      "t9"."occurred_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
      AND COALESCE("t9"."linked_customer", "t9"."person_id") IS NOT NULL
      AND (
        (
          "t9"."kind" IS NULL
        ) OR "t9"."kind" IN ('track', 'page', 'screen')
      )
      AND "t9"."month" >= '2024-01'
      AND "t9"."occurred_at" >= MAKE_TIMESTAMPTZ(2024, 1, 2, 0, 0, 0.0, 'UTC')
      AND "t9"."name" IN ('Product Added')
  ) AS "t13"
  SEMI JOIN (
    SELECT
      COALESCE("t9"."linked_customer", "t9"."person_id") AS "person_id",
      "t9"."occurred_at"
    FROM "t8" AS "t9"
    WHERE
      "t9"."occurred_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
      AND COALESCE("t9"."linked_customer", "t9"."person_id") IS NOT NULL
      AND (
        (
          "t9"."kind" IS NULL
        ) OR "t9"."kind" IN ('track', 'page', 'screen')
      )
      AND "t9"."month" >= '2024-01'
      AND "t9"."occurred_at" >= MAKE_TIMESTAMPTZ(2024, 1, 2, 0, 0, 0.0, 'UTC')
      AND "t9"."name" IN ('Order Completed')
  ) AS "t14"
    ON "t13"."person_id" = "t14"."person_id"
), "t25" AS (
  SELECT
    "t24"."person_id",
    "t24"."stretch",
    MIN("t24"."occurred_at") AS "first_at",
    MAX("t24"."occurred_at") AS "last_at"
  FROM (
    SELECT
      "t21"."person_id",
      "t21"."occurred_at",
      CAST(FLOOR(EPOCH(CAST(CAST("t21"."occurred_at" AS TIMESTAMP) AS TIMESTAMP)) / 86400) AS BIGINT) AS "stretch"
    FROM (
      SELECT
        "t15"."person_id",
        "t15"."occurred_at"
      FROM (
        SELECT
          COALESCE("t9"."linked_customer", "t9"."person_id") AS "person_id",
          "t9"."occurred_at"
        FROM "t8" AS "t9"
        WHERE
          "t9"."occurred_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
          AND COALESCE("t9"."linked_customer", "t9"."person_id") IS NOT NULL
          AND (
            (
              "t9"."kind" IS NULL
            ) OR "t9"."kind" IN ('track', 'page', 'screen')
          )
          AND "t9"."month" >= '2024-01'
          AND "t9"."occurred_at" >= MAKE_TIMESTAMPTZ(2024, 1, 2, 0, 0, 0.0, 'UTC')
          AND "t9"."name" IN ('Product Viewed')
      ) AS "t15"
      SEMI JOIN "t18" AS "t20"
        ON "t15"."person_id" = "t20"."person_id"
    ) AS "t21"
  ) AS "t24"
  GROUP BY
    1,
    2
), "t33" AS (
  SELECT
    "t32"."person_id",
    "t32"."stretch",
    MIN("t32"."occurred_at") AS "first_at",
    MAX("t32"."occurred_at") AS "last_at"
  FROM (
    SELECT
      "t31"."person_id",
      "t31"."occurred_at",
      CAST(FLOOR(EPOCH(CAST(CAST("t31"."occurred_at" AS TIMESTAMP) AS TIMESTAMP)) / 259200) AS BIGINT) AS "stretch"
    FROM (
      SELECT
        "t23"."person_id",
        "t23"."occurred_at",
        "t23"."stretch",
        "t29"."person_id" AS "person_id_same",
        "t29"."stretch" AS "stretch_same",
        "t29"."first_at",
        "t30"."person_id" AS "person_id_before",
        "t30"."last_at",
        "t30"."stretch" AS "stretch_before"
      FROM (
        SELECT
          "t19"."person_id",
          "t19"."occurred_at",
          CAST(FLOOR(EPOCH(CAST(CAST("t19"."occurred_at" AS TIMESTAMP) AS TIMESTAMP)) / 86400) AS BIGINT) AS "stretch"
        FROM "t18" AS "t19"
      ) AS "t23"
      LEFT OUTER JOIN (
        SELECT
          "t26"."person_id",
          "t26"."stretch",
          "t26"."first_at"
        FROM "t25" AS "t26"
      ) AS "t29"
        ON "t23"."person_id" = "t29"."person_id" AND "t23"."stretch" = "t29"."stretch"
      LEFT OUTER JOIN (
        SELECT
          "t26"."person_id",
          "t26"."last_at",
          "t26"."stretch" + 1 AS "stretch"
        FROM "t25" AS "t26"
      ) AS "t30"
        ON "t23"."person_id" = "t30"."person_id" AND "t23"."stretch" = "t30"."stretch"
    ) AS "t31"
    WHERE
      COALESCE("t31"."first_at" < "t31"."occurred_at", FALSE)
      OR COALESCE("t31"."last_at" >= (
        "t31"."occurred_at" - INTERVAL '24' HOUR
      ), FALSE)
  ) AS "t32"
  GROUP BY
    1,
    2
)
SELECT
  "t44"."person_id"
FROM (
  SELECT
    "t6"."person_id",
    "t43"."leaf0_count"
  FROM (
    SELECT
      "t0"."person_id"
    FROM "feat_customers" AS "t0"
  ) AS "t6"
  INNER JOIN (
    SELECT
      "t41"."person_id",
      "t41"."count" AS "leaf0_count"
    FROM (
      SELECT
        "t40"."person_id",
        COUNT(*) AS "count"
      FROM (
        SELECT
          "t39"."person_id",
          "t39"."occurred_at"
        FROM (
          SELECT
            "t17"."person_id",
            "t17"."occurred_at",
            "t17"."stretch",
            "t37"."person_id" AS "person_id_same",
            "t37"."stretch" AS "stretch_same",
            "t37"."first_at",
            "t38"."person_id" AS "person_id_before",
            "t38"."last_at",
            "t38"."stretch" AS "stretch_before"
          FROM (
            SELECT
              COALESCE("t9"."linked_customer", "t9"."person_id") AS "person_id",
              "t9"."occurred_at",
              CAST(FLOOR(EPOCH(CAST(CAST("t9"."occurred_at" AS TIMESTAMP) AS TIMESTAMP)) / 259200) AS BIGINT) AS "stretch"
            FROM "t8" AS "t9"
            WHERE
              "t9"."occurred_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
              AND COALESCE("t9"."linked_customer", "t9"."person_id") IS NOT NULL
              AND (
                (
                  "t9"."kind" IS NULL
                ) OR "t9"."kind" IN ('track', 'page', 'screen')
              )
              AND "t9"."month" >= '2024-01'
              AND "t9"."occurred_at" >= MAKE_TIMESTAMPTZ(2024, 1, 2, 0, 0, 0.0, 'UTC')
              AND "t9"."name" IN ('Order Completed')
          ) AS "t17"
          LEFT OUTER JOIN (
            SELECT
              "t34"."person_id",
              "t34"."stretch",
              "t34"."first_at"
            FROM "t33" AS "t34"
          ) AS "t37"
            ON "t17"."person_id" = "t37"."person_id" AND "t17"."stretch" = "t37"."stretch"
          LEFT OUTER JOIN (
            SELECT
              "t34"."person_id",
              "t34"."last_at",
              "t34"."stretch" + 1 AS "stretch"
            FROM "t33" AS "t34"
          ) AS "t38"
            ON "t17"."person_id" = "t38"."person_id" AND "t17"."stretch" = "t38"."stretch"
        ) AS "t39"
        WHERE
          COALESCE("t39"."first_at" < "t39"."occurred_at", FALSE)
          OR COALESCE("t39"."last_at" >= (
            "t39"."occurred_at" - INTERVAL '72' HOUR
          ), FALSE)
      ) AS "t40"
      GROUP BY
        1
    ) AS "t41"
  ) AS "t43"
    ON "t6"."person_id" = "t43"."person_id"
) AS "t44"
WHERE
  COALESCE("t44"."leaf0_count", 0) > 0;
