SELECT
  `t8`.`period`,
  `t8`.`dim0`,
  SUM(`t8`.`amount_minor`) AS `numerator`
FROM (
  SELECT
    `t7`.`dim0`,
    `t7`.`person_id`,
    `t7`.`day`,
    `t7`.`amount_minor`,
    `t3`.`period`
  FROM (
    SELECT
      *
    FROM (
      SELECT
        `t1`.`dim0`,
        `t1`.`person_id`,
        `t1`.`day`,
        `t1`.`amount_minor`
      FROM `sales` AS `t1`
    ) AS `t4`
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        `t2`.`dim0`,
        `t2`.`person_id`,
        `t2`.`day`,
        -(
          `t2`.`amount_minor`
        ) AS `amount_minor`
      FROM `money_back` AS `t2`
    ) AS `t5`
  ) AS `t7`
  INNER JOIN `in_memory_1` AS `t3`
    ON `t7`.`day` = `t3`.`day`
) AS `t8`
GROUP BY
  1,
  2;
