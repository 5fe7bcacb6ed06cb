SELECT
  `t0`.`person_id`,
  (
    (
      (
        (
          CAST(FLOOR(UNIX_TIMESTAMP(CAST(CAST(`t0`.`last_order_at` AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
        ) + CAST(CAST(UNIX_MICROS(CAST(CAST(`t0`.`last_order_at` AS TIMESTAMP) AS TIMESTAMP)) % 1000000 AS INT) AS BIGINT)
      ) - (
        (
          CAST(FLOOR(UNIX_TIMESTAMP(CAST(CAST(`t0`.`first_order_at` AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
        ) + CAST(CAST(UNIX_MICROS(CAST(CAST(`t0`.`first_order_at` AS TIMESTAMP) AS TIMESTAMP)) % 1000000 AS INT) AS BIGINT)
      )
    ) / 86400000000
  ) / NULLIF(`t0`.`order_count` - 1, 0) AS `interpurchase_days_mean`
FROM `features` AS `t0`;
