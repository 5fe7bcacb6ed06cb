SELECT
  `t22`.`source`,
  `t22`.`order_id`,
  `t9`.`person_id`,
  `t9`.`day`,
  `t9`.`paid_at`,
  `t22`.`item`
FROM (
  SELECT DISTINCT
    `t20`.`source`,
    `t20`.`order_id`,
    `t20`.`sku` AS `item`
  FROM (
    SELECT
      `t19`.`batch_id`,
      `t19`.`source`,
      `t19`.`order_id`,
      `t19`.`line_no`,
      `t19`.`kind`,
      `t19`.`person_id`,
      `t19`.`sku`,
      `t19`.`category`,
      `t19`.`quantity`,
      `t19`.`amount_minor`,
      `t19`.`discount_minor`,
      `t19`.`status`,
      `t19`.`order_type`,
      `t19`.`occurred_at`,
      `t19`.`refund_of`,
      `t19`.`channel`,
      `t19`.`store`,
      `t19`.`month`,
      `t14`.`source` AS `source_gone`,
      `t14`.`order_id` AS `order_id_gone`,
      `t14`.`line_no` AS `line_no_gone`,
      `t14`.`units_back`,
      `t14`.`minor_back`,
      `t14`.`money_only`
    FROM (
      SELECT
        `t17`.`batch_id`,
        `t17`.`source`,
        `t17`.`order_id`,
        `t17`.`line_no`,
        `t17`.`kind`,
        `t17`.`person_id`,
        `t17`.`sku`,
        `t17`.`category`,
        `t17`.`quantity`,
        `t17`.`amount_minor`,
        `t17`.`discount_minor`,
        `t17`.`status`,
        `t17`.`order_type`,
        `t17`.`occurred_at`,
        `t17`.`refund_of`,
        `t17`.`channel`,
        `t17`.`store`,
        `t17`.`month`
      FROM (
        SELECT
          `t16`.`batch_id`,
          `t16`.`source`,
          `t16`.`order_id`,
          `t16`.`line_no`,
          `t16`.`kind`,
          `t16`.`person_id`,
          `t16`.`sku`,
          `t16`.`category`,
          `t16`.`quantity`,
          `t16`.`amount_minor`,
          `t16`.`discount_minor`,
          `t16`.`status`,
          `t16`.`order_type`,
          `t16`.`occurred_at`,
          `t16`.`refund_of`,
          `t16`.`channel`,
          `t16`.`store`,
          `t16`.`month`,
          `t5`.`source` AS `source_right`,
          `t5`.`order_id` AS `order_id_right`,
          `t5`.`newest`
        FROM (
          SELECT
            `t13`.`batch_id`,
            `t13`.`source`,
            `t13`.`order_id`,
            `t13`.`line_no`,
            `t13`.`kind`,
            COALESCE(`t13`.`linked_customer`, `t13`.`person_id`) AS `person_id`,
            `t13`.`sku`,
            `t13`.`category`,
            `t13`.`quantity`,
            `t13`.`amount_minor`,
            `t13`.`discount_minor`,
            `t13`.`status`,
            `t13`.`order_type`,
            `t13`.`occurred_at`,
            `t13`.`refund_of`,
            `t13`.`channel`,
            `t13`.`store`,
            `t13`.`month`
          FROM (
            SELECT
              `t6`.`batch_id`,
              `t6`.`source`,
              `t6`.`order_id`,
              `t6`.`line_no`,
              `t6`.`kind`,
              `t6`.`person_id`,
              `t6`.`sku`,
              `t6`.`category`,
              `t6`.`quantity`,
              `t6`.`amount_minor`,
              `t6`.`discount_minor`,
              `t6`.`status`,
              `t6`.`order_type`,
              `t6`.`occurred_at`,
              `t6`.`refund_of`,
              `t6`.`channel`,
              `t6`.`store`,
              `t6`.`month`,
              `t11`.`linked_person`,
              `t11`.`linked_customer`
            FROM `fct_order_lines` AS `t6`
            LEFT OUTER JOIN (
              SELECT
                `t4`.`person_id` AS `linked_person`,
                `t4`.`customer_id` AS `linked_customer`
              FROM `dim_person_links` AS `t4`
            ) AS `t11`
              ON `t6`.`person_id` = `t11`.`linked_person`
          ) AS `t13`
        ) AS `t16`
        LEFT OUTER JOIN `replaced_orders` AS `t5`
          ON `t16`.`source` = `t5`.`source` AND `t16`.`order_id` = `t5`.`order_id`
      ) AS `t17`
      WHERE
        (
          (
            `t17`.`newest` IS NULL
          ) OR (
            `t17`.`batch_id` = `t17`.`newest`
          )
        )
        AND `t17`.`occurred_at` < CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
        AND `t17`.`kind` = 'sale'
        AND NOT (
          `t17`.`status` IN ('unpaid', 'cancelled')
        )
        AND `t17`.`amount_minor` > 0
        AND `t17`.`quantity` > 0
    ) AS `t19`
    LEFT OUTER JOIN (
      SELECT
        `t10`.`sale_source` AS `source`,
        `t10`.`sale_order_id` AS `order_id`,
        `t10`.`sale_line_no` AS `line_no`,
        SUM(`t10`.`quantity`) AS `units_back`,
        SUM(`t10`.`amount_minor`) AS `minor_back`,
        BOOL_OR(`t10`.`quantity` = 0) AS `money_only`
      FROM (
        SELECT
          *
        FROM `int_refunds` AS `t1`
        WHERE
          `t1`.`sale_order_id` IS NOT NULL AND `t1`.`sale_line_no` IS NOT NULL
      ) AS `t10`
      GROUP BY
        1,
        2,
        3
    ) AS `t14`
      ON `t19`.`source` = `t14`.`source`
      AND `t19`.`order_id` = `t14`.`order_id`
      AND `t19`.`line_no` = `t14`.`line_no`
  ) AS `t20`
  WHERE
    NOT (
      COALESCE(`t20`.`units_back`, 0) >= `t20`.`quantity`
    )
    AND NOT (
      COALESCE(`t20`.`money_only`, FALSE)
      AND (
        COALESCE(`t20`.`minor_back`, 0) >= `t20`.`amount_minor`
      )
    )
) AS `t22`
INNER JOIN (
  SELECT
    `t0`.`source`,
    `t0`.`order_id`,
    `t0`.`person_id`,
    `t0`.`day`,
    `t0`.`paid_at`
  FROM `int_orders` AS `t0`
  WHERE
    `t0`.`is_purchase`
) AS `t9`
  ON `t22`.`source` = `t9`.`source` AND `t22`.`order_id` = `t9`.`order_id`;
