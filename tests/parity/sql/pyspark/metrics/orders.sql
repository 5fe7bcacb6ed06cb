SELECT
  `t4`.`period`,
  COUNT(*) AS `numerator`
FROM (
  SELECT
    `t2`.`person_id`,
    `t2`.`paid_at`,
    `t2`.`day`,
    `t3`.`period`
  FROM `purchases` AS `t2`
  INNER JOIN `in_memory_1` AS `t3`
    ON `t2`.`day` = `t3`.`day`
) AS `t4`
GROUP BY
  1;
