SELECT
  `t1`.`source`,
  `t1`.`order_id`,
  `t1`.`newest`
FROM (
  SELECT
    `t0`.`source`,
    `t0`.`order_id`,
    MAX(`t0`.`batch_id`) AS `newest`,
    MIN(`t0`.`batch_id`) AS `oldest`
  FROM `fct_order_lines` AS `t0`
  GROUP BY
    1,
    2
) AS `t1`
WHERE
  `t1`.`newest` > `t1`.`oldest`;
