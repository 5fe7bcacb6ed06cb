SELECT
  "t0"."person_id",
  "t0"."paid_at",
  "t0"."day"
FROM "int_orders" AS "t0"
WHERE
  "t0"."is_purchase";
