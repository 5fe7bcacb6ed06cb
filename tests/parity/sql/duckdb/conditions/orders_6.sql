SELECT
  "t7"."person_id"
FROM (
  SELECT
    "t3"."person_id",
    "t6"."leaf0_value"
  FROM (
    SELECT
      "t0"."person_id"
    FROM "feat_customers" AS "t0"
  ) AS "t3"
  INNER JOIN (
    SELECT
      "t4"."person_id",
      FIRST(
        "t4"."paid_at" ORDER BY CAST((
          CAST(FLOOR(EPOCH(CAST(CAST("t4"."paid_at" AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
        ) + CAST(EXTRACT('MICROSECOND' FROM CAST("t4"."paid_at" AS TIMESTAMP)) % 1000000 AS BIGINT) + 100000000000000000 AS TEXT) || ' ' || "t4"."source" || ' ' || "t4"."order_id"
      ) AS "leaf0_value"
    FROM (
      SELECT
        *
      FROM "int_orders" AS "t1"
      WHERE
        "t1"."person_id" IS NOT NULL
        AND "t1"."paid_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
        AND "t1"."is_purchase"
        AND "t1"."paid_at" IS NOT NULL
    ) AS "t4"
    GROUP BY
      1
  ) AS "t6"
    ON "t3"."person_id" = "t6"."person_id"
) AS "t7"
WHERE
  "t7"."leaf0_value" >= MAKE_TIMESTAMPTZ(2024, 3, 2, 0, 0, 0.0, 'UTC')
  AND "t7"."leaf0_value" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC');
