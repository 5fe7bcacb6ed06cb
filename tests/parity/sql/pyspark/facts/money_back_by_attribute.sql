SELECT
  `t14`.`dim0`,
  `t14`.`person_id`,
  `t14`.`day`,
  `t14`.`amount_minor`,
  `t14`.`sale_at`,
  `t14`.`sale_day`
FROM (
  SELECT
    `t13`.`source`,
    `t13`.`order_id`,
    `t13`.`line_no`,
    `t13`.`part_no`,
    `t13`.`person_id`,
    `t13`.`refunded_at`,
    `t13`.`day`,
    `t13`.`sku`,
    `t13`.`category`,
    `t13`.`quantity`,
    `t13`.`amount_minor`,
    `t13`.`sale_source`,
    `t13`.`sale_order_id`,
    `t13`.`sale_line_no`,
    `t13`.`channel`,
    `t13`.`store`,
    `t13`.`is_excluded`,
    `t13`.`sold_source`,
    `t13`.`sold_id`,
    `t13`.`buyer`,
    `t13`.`sale_at`,
    `t13`.`sale_day`,
    `t13`.`dim0`
  FROM (
    SELECT
      `t12`.`source`,
      `t12`.`order_id`,
      `t12`.`line_no`,
      `t12`.`part_no`,
      `t12`.`person_id`,
      `t12`.`refunded_at`,
      `t12`.`day`,
      `t12`.`sku`,
      `t12`.`category`,
      `t12`.`quantity`,
      `t12`.`amount_minor`,
      `t12`.`sale_source`,
      `t12`.`sale_order_id`,
      `t12`.`sale_line_no`,
      `t12`.`channel`,
      `t12`.`store`,
      `t12`.`is_excluded`,
      `t12`.`sold_source`,
      `t12`.`sold_id`,
      `t12`.`buyer`,
      `t12`.`sale_at`,
      `t12`.`sale_day`,
      `t12`.`attribute_person`,
      `t12`.`attribute_value`,
      COALESCE(`t12`.`attribute_value`, 'unknown') AS `dim0`
    FROM (
      SELECT
        `t11`.`source`,
        `t11`.`order_id`,
        `t11`.`line_no`,
        `t11`.`part_no`,
        `t11`.`person_id`,
        `t11`.`refunded_at`,
        `t11`.`day`,
        `t11`.`sku`,
        `t11`.`category`,
        `t11`.`quantity`,
        `t11`.`amount_minor`,
        `t11`.`sale_source`,
        `t11`.`sale_order_id`,
        `t11`.`sale_line_no`,
        `t11`.`channel`,
        `t11`.`store`,
        `t11`.`is_excluded`,
        `t11`.`sold_source`,
        `t11`.`sold_id`,
        `t11`.`buyer`,
        `t11`.`sale_at`,
        `t11`.`sale_day`,
        `t7`.`attribute_person`,
        `t7`.`attribute_value`
      FROM (
        SELECT
          `t9`.`source`,
          `t9`.`order_id`,
          `t9`.`line_no`,
          `t9`.`part_no`,
          IF(`t9`.`sale_at` IS NOT NULL, `t9`.`buyer`, `t9`.`person_id`) AS `person_id`,
          `t9`.`refunded_at`,
          `t9`.`day`,
          `t9`.`sku`,
          `t9`.`category`,
          `t9`.`quantity`,
          `t9`.`amount_minor`,
          `t9`.`sale_source`,
          `t9`.`sale_order_id`,
          `t9`.`sale_line_no`,
          `t9`.`channel`,
          `t9`.`store`,
          `t9`.`is_excluded`,
          `t9`.`sold_source`,
          `t9`.`sold_id`,
          `t9`.`buyer`,
          `t9`.`sale_at`,
          `t9`.`sale_day`
        FROM (
          SELECT
            `t8`.`source`,
            `t8`.`order_id`,
            `t8`.`line_no`,
            `t8`.`part_no`,
            `t8`.`person_id`,
            `t8`.`refunded_at`,
            `t8`.`day`,
            `t8`.`sku`,
            `t8`.`category`,
            `t8`.`quantity`,
            `t8`.`amount_minor`,
            `t8`.`sale_source`,
            `t8`.`sale_order_id`,
            `t8`.`sale_line_no`,
            `t8`.`channel`,
            `t8`.`store`,
            `t8`.`is_excluded`,
            `t6`.`sold_source`,
            `t6`.`sold_id`,
            `t6`.`buyer`,
            `t6`.`sale_at`,
            `t6`.`sale_day`
          FROM (
            SELECT
              *
            FROM `int_refunds` AS `t1`
            WHERE
              NOT (
                `t1`.`is_excluded`
              )
          ) AS `t8`
          LEFT OUTER JOIN (
            SELECT
              `t2`.`source` AS `sold_source`,
              `t2`.`order_id` AS `sold_id`,
              `t2`.`person_id` AS `buyer`,
              `t2`.`paid_at` AS `sale_at`,
              `t2`.`day` AS `sale_day`
            FROM `int_orders` AS `t2`
          ) AS `t6`
            ON `t8`.`sale_source` = `t6`.`sold_source` AND `t8`.`sale_order_id` = `t6`.`sold_id`
        ) AS `t9`
      ) AS `t11`
      LEFT OUTER JOIN (
        SELECT
          `t0`.`person_id` AS `attribute_person`,
          `t0`.`value` AS `attribute_value`
        FROM `dim_person_attributes` AS `t0`
        WHERE
          `t0`.`attribute` = 'city'
      ) AS `t7`
        ON `t11`.`person_id` = `t7`.`attribute_person`
    ) AS `t12`
  ) AS `t13`
) AS `t14`;
