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
    FROM `int_segment_members` AS `t1`
    WHERE
      `t1`.`segment` IN ('winback')
      AND `t1`.`entered_at` <= CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
  ) AS `t5`
    ON `t3`.`person_id` = `t5`.`person_id`
) AS `t6`
WHERE
  TRUE;
