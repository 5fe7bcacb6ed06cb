SELECT
  "t18"."source",
  "t18"."order_id",
  "t18"."line_no",
  "t18"."sku",
  "t18"."category",
  "t18"."amount_minor",
  COALESCE(
    (
      "t18"."quantity" > 0
    )
    AND (
      "t13"."units_back" >= CAST(CAST(ROUND("t18"."quantity" * 10000, 0) AS DECIMAL(18, 0)) AS BIGINT)
    ),
    FALSE
  )
  OR COALESCE("t13"."money_only" AND (
    "t13"."minor_back" >= "t18"."amount_minor"
  ), FALSE) AS "is_gone"
FROM (
  SELECT
    "t16"."batch_id",
    "t16"."source",
    "t16"."order_id",
    "t16"."line_no",
    "t16"."kind",
    "t16"."person_id",
    "t16"."sku",
    "t16"."category",
    "t16"."quantity",
    "t16"."amount_minor",
    "t16"."discount_minor",
    "t16"."status",
    "t16"."order_type",
    "t16"."occurred_at",
    "t16"."refund_of",
    "t16"."channel",
    "t16"."store",
    "t16"."month"
  FROM (
    SELECT
      "t15"."batch_id",
      "t15"."source",
      "t15"."order_id",
      "t15"."line_no",
      "t15"."kind",
      "t15"."person_id",
      "t15"."sku",
      "t15"."category",
      "t15"."quantity",
      "t15"."amount_minor",
      "t15"."discount_minor",
      "t15"."status",
      "t15"."order_type",
      "t15"."occurred_at",
      "t15"."refund_of",
      "t15"."channel",
      "t15"."store",
      "t15"."month",
      "t4"."source" AS "source_right",
      "t4"."order_id" AS "order_id_right",
      "t4"."newest"
    FROM (
      SELECT
        "t12"."batch_id",
        "t12"."source",
        "t12"."order_id",
        "t12"."line_no",
        "t12"."kind",
        COALESCE("t12"."linked_customer", "t12"."person_id") AS "person_id",
        "t12"."sku",
        "t12"."category",
        "t12"."quantity",
        "t12"."amount_minor",
        "t12"."discount_minor",
        "t12"."status",
        "t12"."order_type",
        "t12"."occurred_at",
        "t12"."refund_of",
        "t12"."channel",
        "t12"."store",
        "t12"."month"
      FROM (
        SELECT
          "t5"."batch_id",
          "t5"."source",
          "t5"."order_id",
          "t5"."line_no",
          "t5"."kind",
          "t5"."person_id",
          "t5"."sku",
          "t5"."category",
          "t5"."quantity",
          "t5"."amount_minor",
          "t5"."discount_minor",
          "t5"."status",
          "t5"."order_type",
          "t5"."occurred_at",
          "t5"."refund_of",
          "t5"."channel",
          "t5"."store",
          "t5"."month",
          "t9"."linked_person",
          "t9"."linked_customer"
        FROM "fct_order_lines" AS "t5"
        LEFT OUTER JOIN (
          SELECT
            "t3"."person_id" AS "linked_person",
            "t3"."customer_id" AS "linked_customer"
          FROM "dim_person_links" AS "t3"
        ) AS "t9"
          ON "t5"."person_id" = "t9"."linked_person"
      ) AS "t12"
    ) AS "t15"
    LEFT OUTER JOIN "replaced_orders" AS "t4"
      ON "t15"."source" = "t4"."source" AND "t15"."order_id" = "t4"."order_id"
  ) AS "t16"
  WHERE
    (
      (
        "t16"."newest" IS NULL
      ) OR (
        "t16"."batch_id" = "t16"."newest"
      )
    )
    AND "t16"."occurred_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
    AND NOT (
      "t16"."status" IN ('unpaid', 'cancelled')
    )
    AND "t16"."kind" = 'sale'
) AS "t18"
SEMI JOIN (
  SELECT DISTINCT
    "t0"."sale_source" AS "source",
    "t0"."sale_order_id" AS "order_id"
  FROM "refund_parts" AS "t0"
  WHERE
    "t0"."sale_order_id" IS NOT NULL
) AS "t10"
  ON "t18"."source" = "t10"."source" AND "t18"."order_id" = "t10"."order_id"
LEFT OUTER JOIN (
  SELECT
    "t8"."sale_source",
    "t8"."sale_order_id",
    "t8"."sale_line_no",
    SUM("t8"."units") AS "units_back",
    SUM("t8"."part_minor") AS "minor_back",
    BOOL_OR(CAST("t8"."units" = 0 AS BOOLEAN)) AS "money_only"
  FROM (
    SELECT
      *
    FROM "refund_parts" AS "t0"
    WHERE
      "t0"."sale_order_id" IS NOT NULL AND "t0"."sale_line_no" IS NOT NULL
  ) AS "t8"
  GROUP BY
    1,
    2,
    3
) AS "t13"
  ON "t18"."source" = "t13"."sale_source"
  AND "t18"."order_id" = "t13"."sale_order_id"
  AND "t18"."line_no" = "t13"."sale_line_no";
