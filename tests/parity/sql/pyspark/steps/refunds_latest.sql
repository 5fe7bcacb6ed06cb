WITH `t10` AS (
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
    `t4`.`units`,
    `t8`.`r_source`,
    `t8`.`r_order_id`,
    `t8`.`r_line_no`,
    `t8`.`taken`
  FROM `refund_lines` AS `t4`
  LEFT OUTER JOIN (
    SELECT
      `t2`.`r_source`,
      `t2`.`r_order_id`,
      `t2`.`r_line_no`,
      SUM(`t2`.`units`) AS `taken`
    FROM `refunds_named` AS `t2`
    GROUP BY
      1,
      2,
      3
  ) AS `t8`
    ON `t4`.`source` = `t8`.`r_source`
    AND `t4`.`order_id` = `t8`.`r_order_id`
    AND `t4`.`line_no` = `t8`.`r_line_no`
), `t23` AS (
  SELECT
    `t22`.`source`,
    `t22`.`order_id`,
    `t22`.`line_no`,
    `t22`.`person_id`,
    `t22`.`sku`,
    `t22`.`occurred_at`,
    `t22`.`units`,
    `t22`.`is_refund`,
    `t22`.`position`,
    `t22`.`change`,
    `t22`.`total`,
    `t22`.`lowest`,
    `t22`.`after`,
    LEAST(
      COALESCE(
        LAG(`t22`.`after`, 1) OVER (
          PARTITION BY `t22`.`person_id`, `t22`.`sku`
          ORDER BY `t22`.`position` ASC NULLS LAST
        ),
        0
      ),
      `t22`.`after`
    ) AS `low`,
    GREATEST(
      COALESCE(
        LAG(`t22`.`after`, 1) OVER (
          PARTITION BY `t22`.`person_id`, `t22`.`sku`
          ORDER BY `t22`.`position` ASC NULLS LAST
        ),
        0
      ),
      `t22`.`after`
    ) AS `high`
  FROM (
    SELECT
      `t21`.`source`,
      `t21`.`order_id`,
      `t21`.`line_no`,
      `t21`.`person_id`,
      `t21`.`sku`,
      `t21`.`occurred_at`,
      `t21`.`units`,
      `t21`.`is_refund`,
      `t21`.`position`,
      `t21`.`change`,
      `t21`.`total`,
      `t21`.`lowest`,
      `t21`.`total` - `t21`.`lowest` AS `after`
    FROM (
      SELECT
        `t20`.`source`,
        `t20`.`order_id`,
        `t20`.`line_no`,
        `t20`.`person_id`,
        `t20`.`sku`,
        `t20`.`occurred_at`,
        `t20`.`units`,
        `t20`.`is_refund`,
        `t20`.`position`,
        `t20`.`change`,
        `t20`.`total`,
        LEAST(
          MIN(`t20`.`total`) OVER (
            PARTITION BY `t20`.`person_id`, `t20`.`sku`
            ORDER BY `t20`.`position` ASC NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
          ),
          0
        ) AS `lowest`
      FROM (
        SELECT
          `t19`.`source`,
          `t19`.`order_id`,
          `t19`.`line_no`,
          `t19`.`person_id`,
          `t19`.`sku`,
          `t19`.`occurred_at`,
          `t19`.`units`,
          `t19`.`is_refund`,
          `t19`.`position`,
          `t19`.`change`,
          SUM(`t19`.`change`) OVER (
            PARTITION BY `t19`.`person_id`, `t19`.`sku`
            ORDER BY `t19`.`position` ASC NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
          ) AS `total`
        FROM (
          SELECT
            `t18`.`source`,
            `t18`.`order_id`,
            `t18`.`line_no`,
            `t18`.`person_id`,
            `t18`.`sku`,
            `t18`.`occurred_at`,
            `t18`.`units`,
            `t18`.`is_refund`,
            ROW_NUMBER() OVER (
              PARTITION BY `t18`.`person_id`, `t18`.`sku`
              ORDER BY `t18`.`occurred_at` ASC NULLS LAST, `t18`.`is_refund` ASC NULLS LAST, `t18`.`source` ASC NULLS LAST, `t18`.`order_id` ASC NULLS LAST, `t18`.`line_no` ASC NULLS LAST
            ) - 1 AS `position`,
            IF(`t18`.`is_refund`, -(
              `t18`.`units`
            ), `t18`.`units`) AS `change`
          FROM (
            SELECT
              `t17`.`source`,
              `t17`.`order_id`,
              `t17`.`line_no`,
              `t17`.`person_id`,
              `t17`.`sku`,
              `t17`.`occurred_at`,
              `t17`.`units`,
              `t17`.`is_refund`
            FROM (
              SELECT
                *
              FROM (
                SELECT
                  `t9`.`source`,
                  `t9`.`order_id`,
                  `t9`.`line_no`,
                  `t9`.`person_id`,
                  `t9`.`sku`,
                  `t9`.`occurred_at`,
                  `t9`.`units` - COALESCE(`t9`.`taken`, 0) AS `units`,
                  FALSE AS `is_refund`
                FROM (
                  SELECT
                    `t3`.`source`,
                    `t3`.`order_id`,
                    `t3`.`line_no`,
                    `t3`.`person_id`,
                    `t3`.`sku`,
                    `t3`.`occurred_at`,
                    `t3`.`units`,
                    `t7`.`s_source`,
                    `t7`.`s_order_id`,
                    `t7`.`s_line_no`,
                    `t7`.`taken`
                  FROM `refundable_lines` AS `t3`
                  LEFT OUTER JOIN (
                    SELECT
                      `t2`.`s_source`,
                      `t2`.`s_order_id`,
                      `t2`.`s_line_no`,
                      SUM(`t2`.`units`) AS `taken`
                    FROM `refunds_named` AS `t2`
                    GROUP BY
                      1,
                      2,
                      3
                  ) AS `t7`
                    ON `t3`.`source` = `t7`.`s_source`
                    AND `t3`.`order_id` = `t7`.`s_order_id`
                    AND `t3`.`line_no` = `t7`.`s_line_no`
                ) AS `t9`
                WHERE
                  (
                    `t9`.`units` - COALESCE(`t9`.`taken`, 0)
                  ) > 0
                  AND `t9`.`person_id` IS NOT NULL
              ) AS `t12`
              UNION ALL
              SELECT
                *
              FROM (
                SELECT
                  `t11`.`source`,
                  `t11`.`order_id`,
                  `t11`.`line_no`,
                  `t11`.`person_id`,
                  `t11`.`sku`,
                  `t11`.`occurred_at`,
                  `t11`.`units` - COALESCE(`t11`.`taken`, 0) AS `units`,
                  TRUE AS `is_refund`
                FROM `t10` AS `t11`
                WHERE
                  (
                    `t11`.`units` - COALESCE(`t11`.`taken`, 0)
                  ) > 0
                  AND `t11`.`person_id` IS NOT NULL
              ) AS `t13`
            ) AS `t17`
            LEFT SEMI JOIN (
              SELECT DISTINCT
                `t11`.`person_id`,
                `t11`.`sku`
              FROM `t10` AS `t11`
              WHERE
                (
                  `t11`.`units` - COALESCE(`t11`.`taken`, 0)
                ) > 0
                AND `t11`.`person_id` IS NOT NULL
            ) AS `t16`
              ON `t17`.`person_id` = `t16`.`person_id` AND `t17`.`sku` = `t16`.`sku`
          ) AS `t18`
        ) AS `t19`
      ) AS `t20`
    ) AS `t21`
  ) AS `t22`
)
SELECT
  `t36`.`r_source`,
  `t36`.`r_order_id`,
  `t36`.`r_line_no`,
  `t36`.`s_source`,
  `t36`.`s_order_id`,
  `t36`.`s_line_no`,
  `t36`.`sold_at`,
  `t36`.`units`,
  2 AS `step`
FROM (
  SELECT
    `t35`.`source` AS `r_source`,
    `t35`.`order_id` AS `r_order_id`,
    `t35`.`line_no` AS `r_line_no`,
    `t35`.`s_source`,
    `t35`.`s_order_id`,
    `t35`.`s_line_no`,
    `t35`.`sold_at`,
    SUM(`t35`.`top` - `t35`.`depth`) AS `units`
  FROM (
    SELECT
      *
    FROM (
      SELECT
        `t33`.`source`,
        `t33`.`order_id`,
        `t33`.`line_no`,
        `t33`.`person_id`,
        `t33`.`sku`,
        `t33`.`occurred_at`,
        `t33`.`units`,
        `t33`.`is_refund`,
        `t33`.`position`,
        `t33`.`change`,
        `t33`.`total`,
        `t33`.`lowest`,
        `t33`.`after`,
        `t33`.`low`,
        `t33`.`high`,
        `t33`.`person_id_right`,
        `t33`.`sku_right`,
        `t33`.`depth`,
        `t33`.`top`,
        LAG(`t33`.`source`, 1) OVER (
          PARTITION BY `t33`.`person_id`, `t33`.`sku`, `t33`.`depth`
          ORDER BY `t33`.`position` ASC NULLS LAST
        ) AS `s_source`,
        LAG(`t33`.`order_id`, 1) OVER (
          PARTITION BY `t33`.`person_id`, `t33`.`sku`, `t33`.`depth`
          ORDER BY `t33`.`position` ASC NULLS LAST
        ) AS `s_order_id`,
        LAG(`t33`.`line_no`, 1) OVER (
          PARTITION BY `t33`.`person_id`, `t33`.`sku`, `t33`.`depth`
          ORDER BY `t33`.`position` ASC NULLS LAST
        ) AS `s_line_no`,
        LAG(`t33`.`occurred_at`, 1) OVER (
          PARTITION BY `t33`.`person_id`, `t33`.`sku`, `t33`.`depth`
          ORDER BY `t33`.`position` ASC NULLS LAST
        ) AS `sold_at`
      FROM (
        SELECT
          `t28`.`source`,
          `t28`.`order_id`,
          `t28`.`line_no`,
          `t28`.`person_id`,
          `t28`.`sku`,
          `t28`.`occurred_at`,
          `t28`.`units`,
          `t28`.`is_refund`,
          `t28`.`position`,
          `t28`.`change`,
          `t28`.`total`,
          `t28`.`lowest`,
          `t28`.`after`,
          `t28`.`low`,
          `t28`.`high`,
          `t32`.`person_id` AS `person_id_right`,
          `t32`.`sku` AS `sku_right`,
          `t32`.`depth`,
          `t32`.`top`
        FROM (
          SELECT
            *
          FROM `t23` AS `t24`
          WHERE
            `t24`.`high` > `t24`.`low`
        ) AS `t28`
        INNER JOIN (
          SELECT
            *
          FROM (
            SELECT
              `t29`.`person_id`,
              `t29`.`sku`,
              `t29`.`depth`,
              LEAD(`t29`.`depth`, 1) OVER (PARTITION BY `t29`.`person_id`, `t29`.`sku` ORDER BY `t29`.`depth` ASC NULLS LAST) AS `top`
            FROM (
              SELECT
                *
              FROM (
                SELECT
                  `t24`.`person_id`,
                  `t24`.`sku`,
                  `t24`.`low` AS `depth`
                FROM `t23` AS `t24`
                WHERE
                  `t24`.`high` > `t24`.`low`
              ) AS `t26`
              UNION
              SELECT
                *
              FROM (
                SELECT
                  `t24`.`person_id`,
                  `t24`.`sku`,
                  `t24`.`high` AS `depth`
                FROM `t23` AS `t24`
                WHERE
                  `t24`.`high` > `t24`.`low`
              ) AS `t27`
            ) AS `t29`
          ) AS `t30`
          WHERE
            `t30`.`top` IS NOT NULL
        ) AS `t32`
          ON `t28`.`person_id` = `t32`.`person_id`
          AND `t28`.`sku` = `t32`.`sku`
          AND `t28`.`low` <= `t32`.`depth`
          AND `t28`.`high` >= `t32`.`top`
      ) AS `t33`
    ) AS `t34`
    WHERE
      `t34`.`is_refund`
  ) AS `t35`
  GROUP BY
    1,
    2,
    3,
    4,
    5,
    6,
    7
) AS `t36`;
