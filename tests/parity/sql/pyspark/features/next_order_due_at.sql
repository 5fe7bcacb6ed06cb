SELECT
  `t0`.`person_id`,
  CAST(IF(
    (
      `t0`.`interpurchase_days_mean` >= 1
    ) AND (
      `t0`.`order_count` >= 3
    ),
    TO_TIMESTAMP(
      FROM_UNIXTIME(
        CAST(FLOOR(
          (
            (
              CAST(FLOOR(UNIX_TIMESTAMP(CAST(CAST(`t0`.`last_order_at` AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
            ) + CAST(CAST(UNIX_MICROS(CAST(CAST(`t0`.`last_order_at` AS TIMESTAMP) AS TIMESTAMP)) % 1000000 AS INT) AS BIGINT) + (
              `t0`.`interpurchase_days_mean` * 86400000000
            )
          ) / 1000000
        ) AS BIGINT)
      ),
      'yyyy-MM-dd HH:mm:ss'
    ),
    CAST(NULL AS TIMESTAMP)
  ) AS TIMESTAMP) AS `next_order_due_at`
FROM `features` AS `t0`;
