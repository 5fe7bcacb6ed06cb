SELECT
  `t0`.`person_id`
FROM `feat_customers` AS `t0`
WHERE
  `t0`.`last_order_at` < CAST('2024-02-16T00:00:00+00:00' AS TIMESTAMP);
