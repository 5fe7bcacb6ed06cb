SELECT
  `t1`.`dim0`,
  `t1`.`person_id`,
  `t1`.`paid_at`,
  `t1`.`day`,
  CAST((
    ROW_NUMBER() OVER (
      PARTITION BY `t1`.`dim0`, `t1`.`person_id`
      ORDER BY `t1`.`paid_at` ASC NULLS LAST, `t1`.`day` ASC NULLS LAST
    ) - 1
  ) + 1 AS INT) AS `purchase_no`,
  LAG(`t1`.`paid_at`) OVER (
    PARTITION BY `t1`.`dim0`, `t1`.`person_id`
    ORDER BY `t1`.`paid_at` ASC NULLS LAST, `t1`.`day` ASC NULLS LAST
  ) AS `previous_paid_at`
FROM (
  SELECT
    COALESCE(`t0`.`channel`, 'unknown') AS `dim0`,
    `t0`.`person_id`,
    `t0`.`paid_at`,
    `t0`.`day`
  FROM `int_orders` AS `t0`
  WHERE
    `t0`.`is_purchase` AND `t0`.`person_id` IS NOT NULL
) AS `t1`;
