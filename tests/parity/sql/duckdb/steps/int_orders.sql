WITH "t11" AS (
  SELECT
    "t3"."source",
    "t3"."order_id",
    "t3"."person_id",
    "t3"."paid_at",
    "t3"."channel",
    "t3"."store",
    "t3"."amount_minor",
    "t3"."discount_minor",
    "t3"."day",
    "t3"."is_excluded",
    COALESCE("t10"."refunded_minor", 0) AS "refunded_minor",
    (
      "t3"."amount_minor" > 0
    )
    AND NOT (
      "t3"."is_excluded"
    )
    AND NOT (
      COALESCE("t10"."all_gone", FALSE)
      OR (
        COALESCE("t10"."whole_order", FALSE)
        AND (
          COALESCE("t10"."refunded_minor", 0) >= "t3"."amount_minor"
        )
      )
    ) AS "is_purchase"
  FROM "order_sums" AS "t3"
  LEFT OUTER JOIN (
    SELECT
      "t6"."source",
      "t6"."order_id",
      "t6"."all_gone",
      "t8"."refunded_minor",
      "t8"."whole_order"
    FROM (
      SELECT
        "t1"."source",
        "t1"."order_id",
        BOOL_AND(CAST((
          "t1"."amount_minor" <= 0
        ) OR "t1"."is_gone" AS BOOLEAN)) AS "all_gone"
      FROM "touched_lines" AS "t1"
      GROUP BY
        1,
        2
    ) AS "t6"
    LEFT OUTER JOIN (
      SELECT
        "t4"."sale_source" AS "source",
        "t4"."sale_order_id" AS "order_id",
        SUM("t4"."part_minor") AS "refunded_minor",
        BOOL_OR(CAST("t4"."sale_line_no" IS NULL AS BOOLEAN)) AS "whole_order"
      FROM (
        SELECT
          *
        FROM "refund_parts" AS "t2"
        WHERE
          "t2"."sale_order_id" IS NOT NULL
      ) AS "t4"
      GROUP BY
        1,
        2
    ) AS "t8"
      ON "t6"."source" = "t8"."source" AND "t6"."order_id" = "t8"."order_id"
  ) AS "t10"
    ON "t3"."source" = "t10"."source" AND "t3"."order_id" = "t10"."order_id"
)
SELECT
  *
FROM (
  SELECT
    "t13"."source",
    "t13"."order_id",
    "t13"."person_id",
    "t13"."paid_at",
    "t13"."channel",
    "t13"."store",
    "t13"."amount_minor",
    "t13"."discount_minor",
    "t13"."day",
    "t13"."is_excluded",
    "t13"."refunded_minor",
    "t13"."is_purchase",
    CAST((
      ROW_NUMBER() OVER (
        PARTITION BY "t13"."person_id"
        ORDER BY "t13"."paid_at" ASC, "t13"."source" ASC, "t13"."order_id" ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      ) - 1
    ) + 1 AS INT) AS "purchase_no",
    LAG("t13"."paid_at", 1) OVER (
      PARTITION BY "t13"."person_id"
      ORDER BY "t13"."paid_at" ASC, "t13"."source" ASC, "t13"."order_id" ASC
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS "previous_paid_at"
  FROM (
    SELECT
      *
    FROM "t11" AS "t12"
    WHERE
      "t12"."is_purchase" AND "t12"."person_id" IS NOT NULL
  ) AS "t13"
) AS "t15"
UNION ALL
SELECT
  *
FROM (
  SELECT
    "t12"."source",
    "t12"."order_id",
    "t12"."person_id",
    "t12"."paid_at",
    "t12"."channel",
    "t12"."store",
    "t12"."amount_minor",
    "t12"."discount_minor",
    "t12"."day",
    "t12"."is_excluded",
    "t12"."refunded_minor",
    "t12"."is_purchase",
    CAST(NULL AS INT) AS "purchase_no",
    CAST(NULL AS TIMESTAMPTZ) AS "previous_paid_at"
  FROM "t11" AS "t12"
  WHERE
    NOT (
      "t12"."is_purchase" AND (
        "t12"."person_id" IS NOT NULL
      )
    )
) AS "t14";
