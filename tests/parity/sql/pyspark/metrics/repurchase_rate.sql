SELECT
  `t6`.`period`,
  SUM(CAST(`t6`.`purchases` >= 2 AS INT)) AS `numerator`,
  COUNT(*) AS `denominator`
FROM (
  SELECT
    `t5`.`period`,
    `t5`.`person_id`,
    COUNT(*) AS `purchases`
  FROM (
    SELECT
      `t4`.`person_id`,
      `t4`.`paid_at`,
      `t4`.`day`,
      `t2`.`period`
    FROM (
      SELECT
        *
      FROM `purchases` AS `t0`
      WHERE
        `t0`.`person_id` IS NOT NULL
    ) AS `t4`
    INNER JOIN `in_memory_1` AS `t2`
      ON `t4`.`day` = `t2`.`day`
  ) AS `t5`
  GROUP BY
    1,
    2
) AS `t6`
GROUP BY
  1;
