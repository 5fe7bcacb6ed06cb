SELECT
  `t5`.`period`,
  `t5`.`dim0`,
  SUM(`t5`.`held`) AS `numerator`,
  COUNT(*) AS `denominator`
FROM (
  SELECT
    `t4`.`period`,
    `t4`.`dim0`,
    `t4`.`person_id`,
    MAX(CAST(`t4`.`is_in_time` AS BIGINT)) AS `held`
  FROM (
    SELECT
      `t2`.`dim0`,
      `t2`.`person_id`,
      `t2`.`day`,
      `t2`.`reached_at`,
      `t2`.`is_reached`,
      `t2`.`is_in_time`,
      `t2`.`is_clicked`,
      `t3`.`period`
    FROM `touches` AS `t2`
    INNER JOIN `in_memory_1` AS `t3`
      ON `t2`.`day` = `t3`.`day`
  ) AS `t4`
  GROUP BY
    1,
    2,
    3
) AS `t5`
GROUP BY
  1,
  2;
