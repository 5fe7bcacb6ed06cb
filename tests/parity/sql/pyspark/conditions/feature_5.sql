SELECT
  `t0`.`person_id`
FROM `feat_customers` AS `t0`
WHERE
  `t0`.`top_category` IS NULL;
