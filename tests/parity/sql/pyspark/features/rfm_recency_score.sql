SELECT
  `t0`.`person_id`,
  CAST(CAST(FLOOR(
    (
      (
        RANK() OVER (
          PARTITION BY `t0`.`last_order_at` IS NULL
          ORDER BY `t0`.`last_order_at` ASC NULLS LAST
        ) - 1
      ) / NULLIF(
        COUNT(`t0`.`last_order_at`) OVER (
          PARTITION BY `t0`.`last_order_at` IS NULL
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ),
        0
      )
    ) * 5
  ) AS BIGINT) + 1 AS INT) AS `rfm_recency_score`
FROM `features` AS `t0`;
