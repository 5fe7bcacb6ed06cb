SELECT
  "t30"."source",
  "t30"."order_id",
  "t30"."category",
  CASE WHEN "t14"."when" IS NOT NULL THEN "t14"."who" ELSE "t30"."person_id" END AS "person_id",
  CASE WHEN "t14"."when" IS NOT NULL THEN "t14"."when" ELSE "t30"."paid_at" END AS "paid_at",
  "t30"."amount_minor",
  COALESCE("t24"."gone", FALSE) AS "wholly_refunded",
  NOT (
    COALESCE("t24"."gone", FALSE)
  )
  AND (
    "t17"."no_purchase" IS NULL
  )
  AND (
    "t30"."amount_minor" > 0
  ) AS "is_purchase"
FROM (
  SELECT
    "t28"."source",
    "t28"."order_id",
    "t28"."category",
    MAX("t28"."person_id") AS "person_id",
    MIN("t28"."occurred_at") AS "paid_at",
    SUM("t28"."amount_minor") AS "amount_minor"
  FROM (
    SELECT
      "t27"."batch_id",
      "t27"."source",
      "t27"."order_id",
      "t27"."line_no",
      "t27"."kind",
      "t27"."person_id",
      "t27"."sku",
      "t27"."quantity",
      "t27"."amount_minor",
      "t27"."discount_minor",
      "t27"."status",
      "t27"."order_type",
      "t27"."occurred_at",
      "t27"."refund_of",
      "t27"."channel",
      "t27"."store",
      "t27"."month",
      COALESCE("t27"."category", "t15"."product_category", 'unknown') AS "category"
    FROM (
      SELECT
        "t25"."batch_id",
        "t25"."source",
        "t25"."order_id",
        "t25"."line_no",
        "t25"."kind",
        "t25"."person_id",
        "t25"."sku",
        "t25"."category",
        "t25"."quantity",
        "t25"."amount_minor",
        "t25"."discount_minor",
        "t25"."status",
        "t25"."order_type",
        "t25"."occurred_at",
        "t25"."refund_of",
        "t25"."channel",
        "t25"."store",
        "t25"."month"
      FROM (
        SELECT
          "t21"."batch_id",
          "t21"."source",
          "t21"."order_id",
          "t21"."line_no",
          "t21"."kind",
          "t21"."person_id",
          "t21"."sku",
          "t21"."category",
          "t21"."quantity",
          "t21"."amount_minor",
          "t21"."discount_minor",
          "t21"."status",
          "t21"."order_type",
          "t21"."occurred_at",
          "t21"."refund_of",
          "t21"."channel",
          "t21"."store",
          "t21"."month",
          "t8"."source" AS "source_right",
          "t8"."order_id" AS "order_id_right",
          "t8"."newest"
        FROM (
          SELECT
            "t19"."batch_id",
            "t19"."source",
            "t19"."order_id",
            "t19"."line_no",
            "t19"."kind",
            COALESCE("t19"."linked_customer", "t19"."person_id") AS "person_id",
            "t19"."sku",
            "t19"."category",
            "t19"."quantity",
            "t19"."amount_minor",
            "t19"."discount_minor",
            "t19"."status",
            "t19"."order_type",
            "t19"."occurred_at",
            "t19"."refund_of",
            "t19"."channel",
            "t19"."store",
            "t19"."month"
          FROM (
            SELECT
              "t9"."batch_id",
              "t9"."source",
              "t9"."order_id",
              "t9"."line_no",
              "t9"."kind",
              "t9"."person_id",
              "t9"."sku",
              "t9"."category",
              "t9"."quantity",
              "t9"."amount_minor",
              "t9"."discount_minor",
              "t9"."status",
              "t9"."order_type",
              "t9"."occurred_at",
              "t9"."refund_of",
              "t9"."channel",
              "t9"."store",
              "t9"."month",
              "t16"."linked_person",
              "t16"."linked_customer"
            FROM "fct_order_lines" AS "t9"
            LEFT OUTER JOIN (
              SELECT
                "t6"."person_id" AS "linked_person",
                "t6"."customer_id" AS "linked_customer"
              FROM "dim_person_links" AS "t6"
            ) AS "t16"
              ON "t9"."person_id" = "t16"."linked_person"
          ) AS "t19"
        ) AS "t21"
        LEFT OUTER JOIN "replaced_orders" AS "t8"
          ON "t21"."source" = "t8"."source" AND "t21"."order_id" = "t8"."order_id"
      ) AS "t25"
      WHERE
        (
          (
            "t25"."newest" IS NULL
          ) OR (
            "t25"."batch_id" = "t25"."newest"
          )
        )
        AND "t25"."occurred_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
        AND NOT (
          "t25"."status" IN ('unpaid', 'cancelled')
        )
        AND "t25"."kind" = 'sale'
    ) AS "t27"
    LEFT OUTER JOIN (
      SELECT
        "t2"."sku",
        "t2"."category" AS "product_category"
      FROM "dim_products" AS "t2"
    ) AS "t15"
      ON "t27"."sku" = "t15"."sku"
  ) AS "t28"
  GROUP BY
    1,
    2,
    3
) AS "t30"
LEFT OUTER JOIN (
  SELECT
    *
  FROM (
    SELECT
      "t18"."source",
      "t18"."order_id",
      "t18"."category",
      BOOL_AND(CAST((
        "t18"."amount_minor" <= 0
      ) OR "t18"."is_gone" AS BOOLEAN)) AS "gone"
    FROM (
      SELECT
        "t7"."source",
        "t7"."order_id",
        "t7"."line_no",
        "t7"."sku",
        "t7"."amount_minor",
        "t7"."is_gone",
        COALESCE("t7"."category", "t15"."product_category", 'unknown') AS "category"
      FROM "touched_lines" AS "t7"
      LEFT OUTER JOIN (
        SELECT
          "t2"."sku",
          "t2"."category" AS "product_category"
        FROM "dim_products" AS "t2"
      ) AS "t15"
        ON "t7"."sku" = "t15"."sku"
    ) AS "t18"
    GROUP BY
      1,
      2,
      3
  ) AS "t22"
  WHERE
    "t22"."gone"
) AS "t24"
  ON "t30"."source" = "t24"."source"
  AND "t30"."order_id" = "t24"."order_id"
  AND "t30"."category" = "t24"."category"
LEFT OUTER JOIN (
  SELECT
    "t0"."source",
    "t0"."order_id",
    TRUE AS "no_purchase"
  FROM "int_orders" AS "t0"
  WHERE
    NOT (
      "t0"."is_purchase"
    )
) AS "t17"
  ON "t30"."source" = "t17"."source" AND "t30"."order_id" = "t17"."order_id"
LEFT OUTER JOIN (
  SELECT
    "t1"."source",
    "t1"."order_id",
    "t1"."person_id" AS "who",
    "t1"."paid_at" AS "when"
  FROM "order_sums" AS "t1"
  WHERE
    "t1"."is_mixed"
) AS "t14"
  ON "t30"."source" = "t14"."source" AND "t30"."order_id" = "t14"."order_id";
