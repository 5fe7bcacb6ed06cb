SELECT
  "t0"."person_id",
  CASE
    WHEN NOT (
      CASE
        WHEN "t0"."order_count" > 0
        THEN "t0"."repeat_orders_365d"
        ELSE CAST(NULL AS BIGINT)
      END IS NULL
    )
    AND (
      (
        (
          RANK() OVER (
            PARTITION BY CASE
              WHEN "t0"."order_count" > 0
              THEN "t0"."repeat_orders_365d"
              ELSE CAST(NULL AS BIGINT)
            END IS NULL
            ORDER BY CASE
              WHEN "t0"."order_count" > 0
              THEN "t0"."repeat_orders_365d"
              ELSE CAST(NULL AS BIGINT)
            END DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) - 1
        ) * 100
      ) < (
        COUNT(
          CASE
            WHEN "t0"."order_count" > 0
            THEN "t0"."repeat_orders_365d"
            ELSE CAST(NULL AS BIGINT)
          END
        ) OVER (
          PARTITION BY CASE
            WHEN "t0"."order_count" > 0
            THEN "t0"."repeat_orders_365d"
            ELSE CAST(NULL AS BIGINT)
          END IS NULL
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) * 10
      )
    )
    AND (
      CASE
        WHEN "t0"."order_count" > 0
        THEN "t0"."repeat_orders_365d"
        ELSE CAST(NULL AS BIGINT)
      END >= 5
    )
    THEN 'high'
    WHEN NOT (
      CASE
        WHEN "t0"."order_count" > 0
        THEN "t0"."repeat_orders_365d"
        ELSE CAST(NULL AS BIGINT)
      END IS NULL
    )
    AND (
      (
        (
          RANK() OVER (
            PARTITION BY CASE
              WHEN "t0"."order_count" > 0
              THEN "t0"."repeat_orders_365d"
              ELSE CAST(NULL AS BIGINT)
            END IS NULL
            ORDER BY CASE
              WHEN "t0"."order_count" > 0
              THEN "t0"."repeat_orders_365d"
              ELSE CAST(NULL AS BIGINT)
            END DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) - 1
        ) * 100
      ) < (
        COUNT(
          CASE
            WHEN "t0"."order_count" > 0
            THEN "t0"."repeat_orders_365d"
            ELSE CAST(NULL AS BIGINT)
          END
        ) OVER (
          PARTITION BY CASE
            WHEN "t0"."order_count" > 0
            THEN "t0"."repeat_orders_365d"
            ELSE CAST(NULL AS BIGINT)
          END IS NULL
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) * 40
      )
    )
    AND (
      CASE
        WHEN "t0"."order_count" > 0
        THEN "t0"."repeat_orders_365d"
        ELSE CAST(NULL AS BIGINT)
      END >= 2
    )
    THEN 'medium'
    WHEN "t0"."order_count" > 0
    THEN 'low'
    ELSE NULL
  END AS "repurchase_band"
FROM "features" AS "t0";
