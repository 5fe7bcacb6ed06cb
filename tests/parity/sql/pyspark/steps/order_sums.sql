SELECT
  `t12`.`source`,
  `t12`.`order_id`,
  `t12`.`person_id`,
  `t12`.`paid_at`,
  `t12`.`channel`,
  `t12`.`store`,
  `t12`.`amount_minor`,
  `t12`.`discount_minor`,
  `t12`.`is_mixed`,
  CAST(`t12`.`paid_at` + CASE
    WHEN `t12`.`paid_at` >= CAST('2024-03-31T01:00:00+00:00' AS TIMESTAMP)
    THEN INTERVAL '3600' SECOND
    WHEN `t12`.`paid_at` >= CAST('2023-10-29T01:00:00+00:00' AS TIMESTAMP)
    THEN INTERVAL '0' SECOND
    ELSE INTERVAL '3600' SECOND
  END AS DATE) AS `day`,
  COALESCE(`t12`.`channel` IN ('store'), FALSE)
  OR COALESCE(`t12`.`person_id` IN (2), FALSE)
  OR `t12`.`special`
  OR `t12`.`only_skus`
  OR (
    `t12`.`amount_minor` < 100
  ) AS `is_excluded`
FROM (
  SELECT
    `t11`.`source`,
    `t11`.`order_id`,
    MAX(`t11`.`person_id`) AS `person_id`,
    MIN(`t11`.`occurred_at`) AS `paid_at`,
    MAX(`t11`.`channel`) AS `channel`,
    MAX(`t11`.`store`) AS `store`,
    SUM(`t11`.`amount_minor`) AS `amount_minor`,
    SUM(`t11`.`discount_minor`) AS `discount_minor`,
    COALESCE(MIN(`t11`.`person_id`) <> MAX(`t11`.`person_id`), FALSE)
    OR (
      (
        COUNT(`t11`.`person_id`) > 0
      ) AND (
        COUNT(`t11`.`person_id`) < COUNT(*)
      )
    )
    OR (
      MIN(`t11`.`occurred_at`) < MAX(`t11`.`occurred_at`)
    ) AS `is_mixed`,
    BOOL_OR(COALESCE(`t11`.`order_type` IN ('brushing', 'sample', 'staff'), FALSE)) AS `special`,
    BOOL_AND(COALESCE(`t11`.`sku` IN ('z'), FALSE)) AS `only_skus`
  FROM (
    SELECT
      `t10`.`batch_id`,
      `t10`.`source`,
      `t10`.`order_id`,
      `t10`.`line_no`,
      `t10`.`kind`,
      `t10`.`person_id`,
      `t10`.`sku`,
      `t10`.`category`,
      `t10`.`quantity`,
      `t10`.`amount_minor`,
      `t10`.`discount_minor`,
      `t10`.`status`,
      `t10`.`order_type`,
      `t10`.`occurred_at`,
      `t10`.`refund_of`,
      `t10`.`channel`,
      `t10`.`store`,
      `t10`.`month`
    FROM (
      SELECT
        `t9`.`batch_id`,
        `t9`.`source`,
        `t9`.`order_id`,
        `t9`.`line_no`,
        `t9`.`kind`,
        `t9`.`person_id`,
        `t9`.`sku`,
        `t9`.`category`,
        `t9`.`quantity`,
        `t9`.`amount_minor`,
        `t9`.`discount_minor`,
        `t9`.`status`,
        `t9`.`order_type`,
        `t9`.`occurred_at`,
        `t9`.`refund_of`,
        `t9`.`channel`,
        `t9`.`store`,
        `t9`.`month`,
        `t3`.`source` AS `source_right`,
        `t3`.`order_id` AS `order_id_right`,
        `t3`.`newest`
      FROM (
        SELECT
          `t7`.`batch_id`,
          `t7`.`source`,
          `t7`.`order_id`,
          `t7`.`line_no`,
          `t7`.`kind`,
          COALESCE(`t7`.`linked_customer`, `t7`.`person_id`) AS `person_id`,
          `t7`.`sku`,
          `t7`.`category`,
          `t7`.`quantity`,
          `t7`.`amount_minor`,
          `t7`.`discount_minor`,
          `t7`.`status`,
          `t7`.`order_type`,
          `t7`.`occurred_at`,
          `t7`.`refund_of`,
          `t7`.`channel`,
          `t7`.`store`,
          `t7`.`month`
        FROM (
          SELECT
            `t4`.`batch_id`,
            `t4`.`source`,
            `t4`.`order_id`,
            `t4`.`line_no`,
            `t4`.`kind`,
            `t4`.`person_id`,
            `t4`.`sku`,
            `t4`.`category`,
            `t4`.`quantity`,
            `t4`.`amount_minor`,
            `t4`.`discount_minor`,
            `t4`.`status`,
            `t4`.`order_type`,
            `t4`.`occurred_at`,
            `t4`.`refund_of`,
            `t4`.`channel`,
            `t4`.`store`,
            `t4`.`month`,
            `t6`.`linked_person`,
            `t6`.`linked_customer`
          FROM `fct_order_lines` AS `t4`
          LEFT OUTER JOIN (
            SELECT
              `t2`.`person_id` AS `linked_person`,
              `t2`.`customer_id` AS `linked_customer`
            FROM `dim_person_links` AS `t2`
          ) AS `t6`
            ON `t4`.`person_id` = `t6`.`linked_person`
        ) AS `t7`
      ) AS `t9`
      LEFT OUTER JOIN `replaced_orders` AS `t3`
        ON `t9`.`source` = `t3`.`source` AND `t9`.`order_id` = `t3`.`order_id`
    ) AS `t10`
    WHERE
      (
        (
          `t10`.`newest` IS NULL
        ) OR (
          `t10`.`batch_id` = `t10`.`newest`
        )
      )
      AND `t10`.`occurred_at` < CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
      AND NOT (
        `t10`.`status` IN ('unpaid', 'cancelled')
      )
      AND `t10`.`kind` = 'sale'
  ) AS `t11`
  GROUP BY
    1,
    2
) AS `t12`;
