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
      COUNT(*) AS "leaf0_value"
    FROM (
      SELECT
        *
      FROM "int_orders" AS "t1"
      WHERE
        "t1"."person_id" IS NOT NULL
        AND "t1"."paid_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
        AND "t1"."is_purchase"
        AND "t1"."paid_at" >= MAKE_TIMESTAMPTZ(2024, 1, 2, 0, 0, 0.0, 'UTC')
    ) AS "t4"
    GROUP BY
      1
  ) AS "t6"
    ON "t3"."person_id" = "t6"."person_id"
) AS "t7"
WHERE
  COALESCE("t7"."leaf0_value", 0) >= 2;
