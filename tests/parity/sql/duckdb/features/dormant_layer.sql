SELECT
  "t0"."person_id",
  CASE
    WHEN "t0"."days_since_last_order" >= 60
    THEN 'long_dormant'
    WHEN "t0"."days_since_last_order" >= 30
    THEN 'dormant'
    ELSE NULL
  END AS "dormant_layer"
FROM "features" AS "t0";
