SELECT
  `t7`.`person_id`
FROM (
  SELECT
    `t3`.`person_id`,
    `t6`.`leaf0_value`,
    `t6`.`leaf0_orders`
  FROM (
    SELECT
      `t0`.`person_id`
    FROM `feat_customers` AS `t0`
  ) AS `t3`
  INNER JOIN (
    SELECT
      `t4`.`person_id`,
      SUM(`t4`.`amount_minor`) AS `leaf0_value`,
      COUNT(*) AS `leaf0_orders`
    FROM (
      SELECT
        *
      FROM `int_orders` AS `t1`
      WHERE
        `t1`.`person_id` IS NOT NULL
        AND `t1`.`paid_at` < CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
        AND `t1`.`is_purchase`
        AND `t1`.`channel` IN ('app')
    ) AS `t4`
    GROUP BY
      1
  ) AS `t6`
    ON `t3`.`person_id` = `t6`.`person_id`
) AS `t7`
WHERE
  (
    CAST(`t7`.`leaf0_value` AS DOUBLE) / CAST(NULLIF(`t7`.`leaf0_orders`, 0) AS DOUBLE)
  ) >= 5000.0
  AND (
    CAST(`t7`.`leaf0_value` AS DOUBLE) / CAST(NULLIF(`t7`.`leaf0_orders`, 0) AS DOUBLE)
  ) <= 20000.0;
