SELECT
  "t0"."person_id"
FROM "feat_customers" AS "t0"
WHERE
  "t0"."last_order_at" < MAKE_TIMESTAMPTZ(2024, 2, 16, 0, 0, 0.0, 'UTC');
