SELECT
  `t5`.`period`,
  `t5`.`dim0`,
  COUNT(*) AS `numerator`
FROM (
  SELECT DISTINCT
    *
  FROM (
    SELECT
      `t3`.`period`,
      `t2`.`dim0`,
      `t2`.`person_id`
    FROM `interactions` AS `t2`
    INNER JOIN `in_memory_1` AS `t3`
      ON `t2`.`day` = `t3`.`day`
  ) AS `t4`
) AS `t5`
GROUP BY
  1,
  2;
