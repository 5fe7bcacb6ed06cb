SELECT
  "t6"."person_id",
  999999999 - (
    MAX((
      "t6"."orders" * 1000000000
    ) + (
      999999999 - "t6"."place"
    )) % 1000000000
  ) AS "top_category"
FROM (
  SELECT
    "t5"."person_id",
    "t5"."place",
    COUNT(*) AS "orders"
  FROM (
    SELECT
      "t4"."source",
      "t4"."order_id",
      "t4"."category",
      "t4"."person_id",
      "t4"."paid_at",
      "t4"."amount_minor",
      "t4"."wholly_refunded",
      "t4"."is_purchase",
      "t2"."place"
    FROM (
      SELECT
        *
      FROM "int_order_categories" AS "t0"
      WHERE
        "t0"."person_id" IS NOT NULL
        AND "t0"."is_purchase"
        AND "t0"."category" <> 'unknown'
    ) AS "t4"
    INNER JOIN "category_names" AS "t2"
      ON "t4"."category" = "t2"."category"
  ) AS "t5"
  GROUP BY
    1,
    2
) AS "t6"
GROUP BY
  1;
