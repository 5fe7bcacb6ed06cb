SELECT
  `t0`.`person_id`,
  `t0`.`paid_at`,
  `t0`.`day`,
  `t0`.`purchase_no`,
  `t0`.`previous_paid_at`
FROM `int_orders` AS `t0`
WHERE
  `t0`.`is_purchase` AND `t0`.`person_id` IS NOT NULL;
