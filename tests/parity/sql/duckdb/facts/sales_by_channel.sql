SELECT
  COALESCE("t0"."channel", 'unknown') AS "dim0",
  "t0"."source",
  "t0"."order_id",
  "t0"."person_id",
  "t0"."paid_at",
  "t0"."day",
  "t0"."amount_minor"
FROM "int_orders" AS "t0"
WHERE
  NOT (
    "t0"."is_excluded"
  );
