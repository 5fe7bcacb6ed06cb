SELECT
  *
FROM (
  SELECT
    `t3`.`person_id`,
    `t3`.`paid_at`,
    `t3`.`day`
  FROM (
    SELECT
      `t2`.`person_id`,
      `t2`.`day`,
      MIN(`t2`.`paid_at`) AS `paid_at`
    FROM (
      SELECT
        *
      FROM `int_orders` AS `t0`
      WHERE
        `t0`.`is_purchase` AND `t0`.`person_id` IS NOT NULL
    ) AS `t2`
    GROUP BY
      1,
      2
  ) AS `t3`
) AS `t4`
UNION ALL
SELECT
  *
FROM (
  SELECT
    `t0`.`person_id`,
    `t0`.`paid_at`,
    `t0`.`day`
  FROM `int_orders` AS `t0`
  WHERE
    `t0`.`is_purchase` AND `t0`.`person_id` IS NULL
) AS `t1`;
