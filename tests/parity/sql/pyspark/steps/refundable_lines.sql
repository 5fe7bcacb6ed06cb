SELECT
  `t18`.`source`,
  `t18`.`order_id`,
  `t18`.`line_no`,
  `t18`.`person_id`,
  `t18`.`sku`,
  `t18`.`occurred_at`,
  CAST(CAST(ROUND(`t18`.`quantity` * 10000, 0) AS DECIMAL(18, 0)) AS BIGINT) AS `units`
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
    `t17`.`month`,
    `t10`.`source` AS `source_o`,
    `t10`.`order_id` AS `order_id_o`,
    `t10`.`sku` AS `sku_o`,
    `t10`.`by_order`,
    `t11`.`person_id` AS `person_id_p`,
    `t11`.`sku` AS `sku_p`,
    `t11`.`by_person`
  FROM (
    SELECT
      `t15`.`batch_id`,
      `t15`.`source`,
      `t15`.`order_id`,
      `t15`.`line_no`,
      `t15`.`kind`,
      `t15`.`person_id`,
      `t15`.`sku`,
      `t15`.`category`,
      `t15`.`quantity`,
      `t15`.`amount_minor`,
      `t15`.`discount_minor`,
      `t15`.`status`,
      `t15`.`order_type`,
      `t15`.`occurred_at`,
      `t15`.`refund_of`,
      `t15`.`channel`,
      `t15`.`store`,
      `t15`.`month`
    FROM (
      SELECT
        `t14`.`batch_id`,
        `t14`.`source`,
        `t14`.`order_id`,
        `t14`.`line_no`,
        `t14`.`kind`,
        `t14`.`person_id`,
        `t14`.`sku`,
        `t14`.`category`,
        `t14`.`quantity`,
        `t14`.`amount_minor`,
        `t14`.`discount_minor`,
        `t14`.`status`,
        `t14`.`order_type`,
        `t14`.`occurred_at`,
        `t14`.`refund_of`,
        `t14`.`channel`,
        `t14`.`store`,
        `t14`.`month`,
        `t4`.`source` AS `source_right`,
        `t4`.`order_id` AS `order_id_right`,
        `t4`.`newest`
      FROM (
        SELECT
          `t12`.`batch_id`,
          `t12`.`source`,
          `t12`.`order_id`,
          `t12`.`line_no`,
          `t12`.`kind`,
          COALESCE(`t12`.`linked_customer`, `t12`.`person_id`) AS `person_id`,
          `t12`.`sku`,
          `t12`.`category`,
          `t12`.`quantity`,
          `t12`.`amount_minor`,
          `t12`.`discount_minor`,
          `t12`.`status`,
          `t12`.`order_type`,
          `t12`.`occurred_at`,
          `t12`.`refund_of`,
          `t12`.`channel`,
          `t12`.`store`,
          `t12`.`month`
        FROM (
          SELECT
            `t5`.`batch_id`,
            `t5`.`source`,
            `t5`.`order_id`,
            `t5`.`line_no`,
            `t5`.`kind`,
            `t5`.`person_id`,
            `t5`.`sku`,
            `t5`.`category`,
            `t5`.`quantity`,
            `t5`.`amount_minor`,
            `t5`.`discount_minor`,
            `t5`.`status`,
            `t5`.`order_type`,
            `t5`.`occurred_at`,
            `t5`.`refund_of`,
            `t5`.`channel`,
            `t5`.`store`,
            `t5`.`month`,
            `t9`.`linked_person`,
            `t9`.`linked_customer`
          FROM `fct_order_lines` AS `t5`
          LEFT OUTER JOIN (
            SELECT
              `t3`.`person_id` AS `linked_person`,
              `t3`.`customer_id` AS `linked_customer`
            FROM `dim_person_links` AS `t3`
          ) AS `t9`
            ON `t5`.`person_id` = `t9`.`linked_person`
        ) AS `t12`
      ) AS `t14`
      LEFT OUTER JOIN `replaced_orders` AS `t4`
        ON `t14`.`source` = `t4`.`source` AND `t14`.`order_id` = `t4`.`order_id`
    ) AS `t15`
    WHERE
      (
        (
          `t15`.`newest` IS NULL
        ) OR (
          `t15`.`batch_id` = `t15`.`newest`
        )
      )
      AND `t15`.`occurred_at` < CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
      AND NOT (
        `t15`.`status` IN ('unpaid', 'cancelled')
      )
      AND `t15`.`kind` = 'sale'
  ) AS `t17`
  LEFT OUTER JOIN (
    SELECT DISTINCT
      `t0`.`source`,
      `t0`.`refund_of` AS `order_id`,
      `t0`.`sku`,
      TRUE AS `by_order`
    FROM `refund_lines` AS `t0`
    WHERE
      `t0`.`refund_of` IS NOT NULL
  ) AS `t10`
    ON `t17`.`source` = `t10`.`source`
    AND `t17`.`order_id` = `t10`.`order_id`
    AND `t17`.`sku` = `t10`.`sku`
  LEFT OUTER JOIN (
    SELECT DISTINCT
      `t0`.`person_id`,
      `t0`.`sku`,
      TRUE AS `by_person`
    FROM `refund_lines` AS `t0`
    WHERE
      `t0`.`person_id` IS NOT NULL
  ) AS `t11`
    ON `t17`.`person_id` = `t11`.`person_id` AND `t17`.`sku` = `t11`.`sku`
) AS `t18`
WHERE
  (
    `t18`.`by_order` IS NOT NULL
  ) OR (
    `t18`.`by_person` IS NOT NULL
  );
