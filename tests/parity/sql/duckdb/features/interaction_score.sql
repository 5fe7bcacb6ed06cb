SELECT
  "t0"."person_id",
  CAST(CAST(FLOOR(
    (
      (
        RANK() OVER (
          PARTITION BY NULLIF("t0"."interactions_90d", 0) IS NULL
          ORDER BY NULLIF("t0"."interactions_90d", 0) ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) - 1
      ) / NULLIF(
        COUNT(NULLIF("t0"."interactions_90d", 0)) OVER (
          PARTITION BY NULLIF("t0"."interactions_90d", 0) IS NULL
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ),
        0
      )
    ) * 5
  ) AS BIGINT) + 1 AS INT) AS "interaction_score"
FROM "features" AS "t0";
