SELECT
  "t0"."person_id",
  CAST(ROUND("t0"."spend_minor" / NULLIF("t0"."order_count", 0), 0) AS BIGINT) AS "aov_minor"
FROM "features" AS "t0";
