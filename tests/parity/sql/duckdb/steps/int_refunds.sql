SELECT
  "t3"."source",
  "t3"."order_id",
  "t3"."line_no",
  "t3"."part_no",
  "t3"."person_id",
  "t3"."occurred_at" AS "refunded_at",
  CAST("t3"."occurred_at" + CASE
    WHEN "t3"."occurred_at" >= MAKE_TIMESTAMPTZ(2024, 3, 31, 1, 0, 0.0, 'UTC')
    THEN INTERVAL '3600' SECOND
    WHEN "t3"."occurred_at" >= MAKE_TIMESTAMPTZ(2023, 10, 29, 1, 0, 0.0, 'UTC')
    THEN INTERVAL '0' SECOND
    ELSE INTERVAL '3600' SECOND
  END AS DATE) AS "day",
  "t3"."sku",
  COALESCE("t3"."category", "t6"."product_category", 'unknown') AS "category",
  CAST("t3"."units" / 10000 AS DECIMAL(18, 4)) AS "quantity",
  "t3"."part_minor" AS "amount_minor",
  "t3"."sale_source",
  "t3"."sale_order_id",
  "t3"."sale_line_no",
  CASE
    WHEN "t11"."o_excluded" IS NOT NULL
    THEN "t11"."o_channel"
    ELSE "t3"."channel"
  END AS "channel",
  CASE WHEN "t11"."o_excluded" IS NOT NULL THEN "t11"."o_store" ELSE "t3"."store" END AS "store",
  COALESCE(
    "t11"."o_excluded",
    COALESCE("t3"."order_type" IN ('brushing', 'sample', 'staff'), FALSE)
    OR COALESCE("t3"."channel" IN ('store'), FALSE)
    OR COALESCE("t3"."sku" IN ('z'), FALSE)
    OR COALESCE("t3"."person_id" IN (2), FALSE)
  ) AS "is_excluded"
FROM "refund_parts" AS "t3"
LEFT OUTER JOIN (
  SELECT
    "t1"."sku",
    "t1"."category" AS "product_category"
  FROM "dim_products" AS "t1"
) AS "t6"
  ON "t3"."sku" = "t6"."sku"
LEFT OUTER JOIN (
  SELECT
    "t4"."source" AS "o_source",
    "t4"."order_id" AS "o_order_id",
    "t4"."channel" AS "o_channel",
    "t4"."store" AS "o_store",
    "t4"."is_excluded" AS "o_excluded"
  FROM "order_sums" AS "t4"
  SEMI JOIN (
    SELECT DISTINCT
      "t7"."sale_source" AS "source",
      "t7"."sale_order_id" AS "order_id"
    FROM (
      SELECT
        "t3"."batch_id",
        "t3"."source",
        "t3"."order_id",
        "t3"."line_no",
        "t3"."kind",
        "t3"."person_id",
        "t3"."sku",
        "t3"."quantity",
        "t3"."amount_minor",
        "t3"."discount_minor",
        "t3"."status",
        "t3"."order_type",
        "t3"."occurred_at",
        "t3"."refund_of",
        "t3"."channel",
        "t3"."store",
        "t3"."month",
        "t3"."part_no",
        "t3"."units",
        "t3"."part_minor",
        "t3"."sale_source",
        "t3"."sale_order_id",
        "t3"."sale_line_no",
        COALESCE("t3"."category", "t6"."product_category", 'unknown') AS "category"
      FROM "refund_parts" AS "t3"
      LEFT OUTER JOIN (
        SELECT
          "t1"."sku",
          "t1"."category" AS "product_category"
        FROM "dim_products" AS "t1"
      ) AS "t6"
        ON "t3"."sku" = "t6"."sku"
    ) AS "t7"
    WHERE
      "t7"."sale_order_id" IS NOT NULL
  ) AS "t9"
    ON "t4"."source" = "t9"."source" AND "t4"."order_id" = "t9"."order_id"
) AS "t11"
  ON "t3"."sale_source" = "t11"."o_source"
  AND "t3"."sale_order_id" = "t11"."o_order_id";
