SELECT
  `t0`.`person_id`,
  CAST(FLOOR(
    (
      1711929600000000 - (
        (
          CAST(FLOOR(UNIX_TIMESTAMP(CAST(CAST(`t0`.`first_order_at` AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
        ) + CAST(CAST(UNIX_MICROS(CAST(CAST(`t0`.`first_order_at` AS TIMESTAMP) AS TIMESTAMP)) % 1000000 AS INT) AS BIGINT)
      )
    ) / 86400000000
  ) AS BIGINT) AS `days_since_first_order`
FROM `features` AS `t0`;
