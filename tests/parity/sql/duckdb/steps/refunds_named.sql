SELECT
  "t10"."r_source",
  "t10"."r_order_id",
  "t10"."r_line_no",
  "t10"."s_source",
  "t10"."s_order_id",
  "t10"."s_line_no",
  "t10"."sold_at",
  LEAST("t10"."b", "t10"."d") - GREATEST("t10"."a", "t10"."c") AS "units",
  1 AS "step"
FROM (
  SELECT
    "t8"."r_source",
    "t8"."r_order_id",
    "t8"."r_line_no",
    "t8"."named",
    "t8"."sku",
    "t8"."a",
    "t8"."b",
    "t9"."s_source",
    "t9"."s_order_id",
    "t9"."s_line_no",
    "t9"."s_sku",
    "t9"."sold_at",
    "t9"."c",
    "t9"."d"
  FROM (
    SELECT
      "t4"."source" AS "r_source",
      "t4"."order_id" AS "r_order_id",
      "t4"."line_no" AS "r_line_no",
      "t4"."refund_of" AS "named",
      "t4"."sku",
      "t4"."high" - "t4"."units" AS "a",
      "t4"."high" AS "b"
    FROM (
      SELECT
        "t2"."batch_id",
        "t2"."source",
        "t2"."order_id",
        "t2"."line_no",
        "t2"."kind",
        "t2"."person_id",
        "t2"."sku",
        "t2"."category",
        "t2"."quantity",
        "t2"."amount_minor",
        "t2"."discount_minor",
        "t2"."status",
        "t2"."order_type",
        "t2"."occurred_at",
        "t2"."refund_of",
        "t2"."channel",
        "t2"."store",
        "t2"."month",
        "t2"."units",
        SUM("t2"."units") OVER (
          PARTITION BY "t2"."source", "t2"."refund_of", "t2"."sku"
          ORDER BY "t2"."occurred_at" ASC, "t2"."order_id" ASC, "t2"."line_no" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS "high"
      FROM (
        SELECT
          *
        FROM "refund_lines" AS "t0"
        WHERE
          "t0"."refund_of" IS NOT NULL AND "t0"."units" > 0
      ) AS "t2"
    ) AS "t4"
  ) AS "t8"
  INNER JOIN (
    SELECT
      "t5"."source" AS "s_source",
      "t5"."order_id" AS "s_order_id",
      "t5"."line_no" AS "s_line_no",
      "t5"."sku" AS "s_sku",
      "t5"."occurred_at" AS "sold_at",
      "t5"."high" - "t5"."units" AS "c",
      "t5"."high" AS "d"
    FROM (
      SELECT
        "t3"."source",
        "t3"."order_id",
        "t3"."line_no",
        "t3"."person_id",
        "t3"."sku",
        "t3"."occurred_at",
        "t3"."units",
        SUM("t3"."units") OVER (
          PARTITION BY "t3"."source", "t3"."order_id", "t3"."sku"
          ORDER BY "t3"."occurred_at" DESC, "t3"."line_no" DESC
          ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS "high"
      FROM (
        SELECT
          *
        FROM "refundable_lines" AS "t1"
        WHERE
          "t1"."units" > 0
      ) AS "t3"
    ) AS "t5"
  ) AS "t9"
    ON "t8"."r_source" = "t9"."s_source"
    AND "t8"."named" = "t9"."s_order_id"
    AND "t8"."sku" = "t9"."s_sku"
) AS "t10"
WHERE
  (
    LEAST("t10"."b", "t10"."d") - GREATEST("t10"."a", "t10"."c")
  ) > 0;
