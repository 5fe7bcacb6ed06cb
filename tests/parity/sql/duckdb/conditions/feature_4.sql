SELECT
  "t0"."person_id"
FROM "feat_customers" AS "t0"
WHERE
  "t0"."vip_layer" = TRUE;
