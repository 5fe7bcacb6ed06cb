SELECT
  `t8`.`dim0`,
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
    `t7`.`dim0`
  FROM (
    SELECT
      `t6`.`source`,
      `t6`.`order_id`,
      `t6`.`person_id`,
      `t6`.`paid_at`,
      `t6`.`day`,
      `t6`.`channel`,
      `t6`.`store`,
      `t6`.`amount_minor`,
      `t6`.`discount_minor`,
      `t6`.`refunded_minor`,
      `t6`.`is_excluded`,
      `t6`.`is_purchase`,
      `t6`.`purchase_no`,
      `t6`.`previous_paid_at`,
      `t6`.`attribute_person`,
      `t6`.`attribute_value`,
      COALESCE(`t6`.`attribute_value`, 'unknown') AS `dim0`
    FROM (
      SELECT
        `t3`.`source`,
        `t3`.`order_id`,
        `t3`.`person_id`,
        `t3`.`paid_at`,
        `t3`.`day`,
        `t3`.`channel`,
        `t3`.`store`,
        `t3`.`amount_minor`,
        `t3`.`discount_minor`,
        `t3`.`refunded_minor`,
        `t3`.`is_excluded`,
        `t3`.`is_purchase`,
        `t3`.`purchase_no`,
        `t3`.`previous_paid_at`,
        `t5`.`attribute_person`,
        `t5`.`attribute_value`
      FROM (
        SELECT
          *
        FROM `int_orders` AS `t0`
        WHERE
          `t0`.`is_purchase`
      ) AS `t3`
      LEFT OUTER JOIN (
        SELECT
          `t1`.`person_id` AS `attribute_person`,
          `t1`.`value` AS `attribute_value`
        FROM `dim_person_attributes` AS `t1`
        WHERE
          `t1`.`attribute` = 'city'
      ) AS `t5`
        ON `t3`.`person_id` = `t5`.`attribute_person`
    ) AS `t6`
  ) AS `t7`
) AS `t8`;
