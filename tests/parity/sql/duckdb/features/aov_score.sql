SELECT
  "t0"."person_id",
  CAST(CAST(FLOOR(
    (
      (
        RANK() OVER (
          PARTITION BY "t0"."aov_minor" IS NULL
          ORDER BY "t0"."aov_minor" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) - 1
      ) / NULLIF(
        COUNT("t0"."aov_minor") OVER (
          PARTITION BY "t0"."aov_minor" IS NULL
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ),
        0
      )
    ) * 5
  ) AS BIGINT) + 1 AS INT) AS "aov_score"
FROM "features" AS "t0";
