SELECT
  `t0`.`person_id`,
  CASE
    WHEN NOT (
      IF(`t0`.`order_count` > 0, `t0`.`repeat_orders_365d`, CAST(NULL AS BIGINT)) IS NULL
    )
    AND (
      (
        (
          RANK() OVER (
            PARTITION BY IF(`t0`.`order_count` > 0, `t0`.`repeat_orders_365d`, CAST(NULL AS BIGINT)) IS NULL
            ORDER BY IF(`t0`.`order_count` > 0, `t0`.`repeat_orders_365d`, CAST(NULL AS BIGINT)) DESC
          ) - 1
        ) * 100
      ) < (
        COUNT(IF(`t0`.`order_count` > 0, `t0`.`repeat_orders_365d`, CAST(NULL AS BIGINT))) OVER (
          PARTITION BY IF(`t0`.`order_count` > 0, `t0`.`repeat_orders_365d`, CAST(NULL AS BIGINT)) IS NULL
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) * 10
      )
    )
    AND (
      IF(`t0`.`order_count` > 0, `t0`.`repeat_orders_365d`, CAST(NULL AS BIGINT)) >= 5
    )
    THEN 'high'
    WHEN NOT (
      IF(`t0`.`order_count` > 0, `t0`.`repeat_orders_365d`, CAST(NULL AS BIGINT)) IS NULL
    )
    AND (
      (
        (
          RANK() OVER (
            PARTITION BY IF(`t0`.`order_count` > 0, `t0`.`repeat_orders_365d`, CAST(NULL AS BIGINT)) IS NULL
            ORDER BY IF(`t0`.`order_count` > 0, `t0`.`repeat_orders_365d`, CAST(NULL AS BIGINT)) DESC
          ) - 1
        ) * 100
      ) < (
        COUNT(IF(`t0`.`order_count` > 0, `t0`.`repeat_orders_365d`, CAST(NULL AS BIGINT))) OVER (
          PARTITION BY IF(`t0`.`order_count` > 0, `t0`.`repeat_orders_365d`, CAST(NULL AS BIGINT)) IS NULL
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) * 40
      )
    )
    AND (
      IF(`t0`.`order_count` > 0, `t0`.`repeat_orders_365d`, CAST(NULL AS BIGINT)) >= 2
    )
    THEN 'medium'
    WHEN `t0`.`order_count` > 0
    THEN 'low'
    ELSE NULL
  END AS `repurchase_band`
FROM `features` AS `t0`;
