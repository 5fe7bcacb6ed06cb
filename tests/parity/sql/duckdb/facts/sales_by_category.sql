SELECT
  COALESCE("t8"."category", 'unknown') AS "dim0",
  "t8"."source",
  "t8"."order_id",
  "t8"."person_id",
  "t8"."paid_at",
  "t8"."day",
  "t8"."amount_minor"
FROM (
  SELECT
    "t7".*
    EXCLUDE ("part_minor")
  FROM (
    SELECT
      "t6"."source",
      "t6"."order_id",
      "t6"."person_id",
      "t6"."paid_at",
      "t6"."day",
      "t6"."channel",
      "t6"."store",
      "t6"."part_minor" AS "amount_minor",
      "t6"."discount_minor",
      "t6"."refunded_minor",
      "t6"."is_excluded",
      "t6"."is_purchase",
      "t6"."purchase_no",
      "t6"."previous_paid_at",
      "t6"."category",
      "t6"."part_minor"
    FROM (
      SELECT
        "t5"."source",
        "t5"."order_id",
        "t5"."person_id",
        "t5"."paid_at",
        "t5"."day",
        "t5"."channel",
        "t5"."store",
        "t5"."amount_minor",
        "t5"."discount_minor",
        "t5"."refunded_minor",
        "t5"."is_excluded",
        "t5"."is_purchase",
        "t5"."purchase_no",
        "t5"."previous_paid_at",
        "t4"."category",
        "t4"."part_minor"
      FROM (
        SELECT
          *
        FROM "int_orders" AS "t0"
        WHERE
          NOT (
            "t0"."is_excluded"
          )
      ) AS "t5"
      INNER JOIN (
        SELECT
          "t1"."source",
          "t1"."order_id",
          "t1"."category",
          "t1"."amount_minor" AS "part_minor"
        FROM "int_order_categories" AS "t1"
      ) AS "t4"
        ON "t5"."source" = "t4"."source" AND "t5"."order_id" = "t4"."order_id"
    ) AS "t6"
  ) AS "t7"
) AS "t8";
