SELECT
  *
FROM (
  SELECT
    `t11`.`dim0`,
    `t11`.`person_id`,
    `t11`.`paid_at`,
    `t11`.`day`
  FROM (
    SELECT
      `t10`.`dim0`,
      `t10`.`person_id`,
      `t10`.`day`,
      MIN(`t10`.`paid_at`) AS `paid_at`
    FROM (
      SELECT
        `t8`.`source`,
        `t8`.`order_id`,
        `t8`.`person_id`,
        `t8`.`paid_at`,
        `t8`.`day`,
        `t8`.`channel`,
        `t8`.`store`,
        `t8`.`amount_minor`,
        `t8`.`discount_minor`,
        `t8`.`refunded_minor`,
        `t8`.`is_excluded`,
        `t8`.`is_purchase`,
        `t8`.`purchase_no`,
        `t8`.`previous_paid_at`,
        `t8`.`category`,
        COALESCE(`t8`.`category`, 'unknown') AS `dim0`
      FROM (
        SELECT
          `t7`.`source`,
          `t7`.`order_id`,
          `t7`.`person_id`,
          `t7`.`paid_at`,
          `t7`.`day`,
          `t7`.`channel`,
          `t7`.`store`,
          `t7`.`amount_minor`,
          `t7`.`discount_minor`,
          `t7`.`refunded_minor`,
          `t7`.`is_excluded`,
          `t7`.`is_purchase`,
          `t7`.`purchase_no`,
          `t7`.`previous_paid_at`,
          `t7`.`category`
        FROM (
          SELECT
            `t6`.`source`,
            `t6`.`order_id`,
            `t6`.`person_id`,
            `t6`.`paid_at`,
            `t6`.`day`,
            `t6`.`channel`,
            `t6`.`store`,
            `t6`.`part_minor` AS `amount_minor`,
            `t6`.`discount_minor`,
            `t6`.`refunded_minor`,
            `t6`.`is_excluded`,
            `t6`.`is_purchase`,
            `t6`.`purchase_no`,
            `t6`.`previous_paid_at`,
            `t6`.`category`,
            `t6`.`part_minor`
          FROM (
            SELECT
              `t4`.`source`,
              `t4`.`order_id`,
              `t4`.`person_id`,
              `t4`.`paid_at`,
              `t4`.`day`,
              `t4`.`channel`,
              `t4`.`store`,
              `t4`.`amount_minor`,
              `t4`.`discount_minor`,
              `t4`.`refunded_minor`,
              `t4`.`is_excluded`,
              `t4`.`is_purchase`,
              `t4`.`purchase_no`,
              `t4`.`previous_paid_at`,
              `t5`.`category`,
              `t5`.`part_minor`
            FROM (
              SELECT
                *
              FROM `int_orders` AS `t0`
              WHERE
                `t0`.`is_purchase`
            ) AS `t4`
            INNER JOIN (
              SELECT
                `t1`.`source`,
                `t1`.`order_id`,
                `t1`.`category`,
                `t1`.`amount_minor` AS `part_minor`
              FROM `int_order_categories` AS `t1`
            ) AS `t5`
              ON `t4`.`source` = `t5`.`source` AND `t4`.`order_id` = `t5`.`order_id`
          ) AS `t6`
        ) AS `t7`
      ) AS `t8`
      WHERE
        `t8`.`person_id` IS NOT NULL
    ) AS `t10`
    GROUP BY
      1,
      2,
      3
  ) AS `t11`
) AS `t12`
UNION ALL
SELECT
  *
FROM (
  SELECT
    COALESCE(`t8`.`category`, 'unknown') AS `dim0`,
    `t8`.`person_id`,
    `t8`.`paid_at`,
    `t8`.`day`
  FROM (
    SELECT
      `t7`.`source`,
      `t7`.`order_id`,
      `t7`.`person_id`,
      `t7`.`paid_at`,
      `t7`.`day`,
      `t7`.`channel`,
      `t7`.`store`,
      `t7`.`amount_minor`,
      `t7`.`discount_minor`,
      `t7`.`refunded_minor`,
      `t7`.`is_excluded`,
      `t7`.`is_purchase`,
      `t7`.`purchase_no`,
      `t7`.`previous_paid_at`,
      `t7`.`category`
    FROM (
      SELECT
        `t6`.`source`,
        `t6`.`order_id`,
        `t6`.`person_id`,
        `t6`.`paid_at`,
        `t6`.`day`,
        `t6`.`channel`,
        `t6`.`store`,
        `t6`.`part_minor` AS `amount_minor`,
        `t6`.`discount_minor`,
        `t6`.`refunded_minor`,
        `t6`.`is_excluded`,
        `t6`.`is_purchase`,
        `t6`.`purchase_no`,
        `t6`.`previous_paid_at`,
        `t6`.`category`,
        `t6`.`part_minor`
      FROM (
        SELECT
          `t4`.`source`,
          `t4`.`order_id`,
          `t4`.`person_id`,
          `t4`.`paid_at`,
          `t4`.`day`,
          `t4`.`channel`,
          `t4`.`store`,
          `t4`.`amount_minor`,
          `t4`.`discount_minor`,
          `t4`.`refunded_minor`,
          `t4`.`is_excluded`,
          `t4`.`is_purchase`,
          `t4`.`purchase_no`,
          `t4`.`previous_paid_at`,
          `t5`.`category`,
          `t5`.`part_minor`
        FROM (
          SELECT
            *
          FROM `int_orders` AS `t0`
          WHERE
            `t0`.`is_purchase`
        ) AS `t4`
        INNER JOIN (
          SELECT
            `t1`.`source`,
            `t1`.`order_id`,
            `t1`.`category`,
            `t1`.`amount_minor` AS `part_minor`
          FROM `int_order_categories` AS `t1`
        ) AS `t5`
          ON `t4`.`source` = `t5`.`source` AND `t4`.`order_id` = `t5`.`order_id`
      ) AS `t6`
    ) AS `t7`
  ) AS `t8`
  WHERE
    `t8`.`person_id` IS NULL
) AS `t9`;
