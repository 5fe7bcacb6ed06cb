SELECT
  "t0"."person_id",
  CAST(CASE
    WHEN (
      "t0"."interpurchase_days_mean" >= 1
    ) AND (
      "t0"."order_count" >= 3
    )
    THEN TO_TIMESTAMP(
      CAST(FLOOR(
        (
          (
            CAST(FLOOR(EPOCH(CAST(CAST("t0"."last_order_at" AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
          ) + CAST(EXTRACT('MICROSECOND' FROM CAST("t0"."last_order_at" AS TIMESTAMP)) % 1000000 AS BIGINT) + (
            "t0"."interpurchase_days_mean" * 86400000000
          )
        ) / 1000000
      ) AS BIGINT)
    )
    ELSE CAST(NULL AS TIMESTAMP)
  END AS TIMESTAMPTZ) AS "next_order_due_at"
FROM "features" AS "t0";
