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
    FROM `dim_person_tags` AS `t1`
    WHERE
      `t1`.`tag` IN ('vip', 'new')
      AND `t1`.`since` <= CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
      AND (
        (
          `t1`.`expires_at` IS NULL
        )
        OR (
          `t1`.`expires_at` > CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
        )
      )
  ) AS `t5`
    ON `t3`.`person_id` = `t5`.`person_id`
) AS `t6`
WHERE
  TRUE;
