SELECT
  *
FROM (
  SELECT
    "t3"."dim0",
    "t3"."person_id",
    "t3"."paid_at",
    "t3"."day"
  FROM (
    SELECT
      "t2"."dim0",
      "t2"."person_id",
      "t2"."day",
      MIN("t2"."paid_at") AS "paid_at"
    FROM (
      SELECT
        "t0"."source",
        "t0"."order_id",
        "t0"."person_id",
        "t0"."paid_at",
        "t0"."day",
        "t0"."channel",
        "t0"."store",
        "t0"."amount_minor",
        "t0"."discount_minor",
        "t0"."refunded_minor",
        "t0"."is_excluded",
        "t0"."is_purchase",
        "t0"."purchase_no",
        "t0"."previous_paid_at",
        COALESCE("t0"."channel", 'unknown') AS "dim0"
      FROM "int_orders" AS "t0"
      WHERE
        "t0"."is_purchase" AND "t0"."person_id" IS NOT NULL
    ) AS "t2"
    GROUP BY
      1,
      2,
      3
  ) AS "t3"
) AS "t4"
UNION ALL
SELECT
  *
FROM (
  SELECT
    COALESCE("t0"."channel", 'unknown') AS "dim0",
    "t0"."person_id",
    "t0"."paid_at",
    "t0"."day"
  FROM "int_orders" AS "t0"
  WHERE
    "t0"."is_purchase" AND "t0"."person_id" IS NULL
) AS "t1";
