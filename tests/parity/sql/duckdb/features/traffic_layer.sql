SELECT
  "t0"."person_id",
  (
    "t0"."orders_90d" >= 3
  )
  AND NOT (
    NOT (
      "t0"."aov_minor" IS NULL
    )
    AND (
      (
        (
          RANK() OVER (
            PARTITION BY "t0"."aov_minor" IS NULL
            ORDER BY "t0"."aov_minor" DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) - 1
        ) * 100
      ) < (
        COUNT("t0"."aov_minor") OVER (
          PARTITION BY "t0"."aov_minor" IS NULL
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) * 50
      )
    )
  ) AS "traffic_layer"
FROM "features" AS "t0";
