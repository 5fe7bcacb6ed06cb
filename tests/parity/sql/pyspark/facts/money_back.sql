SELECT
  IF(`t6`.`sale_at` IS NOT NULL, `t6`.`buyer`, `t6`.`person_id`) AS `person_id`,
  `t6`.`day`,
  `t6`.`amount_minor`,
  `t6`.`sale_at`,
  `t6`.`sale_day`
FROM (
  SELECT
    `t5`.`source`,
    `t5`.`order_id`,
    `t5`.`line_no`,
    `t5`.`part_no`,
    `t5`.`person_id`,
    `t5`.`refunded_at`,
    `t5`.`day`,
    `t5`.`sku`,
    `t5`.`category`,
    `t5`.`quantity`,
    `t5`.`amount_minor`,
    `t5`.`sale_source`,
    `t5`.`sale_order_id`,
    `t5`.`sale_line_no`,
    `t5`.`channel`,
    `t5`.`store`,
    `t5`.`is_excluded`,
    `t4`.`sold_source`,
    `t4`.`sold_id`,
    `t4`.`buyer`,
    `t4`.`sale_at`,
    `t4`.`sale_day`
  FROM (
    SELECT
      *
    FROM `int_refunds` AS `t0`
    WHERE
      NOT (
        `t0`.`is_excluded`
      )
  ) AS `t5`
  LEFT OUTER JOIN (
    SELECT
      `t1`.`source` AS `sold_source`,
      `t1`.`order_id` AS `sold_id`,
      `t1`.`person_id` AS `buyer`,
      `t1`.`paid_at` AS `sale_at`,
      `t1`.`day` AS `sale_day`
    FROM `int_orders` AS `t1`
  ) AS `t4`
    ON `t5`.`sale_source` = `t4`.`sold_source` AND `t5`.`sale_order_id` = `t4`.`sold_id`
) AS `t6`;
