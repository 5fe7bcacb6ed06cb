SELECT
  "t8"."dim0",
  "t8"."person_id",
  "t8"."paid_at",
  "t8"."day",
  "t8"."purchase_no",
  "t8"."previous_paid_at"
FROM (
  SELECT
    "t7".*
    EXCLUDE ("attribute_person", "attribute_value")
  FROM (
    SELECT
      "t6"."source",
      "t6"."order_id",
      "t6"."person_id",
      "t6"."paid_at",
      "t6"."day",
      "t6"."channel",
      "t6"."store",
      "t6"."amount_minor",
      "t6"."discount_minor",
      "t6"."refunded_minor",
      "t6"."is_excluded",
      "t6"."is_purchase",
      "t6"."purchase_no",
      "t6"."previous_paid_at",
      "t6"."attribute_person",
      "t6"."attribute_value",
      COALESCE("t6"."attribute_value", 'unknown') AS "dim0"
    FROM (
      SELECT
        "t4"."source",
        "t4"."order_id",
        "t4"."person_id",
        "t4"."paid_at",
        "t4"."day",
        "t4"."channel",
        "t4"."store",
        "t4"."amount_minor",
        "t4"."discount_minor",
        "t4"."refunded_minor",
        "t4"."is_excluded",
        "t4"."is_purchase",
        "t4"."purchase_no",
        "t4"."previous_paid_at",
        "t5"."attribute_person",
        "t5"."attribute_value"
      FROM (
        SELECT
          *
        FROM "int_orders" AS "t0"
        WHERE
          "t0"."is_purchase" AND "t0"."person_id" IS NOT NULL
      ) AS "t4"
      LEFT OUTER JOIN (
        SELECT
          "t1"."person_id" AS "attribute_person",
          "t1"."value" AS "attribute_value"
        FROM "dim_person_attributes" AS "t1"
        WHERE
          "t1"."attribute" = 'city'
      ) AS "t5"
        ON "t4"."person_id" = "t5"."attribute_person"
    ) AS "t6"
  ) AS "t7"
) AS "t8";
