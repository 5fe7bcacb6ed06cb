SELECT
  "t1"."person_id",
  SUM(CAST("t1"."at" >= MAKE_TIMESTAMPTZ(2023, 4, 2, 0, 0, 0.0, 'UTC') AS INT)) AS "orders_365d"
FROM (
  SELECT
    "t0"."person_id",
    CASE WHEN "t0"."is_purchase" THEN "t0"."paid_at" ELSE CAST(NULL AS TIMESTAMPTZ) END AS "at",
    CASE WHEN "t0"."is_purchase" THEN "t0"."amount_minor" ELSE CAST(NULL AS BIGINT) END AS "amount",
    CASE
      WHEN "t0"."is_purchase"
      THEN "t0"."refunded_minor"
      ELSE CAST(NULL AS BIGINT)
    END AS "refunded",
    CASE
      WHEN "t0"."is_purchase"
      THEN "t0"."discount_minor"
      ELSE CAST(NULL AS BIGINT)
    END AS "discount",
    "t0"."is_purchase" AND (
      "t0"."previous_paid_at" IS NOT NULL
    ) AS "is_repeat",
    (
      (
        (
          CAST(FLOOR(EPOCH(CAST(CAST("t0"."paid_at" AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
        ) + CAST(EXTRACT('MICROSECOND' FROM CAST("t0"."paid_at" AS TIMESTAMP)) % 1000000 AS BIGINT)
      ) - (
        (
          CAST(FLOOR(EPOCH(CAST(CAST("t0"."previous_paid_at" AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
        ) + CAST(EXTRACT('MICROSECOND' FROM CAST("t0"."previous_paid_at" AS TIMESTAMP)) % 1000000 AS BIGINT)
      )
    ) / 86400000000 AS "gap_days",
    "t0"."amount_minor" AS "ordered",
    "t0"."refunded_minor" AS "returned"
  FROM "int_orders" AS "t0"
  WHERE
    "t0"."person_id" IS NOT NULL AND NOT (
      "t0"."is_excluded"
    )
) AS "t1"
GROUP BY
  1;
