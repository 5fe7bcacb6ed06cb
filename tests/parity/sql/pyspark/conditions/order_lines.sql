SELECT
  `t21`.`source`,
  `t21`.`order_id`,
  `t21`.`line_no`,
  `t21`.`sku`,
  `t21`.`quantity`,
  `t21`.`amount_minor`,
  `t21`.`person_id`,
  `t21`.`paid_at`,
  `t21`.`channel`,
  `t21`.`store`,
  `t21`.`order_amount_minor`,
  `t5`.`brand`,
  `t5`.`list_price_minor`,
  COALESCE(`t21`.`category`, `t5`.`product_category`, 'unknown') AS `category`
FROM (
  SELECT
    `t19`.`source`,
    `t19`.`order_id`,
    `t19`.`line_no`,
    `t19`.`sku`,
    `t19`.`category`,
    `t19`.`quantity`,
    `t19`.`amount_minor`,
    `t19`.`person_id`,
    `t19`.`paid_at`,
    `t19`.`channel`,
    `t19`.`store`,
    `t19`.`order_amount_minor`
  FROM (
    SELECT
      `t18`.`source`,
      `t18`.`order_id`,
      `t18`.`line_no`,
      `t18`.`sku`,
      `t18`.`category`,
      `t18`.`quantity`,
      `t18`.`amount_minor`,
      `t18`.`person_id`,
      `t18`.`paid_at`,
      `t18`.`channel`,
      `t18`.`store`,
      `t18`.`order_amount_minor`,
      `t14`.`sale_source`,
      `t14`.`sale_order_id`,
      `t14`.`sale_line_no`,
      `t14`.`quantity_back`,
      `t14`.`minor_back`,
      `t14`.`money_only`
    FROM (
      SELECT
        `t16`.`source`,
        `t16`.`order_id`,
        `t16`.`line_no`,
        `t16`.`sku`,
        `t16`.`category`,
        `t16`.`quantity`,
        `t16`.`amount_minor`,
        `t16`.`person_id`,
        `t16`.`paid_at`,
        `t16`.`channel`,
        `t16`.`store`,
        `t16`.`order_amount_minor`
      FROM (
        SELECT
          *
        FROM (
          SELECT
            `t11`.`source`,
            `t11`.`order_id`,
            `t11`.`batch_id`,
            `t11`.`line_no`,
            `t11`.`sku`,
            `t11`.`category`,
            `t11`.`quantity`,
            `t11`.`amount_minor`,
            `t12`.`person_id`,
            `t12`.`paid_at`,
            `t12`.`channel`,
            `t12`.`store`,
            `t12`.`order_amount_minor`,
            `t10`.`newest`
          FROM (
            SELECT
              `t2`.`source`,
              `t2`.`order_id`,
              `t2`.`batch_id`,
              `t2`.`line_no`,
              `t2`.`sku`,
              `t2`.`category`,
              `t2`.`quantity`,
              `t2`.`amount_minor`
            FROM `fct_order_lines` AS `t2`
            WHERE
              `t2`.`kind` = 'sale' AND `t2`.`amount_minor` > 0
          ) AS `t11`
          INNER JOIN (
            SELECT
              `t3`.`source`,
              `t3`.`order_id`,
              `t3`.`person_id`,
              `t3`.`paid_at`,
              `t3`.`channel`,
              `t3`.`store`,
              `t3`.`amount_minor` AS `order_amount_minor`
            FROM `int_orders` AS `t3`
            WHERE
              `t3`.`is_purchase` AND `t3`.`person_id` IS NOT NULL
          ) AS `t12`
            ON `t11`.`source` = `t12`.`source` AND `t11`.`order_id` = `t12`.`order_id`
          INNER JOIN (
            SELECT
              `t2`.`source`,
              `t2`.`order_id`,
              MAX(`t2`.`batch_id`) AS `newest`
            FROM `fct_order_lines` AS `t2`
            GROUP BY
              1,
              2
          ) AS `t10`
            ON `t11`.`source` = `t10`.`source` AND `t11`.`order_id` = `t10`.`order_id`
        ) AS `t15`
        WHERE
          `t15`.`batch_id` = `t15`.`newest`
      ) AS `t16`
    ) AS `t18`
    LEFT OUTER JOIN (
      SELECT
        `t6`.`sale_source`,
        `t6`.`sale_order_id`,
        `t6`.`sale_line_no`,
        SUM(`t6`.`quantity`) AS `quantity_back`,
        SUM(`t6`.`amount_minor`) AS `minor_back`,
        BOOL_OR(`t6`.`quantity` = 0) AS `money_only`
      FROM (
        SELECT
          *
        FROM `int_refunds` AS `t1`
        WHERE
          `t1`.`sale_line_no` IS NOT NULL
      ) AS `t6`
      GROUP BY
        1,
        2,
        3
    ) AS `t14`
      ON `t18`.`source` = `t14`.`sale_source`
      AND `t18`.`order_id` = `t14`.`sale_order_id`
      AND `t18`.`line_no` = `t14`.`sale_line_no`
  ) AS `t19`
  WHERE
    NOT (
      COALESCE(
        (
          `t19`.`quantity` > 0
        ) AND (
          `t19`.`quantity_back` >= `t19`.`quantity`
        ),
        FALSE
      )
      OR COALESCE(`t19`.`money_only` AND (
        `t19`.`minor_back` >= `t19`.`amount_minor`
      ), FALSE)
    )
) AS `t21`
LEFT OUTER JOIN (
  SELECT
    `t0`.`sku`,
    `t0`.`brand`,
    `t0`.`list_price_minor`,
    `t0`.`category` AS `product_category`
  FROM `dim_products` AS `t0`
) AS `t5`
  ON `t21`.`sku` = `t5`.`sku`;
