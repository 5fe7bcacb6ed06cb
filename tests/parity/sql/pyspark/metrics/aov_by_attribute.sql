SELECT
  `t16`.`period`,
  `t16`.`dim0`,
  SUM(`t16`.`numerator`) AS `numerator`,
  SUM(`t16`.`denominator`) AS `denominator`
FROM (
  SELECT
    *
  FROM (
    SELECT
      `t14`.`period`,
      `t14`.`dim0`,
      `t14`.`numerator`,
      0 AS `denominator`
    FROM (
      SELECT
        `t13`.`period`,
        `t13`.`dim0`,
        SUM(`t13`.`amount_minor`) AS `numerator`
      FROM (
        SELECT
          `t10`.`dim0`,
          `t10`.`person_id`,
          `t10`.`day`,
          `t10`.`amount_minor`,
          `t5`.`period`
        FROM (
          SELECT
            *
          FROM (
            SELECT
              `t2`.`dim0`,
              `t2`.`person_id`,
              `t2`.`day`,
              `t2`.`amount_minor`
            FROM `sales` AS `t2`
          ) AS `t6`
          UNION ALL
          SELECT
            *
          FROM (
            SELECT
              `t3`.`dim0`,
              `t3`.`person_id`,
              `t3`.`day`,
              -(
                `t3`.`amount_minor`
              ) AS `amount_minor`
            FROM `money_back` AS `t3`
          ) AS `t7`
        ) AS `t10`
        INNER JOIN `in_memory_1` AS `t5`
          ON `t10`.`day` = `t5`.`day`
      ) AS `t13`
      GROUP BY
        1,
        2
    ) AS `t14`
  ) AS `t15`
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      `t11`.`period`,
      `t11`.`dim0`,
      0 AS `numerator`,
      `t11`.`denominator`
    FROM (
      SELECT
        `t9`.`period`,
        `t9`.`dim0`,
        COUNT(*) AS `denominator`
      FROM (
        SELECT
          `t4`.`dim0`,
          `t4`.`person_id`,
          `t4`.`paid_at`,
          `t4`.`day`,
          `t5`.`period`
        FROM `purchases` AS `t4`
        INNER JOIN `in_memory_1` AS `t5`
          ON `t4`.`day` = `t5`.`day`
      ) AS `t9`
      GROUP BY
        1,
        2
    ) AS `t11`
  ) AS `t12`
) AS `t16`
GROUP BY
  1,
  2;
