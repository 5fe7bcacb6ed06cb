SELECT
  `t0`.`person_id`
FROM `feat_customers` AS `t0`
WHERE
  SUBSTRING(
    MD5(CONCAT('pilot:', CAST(`t0`.`person_id` AS STRING))),
    IF(
      (
        0 + 1
      ) >= 1,
      0 + 1,
      0 + 1 + LENGTH(MD5(CONCAT('pilot:', CAST(`t0`.`person_id` AS STRING))))
    ),
    8
  ) >= '00000000'
  AND SUBSTRING(
    MD5(CONCAT('pilot:', CAST(`t0`.`person_id` AS STRING))),
    IF(
      (
        0 + 1
      ) >= 1,
      0 + 1,
      0 + 1 + LENGTH(MD5(CONCAT('pilot:', CAST(`t0`.`person_id` AS STRING))))
    ),
    8
  ) < '19999999';
