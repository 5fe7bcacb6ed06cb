SELECT
  `t0`.`person_id`
FROM `feat_customers` AS `t0`
WHERE
  COALESCE(`t0`.`top_category` IS NULL, FALSE);
