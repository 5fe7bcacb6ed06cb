SELECT
  `t6`.`period`,
  `t6`.`dim0`,
  SUM(CAST((
    `t6`.`before` = 1
  ) AND (
    `t6`.`now` = 1
  ) AS INT)) AS `numerator`,
  SUM(CAST(`t6`.`before` = 1 AS INT)) AS `denominator`
FROM (
  SELECT
    `t5`.`period`,
    `t5`.`dim0`,
    `t5`.`person_id`,
    MAX(CAST(`t5`.`is_previous` AS TINYINT)) AS `before`,
    MAX(CAST(NOT (
      `t5`.`is_previous`
    ) AS TINYINT)) AS `now`
  FROM (
    SELECT
      `t4`.`dim0`,
      `t4`.`person_id`,
      `t4`.`paid_at`,
      `t4`.`day`,
      `t2`.`period`,
      `t2`.`is_previous`
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
    2,
    3
) AS `t6`
GROUP BY
  1,
  2;
