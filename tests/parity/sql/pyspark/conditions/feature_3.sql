SELECT
  `t0`.`person_id`
FROM `feat_customers` AS `t0`
WHERE
  COALESCE(COALESCE(`t0`.`lifecycle_stage` IN ('growing', 'mature'), FALSE), FALSE);
