WITH `t26` AS (
  SELECT
    *
  FROM (
    SELECT
      *
    FROM `refunds_named` AS `t1`
    UNION ALL
    SELECT
      *
    FROM `refunds_latest` AS `t2`
  ) AS `t8`
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      `t23`.`r_source`,
      `t23`.`r_order_id`,
      `t23`.`r_line_no`,
      `t23`.`s_source`,
      `t23`.`s_order_id`,
      `t23`.`s_line_no`,
      `t23`.`sold_at`,
      0 AS `units`,
      1 AS `step`
    FROM (
      SELECT
        `t16`.`r_source`,
        `t16`.`r_order_id`,
        `t16`.`r_line_no`,
        `t16`.`named`,
        `t16`.`sku`,
        `t20`.`s_source`,
        `t20`.`s_order_id`,
        `t20`.`s_line_no`,
        `t20`.`s_sku`,
        `t20`.`sold_at`
      FROM (
        SELECT
          `t0`.`source` AS `r_source`,
          `t0`.`order_id` AS `r_order_id`,
          `t0`.`line_no` AS `r_line_no`,
          `t0`.`refund_of` AS `named`,
          `t0`.`sku`
        FROM `refund_lines` AS `t0`
        WHERE
          `t0`.`refund_of` IS NOT NULL AND `t0`.`units` = 0
      ) AS `t16`
      INNER JOIN (
        SELECT
          `t17`.`source` AS `s_source`,
          `t17`.`order_id` AS `s_order_id`,
          `t17`.`line_no` AS `s_line_no`,
          `t17`.`sku` AS `s_sku`,
          `t17`.`occurred_at` AS `sold_at`
        FROM (
          SELECT
            `t3`.`source`,
            `t3`.`order_id`,
            `t3`.`line_no`,
            `t3`.`person_id`,
            `t3`.`sku`,
            `t3`.`occurred_at`,
            `t3`.`units`,
            ROW_NUMBER() OVER (
              PARTITION BY `t3`.`source`, `t3`.`order_id`, `t3`.`sku`
              ORDER BY `t3`.`occurred_at` DESC, `t3`.`line_no` DESC
            ) - 1 AS `newest`
          FROM `refundable_lines` AS `t3`
        ) AS `t17`
        WHERE
          `t17`.`newest` = 0
      ) AS `t20`
        ON `t16`.`r_source` = `t20`.`s_source`
        AND `t16`.`named` = `t20`.`s_order_id`
        AND `t16`.`sku` = `t20`.`s_sku`
    ) AS `t23`
  ) AS `t24`
), `t32` AS (
  SELECT
    `t7`.`batch_id`,
    `t7`.`source`,
    `t7`.`order_id`,
    `t7`.`line_no`,
    `t7`.`kind`,
    `t7`.`person_id`,
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
    `t7`.`month`,
    `t7`.`units`,
    `t31`.`r_source`,
    `t31`.`r_order_id`,
    `t31`.`r_line_no`,
    `t31`.`taken`
  FROM `refund_lines` AS `t7`
  LEFT OUTER JOIN (
    SELECT
      `t27`.`r_source`,
      `t27`.`r_order_id`,
      `t27`.`r_line_no`,
      SUM(`t27`.`units`) AS `taken`
    FROM `t26` AS `t27`
    GROUP BY
      1,
      2,
      3
  ) AS `t31`
    ON `t7`.`source` = `t31`.`r_source`
    AND `t7`.`order_id` = `t31`.`r_order_id`
    AND `t7`.`line_no` = `t31`.`r_line_no`
)
SELECT
  `t48`.`batch_id`,
  `t48`.`source`,
  `t48`.`order_id`,
  `t48`.`line_no`,
  `t48`.`kind`,
  `t48`.`person_id`,
  `t48`.`sku`,
  `t48`.`category`,
  `t48`.`quantity`,
  `t48`.`amount_minor`,
  `t48`.`discount_minor`,
  `t48`.`status`,
  `t48`.`order_type`,
  `t48`.`occurred_at`,
  `t48`.`refund_of`,
  `t48`.`channel`,
  `t48`.`store`,
  `t48`.`month`,
  `t48`.`part_no`,
  `t48`.`units`,
  `t48`.`part_minor`,
  `t48`.`s_source` AS `sale_source`,
  `t48`.`s_order_id` AS `sale_order_id`,
  `t48`.`s_line_no` AS `sale_line_no`
FROM (
  SELECT
    `t47`.`batch_id`,
    `t47`.`source`,
    `t47`.`order_id`,
    `t47`.`line_no`,
    `t47`.`kind`,
    `t47`.`person_id`,
    `t47`.`sku`,
    `t47`.`category`,
    `t47`.`quantity`,
    `t47`.`amount_minor`,
    `t47`.`discount_minor`,
    `t47`.`status`,
    `t47`.`order_type`,
    `t47`.`occurred_at`,
    `t47`.`refund_of`,
    `t47`.`channel`,
    `t47`.`store`,
    `t47`.`month`,
    `t47`.`line_units`,
    `t47`.`r_source`,
    `t47`.`r_order_id`,
    `t47`.`r_line_no`,
    `t47`.`s_source`,
    `t47`.`s_order_id`,
    `t47`.`s_line_no`,
    `t47`.`sold_at`,
    `t47`.`units`,
    `t47`.`step`,
    `t47`.`part_no`,
    `t47`.`reached`,
    `t47`.`money`,
    `t47`.`money` - COALESCE(
      LAG(`t47`.`money`, 1) OVER (
        PARTITION BY `t47`.`source`, `t47`.`order_id`, `t47`.`line_no`
        ORDER BY `t47`.`part_no` ASC NULLS LAST
      ),
      0
    ) AS `part_minor`
  FROM (
    SELECT
      `t46`.`batch_id`,
      `t46`.`source`,
      `t46`.`order_id`,
      `t46`.`line_no`,
      `t46`.`kind`,
      `t46`.`person_id`,
      `t46`.`sku`,
      `t46`.`category`,
      `t46`.`quantity`,
      `t46`.`amount_minor`,
      `t46`.`discount_minor`,
      `t46`.`status`,
      `t46`.`order_type`,
      `t46`.`occurred_at`,
      `t46`.`refund_of`,
      `t46`.`channel`,
      `t46`.`store`,
      `t46`.`month`,
      `t46`.`line_units`,
      `t46`.`r_source`,
      `t46`.`r_order_id`,
      `t46`.`r_line_no`,
      `t46`.`s_source`,
      `t46`.`s_order_id`,
      `t46`.`s_line_no`,
      `t46`.`sold_at`,
      `t46`.`units`,
      `t46`.`step`,
      `t46`.`part_no`,
      `t46`.`reached`,
      IF(
        `t46`.`reached` = `t46`.`line_units`,
        `t46`.`amount_minor`,
        (
          CAST(ROUND(
            (
              `t46`.`amount_minor` - (
                `t46`.`amount_minor` % GREATEST(`t46`.`line_units`, 1)
              )
            ) / GREATEST(`t46`.`line_units`, 1),
            0
          ) AS BIGINT) * `t46`.`reached`
        ) + CAST(ROUND(
          (
            (
              (
                (
                  `t46`.`amount_minor` % GREATEST(`t46`.`line_units`, 1)
                ) * `t46`.`reached`
              ) + CAST(ROUND(
                (
                  GREATEST(`t46`.`line_units`, 1) - (
                    GREATEST(`t46`.`line_units`, 1) % 2
                  )
                ) / 2,
                0
              ) AS BIGINT)
            ) - (
              (
                (
                  (
                    `t46`.`amount_minor` % GREATEST(`t46`.`line_units`, 1)
                  ) * `t46`.`reached`
                ) + CAST(ROUND(
                  (
                    GREATEST(`t46`.`line_units`, 1) - (
                      GREATEST(`t46`.`line_units`, 1) % 2
                    )
                  ) / 2,
                  0
                ) AS BIGINT)
              ) % GREATEST(`t46`.`line_units`, 1)
            )
          ) / GREATEST(`t46`.`line_units`, 1),
          0
        ) AS BIGINT)
      ) AS `money`
    FROM (
      SELECT
        `t45`.`batch_id`,
        `t45`.`source`,
        `t45`.`order_id`,
        `t45`.`line_no`,
        `t45`.`kind`,
        `t45`.`person_id`,
        `t45`.`sku`,
        `t45`.`category`,
        `t45`.`quantity`,
        `t45`.`amount_minor`,
        `t45`.`discount_minor`,
        `t45`.`status`,
        `t45`.`order_type`,
        `t45`.`occurred_at`,
        `t45`.`refund_of`,
        `t45`.`channel`,
        `t45`.`store`,
        `t45`.`month`,
        `t45`.`line_units`,
        `t45`.`r_source`,
        `t45`.`r_order_id`,
        `t45`.`r_line_no`,
        `t45`.`s_source`,
        `t45`.`s_order_id`,
        `t45`.`s_line_no`,
        `t45`.`sold_at`,
        `t45`.`units`,
        `t45`.`step`,
        CAST((
          ROW_NUMBER() OVER (
            PARTITION BY `t45`.`source`, `t45`.`order_id`, `t45`.`line_no`
            ORDER BY `t45`.`step` ASC NULLS LAST, `t45`.`sold_at` DESC, `t45`.`s_source` DESC, `t45`.`s_order_id` DESC, `t45`.`s_line_no` DESC
          ) - 1
        ) + 1 AS INT) AS `part_no`,
        SUM(`t45`.`units`) OVER (
          PARTITION BY `t45`.`source`, `t45`.`order_id`, `t45`.`line_no`
          ORDER BY `t45`.`step` ASC NULLS LAST, `t45`.`sold_at` DESC, `t45`.`s_source` DESC, `t45`.`s_order_id` DESC, `t45`.`s_line_no` DESC
          ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS `reached`
      FROM (
        SELECT
          `t13`.`batch_id`,
          `t13`.`source`,
          `t13`.`order_id`,
          `t13`.`line_no`,
          `t13`.`kind`,
          `t13`.`person_id`,
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
          `t13`.`month`,
          `t13`.`line_units`,
          `t44`.`r_source`,
          `t44`.`r_order_id`,
          `t44`.`r_line_no`,
          `t44`.`s_source`,
          `t44`.`s_order_id`,
          `t44`.`s_line_no`,
          `t44`.`sold_at`,
          `t44`.`units`,
          `t44`.`step`
        FROM (
          SELECT
            `t0`.`batch_id`,
            `t0`.`source`,
            `t0`.`order_id`,
            `t0`.`line_no`,
            `t0`.`kind`,
            `t0`.`person_id`,
            `t0`.`sku`,
            `t0`.`category`,
            `t0`.`quantity`,
            `t0`.`amount_minor`,
            `t0`.`discount_minor`,
            `t0`.`status`,
            `t0`.`order_type`,
            `t0`.`occurred_at`,
            `t0`.`refund_of`,
            `t0`.`channel`,
            `t0`.`store`,
            `t0`.`month`,
            `t0`.`units` AS `line_units`
          FROM `refund_lines` AS `t0`
        ) AS `t13`
        INNER JOIN (
          SELECT
            *
          FROM `t26` AS `t27`
          UNION ALL
          SELECT
            *
          FROM (
            SELECT
              `t36`.`source` AS `r_source`,
              `t36`.`order_id` AS `r_order_id`,
              `t36`.`line_no` AS `r_line_no`,
              `t41`.`s_source`,
              `t41`.`s_order_id`,
              CAST(NULL AS INT) AS `s_line_no`,
              CAST(NULL AS TIMESTAMP) AS `sold_at`,
              `t36`.`units`,
              3 AS `step`
            FROM (
              SELECT
                `t33`.`source`,
                `t33`.`order_id`,
                `t33`.`line_no`,
                `t33`.`refund_of`,
                `t33`.`units` - COALESCE(`t33`.`taken`, 0) AS `units`
              FROM `t32` AS `t33`
              WHERE
                (
                  `t33`.`taken` IS NULL
                ) OR (
                  `t33`.`taken` < `t33`.`units`
                )
            ) AS `t36`
            LEFT OUTER JOIN (
              SELECT
                `t39`.`source` AS `s_source`,
                `t39`.`order_id` AS `s_order_id`
              FROM (
                SELECT DISTINCT
                  *
                FROM (
                  SELECT
                    `t30`.`source`,
                    `t30`.`order_id`
                  FROM (
                    SELECT
                      `t25`.`batch_id`,
                      `t25`.`source`,
                      `t25`.`order_id`,
                      `t25`.`line_no`,
                      `t25`.`kind`,
                      `t25`.`person_id`,
                      `t25`.`sku`,
                      `t25`.`category`,
                      `t25`.`quantity`,
                      `t25`.`amount_minor`,
                      `t25`.`discount_minor`,
                      `t25`.`status`,
                      `t25`.`order_type`,
                      `t25`.`occurred_at`,
                      `t25`.`refund_of`,
                      `t25`.`channel`,
                      `t25`.`store`,
                      `t25`.`month`
                    FROM (
                      SELECT
                        `t22`.`batch_id`,
                        `t22`.`source`,
                        `t22`.`order_id`,
                        `t22`.`line_no`,
                        `t22`.`kind`,
                        `t22`.`person_id`,
                        `t22`.`sku`,
                        `t22`.`category`,
                        `t22`.`quantity`,
                        `t22`.`amount_minor`,
                        `t22`.`discount_minor`,
                        `t22`.`status`,
                        `t22`.`order_type`,
                        `t22`.`occurred_at`,
                        `t22`.`refund_of`,
                        `t22`.`channel`,
                        `t22`.`store`,
                        `t22`.`month`,
                        `t9`.`source` AS `source_right`,
                        `t9`.`order_id` AS `order_id_right`,
                        `t9`.`newest`
                      FROM (
                        SELECT
                          `t18`.`batch_id`,
                          `t18`.`source`,
                          `t18`.`order_id`,
                          `t18`.`line_no`,
                          `t18`.`kind`,
                          COALESCE(`t18`.`linked_customer`, `t18`.`person_id`) AS `person_id`,
                          `t18`.`sku`,
                          `t18`.`category`,
                          `t18`.`quantity`,
                          `t18`.`amount_minor`,
                          `t18`.`discount_minor`,
                          `t18`.`status`,
                          `t18`.`order_type`,
                          `t18`.`occurred_at`,
                          `t18`.`refund_of`,
                          `t18`.`channel`,
                          `t18`.`store`,
                          `t18`.`month`
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
                            `t10`.`month`,
                            `t15`.`linked_person`,
                            `t15`.`linked_customer`
                          FROM `fct_order_lines` AS `t10`
                          LEFT OUTER JOIN (
                            SELECT
                              `t6`.`person_id` AS `linked_person`,
                              `t6`.`customer_id` AS `linked_customer`
                            FROM `dim_person_links` AS `t6`
                          ) AS `t15`
                            ON `t10`.`person_id` = `t15`.`linked_person`
                        ) AS `t18`
                      ) AS `t22`
                      LEFT OUTER JOIN `replaced_orders` AS `t9`
                        ON `t22`.`source` = `t9`.`source` AND `t22`.`order_id` = `t9`.`order_id`
                    ) AS `t25`
                    WHERE
                      (
                        (
                          `t25`.`newest` IS NULL
                        ) OR (
                          `t25`.`batch_id` = `t25`.`newest`
                        )
                      )
                      AND `t25`.`occurred_at` < CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
                      AND NOT (
                        `t25`.`status` IN ('unpaid', 'cancelled')
                      )
                      AND `t25`.`kind` = 'sale'
                  ) AS `t30`
                  LEFT SEMI JOIN (
                    SELECT DISTINCT
                      `t33`.`source`,
                      `t33`.`refund_of` AS `order_id`
                    FROM `t32` AS `t33`
                    WHERE
                      (
                        (
                          `t33`.`taken` IS NULL
                        ) OR (
                          `t33`.`taken` < `t33`.`units`
                        )
                      )
                      AND `t33`.`refund_of` IS NOT NULL
                  ) AS `t37`
                    ON `t30`.`source` = `t37`.`source` AND `t30`.`order_id` = `t37`.`order_id`
                ) AS `t38`
              ) AS `t39`
            ) AS `t41`
              ON `t36`.`source` = `t41`.`s_source` AND `t36`.`refund_of` = `t41`.`s_order_id`
          ) AS `t42`
        ) AS `t44`
          ON `t13`.`source` = `t44`.`r_source`
          AND `t13`.`order_id` = `t44`.`r_order_id`
          AND `t13`.`line_no` = `t44`.`r_line_no`
      ) AS `t45`
    ) AS `t46`
  ) AS `t47`
) AS `t48`;
