SELECT
  `t2`.`person_id`,
  COUNT(*) - 1 AS `repeats`,
  MIN(`t2`.`day`) AS `first_day`,
  MAX(`t2`.`day`) AS `last_day`,
  SUM(`t2`.`amount_minor`) AS `spend_minor`,
  SUM(CAST(`t2`.`amount_minor` > 0 AS INT)) AS `paid_days`,
  SUM(CAST(`t2`.`day` >= 19786 AS INT)) AS `recent_28`,
  SUM(CAST(`t2`.`day` >= 19632 AS INT)) AS `recent_182`
FROM (
  SELECT
    `t1`.`person_id`,
    `t1`.`day`,
    SUM(`t1`.`net`) AS `amount_minor`
  FROM (
    SELECT
      `t0`.`person_id`,
      CAST(FLOOR(
        (
          (
            CAST(FLOOR(UNIX_TIMESTAMP(CAST(CAST(`t0`.`day` AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
          ) + CAST(CAST(UNIX_MICROS(CAST(CAST(`t0`.`day` AS TIMESTAMP) AS TIMESTAMP)) % 1000000 AS INT) AS BIGINT)
        ) / 86400000000
      ) AS BIGINT) AS `day`,
      GREATEST(`t0`.`amount_minor` - `t0`.`refunded_minor`, 0) AS `net`
    FROM `int_orders` AS `t0`
    WHERE
      `t0`.`is_purchase` AND `t0`.`person_id` IS NOT NULL
  ) AS `t1`
  GROUP BY
    1,
    2
) AS `t2`
GROUP BY
  1;
