SELECT
  *
FROM (
  SELECT
    `t3`.`person_id`
  FROM (
    SELECT
      `t0`.`person_id`
    FROM `feat_customers` AS `t0`
  ) AS `t3`
  LEFT SEMI JOIN (
    SELECT
      *
    FROM `dim_person_consents` AS `t1`
    WHERE
      `t1`.`channel` = 'sms'
      AND `t1`.`purpose` = 'marketing'
      AND `t1`.`granted` = TRUE
      AND `t1`.`at` <= CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
  ) AS `t5`
    ON `t3`.`person_id` = `t5`.`person_id`
) AS `t6`
WHERE
  TRUE;
