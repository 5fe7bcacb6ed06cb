SELECT
  `t2`.`person_id`,
  `t2`.`day`,
  `t2`.`name`,
  `t2`.`events`,
  `t2`.`first_at`,
  `t2`.`last_at`,
  DATE_FORMAT(`t2`.`day`, 'yyyy-MM') AS `month`
FROM (
  SELECT
    `t1`.`person_id`,
    `t1`.`day`,
    `t1`.`name`,
    COUNT(*) AS `events`,
    MIN(`t1`.`occurred_at`) AS `first_at`,
    MAX(`t1`.`occurred_at`) AS `last_at`
  FROM (
    SELECT
      `t0`.`person_id`,
      `t0`.`name`,
      `t0`.`occurred_at`,
      CAST(`t0`.`occurred_at` + CASE
        WHEN `t0`.`occurred_at` >= CAST('2024-03-31T01:00:00+00:00' AS TIMESTAMP)
        THEN INTERVAL '3600' SECOND
        WHEN `t0`.`occurred_at` >= CAST('2023-10-29T01:00:00+00:00' AS TIMESTAMP)
        THEN INTERVAL '0' SECOND
        ELSE INTERVAL '3600' SECOND
      END AS DATE) AS `day`
    FROM `fct_events` AS `t0`
    WHERE
      `t0`.`person_id` IS NOT NULL
      AND (
        (
          `t0`.`kind` IS NULL
        ) OR `t0`.`kind` IN ('track', 'page', 'screen')
      )
  ) AS `t1`
  GROUP BY
    1,
    2,
    3
) AS `t2`;
