SELECT
  "t5"."source",
  "t5"."order_id",
  "t4"."person_id",
  "t4"."day",
  "t4"."paid_at",
  "t5"."item"
FROM (
  SELECT
    "t0"."source",
    "t0"."order_id",
    "t0"."category" AS "item"
  FROM "int_order_categories" AS "t0"
  WHERE
    "t0"."is_purchase" AND "t0"."category" <> 'unknown'
) AS "t5"
INNER JOIN (
  SELECT
    "t1"."source",
    "t1"."order_id",
    "t1"."person_id",
    "t1"."day",
    "t1"."paid_at"
  FROM "int_orders" AS "t1"
  WHERE
    "t1"."is_purchase"
) AS "t4"
  ON "t5"."source" = "t4"."source" AND "t5"."order_id" = "t4"."order_id";
