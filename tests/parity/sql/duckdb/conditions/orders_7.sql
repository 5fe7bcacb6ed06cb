SELECT
  "t7"."person_id"
FROM (
  SELECT
    "t3"."person_id",
    "t6"."person_id" AS "person_id_right",
    "t6"."leaf0_value"
  FROM (
    SELECT
      "t0"."person_id"
    FROM "feat_customers" AS "t0"
  ) AS "t3"
  LEFT OUTER JOIN (
    SELECT
      "t4"."person_id",
      COUNT(DISTINCT "t4"."source" || ' ' || "t4"."order_id") AS "leaf0_value"
    FROM (
      SELECT
        *
      FROM "order_lines" AS "t1"
      WHERE
        "t1"."person_id" IS NOT NULL
        AND "t1"."paid_at" < MAKE_TIMESTAMPTZ(2024, 3, 31, 23, 0, 0.0, 'UTC')
        AND "t1"."paid_at" >= MAKE_TIMESTAMPTZ(2024, 1, 1, 0, 0, 0.0, 'UTC')
        AND "t1"."store" IN ('s1')
        AND "t1"."list_price_minor" >= 10000
    ) AS "t4"
    GROUP BY
      1
  ) AS "t6"
    ON "t3"."person_id" = "t6"."person_id"
) AS "t7"
WHERE
  COALESCE("t7"."leaf0_value", 0) = 0;
