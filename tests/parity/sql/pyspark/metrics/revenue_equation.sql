SELECT
  `t26`.`period`,
  `t26`.`is_previous`,
  SUM(`t26`.`buyers`) AS `buyers`,
  SUM(`t26`.`orders`) AS `orders`,
  SUM(`t26`.`repeat_buyers`) AS `repeat_buyers`,
  SUM(`t26`.`known_revenue`) AS `known_revenue`,
  SUM(`t26`.`anonymous_revenue`) AS `anonymous_revenue`,
  SUM(`t26`.`traffic`) AS `traffic`
FROM (
  SELECT
    *
  FROM (
    SELECT
      `t19`.`period`,
      `t19`.`is_previous`,
      0 AS `buyers`,
      0 AS `orders`,
      0 AS `repeat_buyers`,
      0 AS `known_revenue`,
      0 AS `anonymous_revenue`,
      `t19`.`traffic`
    FROM (
      SELECT
        `t17`.`period`,
        `t17`.`is_previous`,
        COUNT(*) AS `traffic`
      FROM (
        SELECT DISTINCT
          *
        FROM (
          SELECT
            `t5`.`period`,
            `t5`.`is_previous`,
            `t10`.`person_id`
          FROM (
            SELECT
              `t0`.`person_id`,
              `t0`.`day`
            FROM `person_days_until` AS `t0`
            WHERE
              `t0`.`name` IN (
                'Page Viewed',
                'Screen Viewed',
                'Application Opened',
                'Product List Viewed',
                'Product Viewed'
              )
          ) AS `t10`
          INNER JOIN `in_memory_1` AS `t5`
            ON `t10`.`day` = `t5`.`day`
        ) AS `t14`
      ) AS `t17`
      GROUP BY
        1,
        2
    ) AS `t19`
  ) AS `t20`
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      *
    FROM (
      SELECT
        `t21`.`period`,
        `t21`.`is_previous`,
        `t21`.`buyers`,
        `t21`.`orders`,
        `t21`.`repeat_buyers`,
        0 AS `known_revenue`,
        0 AS `anonymous_revenue`,
        0 AS `traffic`
      FROM (
        SELECT
          `t18`.`period`,
          `t18`.`is_previous`,
          COUNT(*) AS `buyers`,
          SUM(`t18`.`purchases`) AS `orders`,
          SUM(CAST(`t18`.`purchases` >= 2 AS INT)) AS `repeat_buyers`
        FROM (
          SELECT
            `t15`.`period`,
            `t15`.`is_previous`,
            `t15`.`person_id`,
            COUNT(*) AS `purchases`
          FROM (
            SELECT
              *
            FROM (
              SELECT
                `t6`.`person_id`,
                `t6`.`paid_at`,
                `t6`.`day`,
                `t5`.`period`,
                `t5`.`is_previous`
              FROM `purchases` AS `t6`
              INNER JOIN `in_memory_1` AS `t5`
                ON `t6`.`day` = `t5`.`day`
            ) AS `t12`
            WHERE
              `t12`.`person_id` IS NOT NULL
          ) AS `t15`
          GROUP BY
            1,
            2,
            3
        ) AS `t18`
        GROUP BY
          1,
          2
      ) AS `t21`
    ) AS `t23`
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        `t22`.`period`,
        `t22`.`is_previous`,
        0 AS `buyers`,
        0 AS `orders`,
        0 AS `repeat_buyers`,
        `t22`.`known_revenue`,
        `t22`.`anonymous_revenue`,
        0 AS `traffic`
      FROM (
        SELECT
          `t16`.`period`,
          `t16`.`is_previous`,
          COALESCE(SUM(IF(`t16`.`person_id` IS NOT NULL, `t16`.`amount_minor`, NULL)), 0) AS `known_revenue`,
          COALESCE(SUM(IF(`t16`.`person_id` IS NULL, `t16`.`amount_minor`, NULL)), 0) AS `anonymous_revenue`
        FROM (
          SELECT
            `t13`.`person_id`,
            `t13`.`day`,
            `t13`.`amount_minor`,
            `t5`.`period`,
            `t5`.`is_previous`
          FROM (
            SELECT
              *
            FROM (
              SELECT
                `t3`.`person_id`,
                `t3`.`day`,
                `t3`.`amount_minor`
              FROM `sales` AS `t3`
            ) AS `t7`
            UNION ALL
            SELECT
              *
            FROM (
              SELECT
                `t4`.`person_id`,
                `t4`.`day`,
                -(
                  `t4`.`amount_minor`
                ) AS `amount_minor`
              FROM `money_back` AS `t4`
            ) AS `t9`
          ) AS `t13`
          INNER JOIN `in_memory_1` AS `t5`
            ON `t13`.`day` = `t5`.`day`
        ) AS `t16`
        GROUP BY
          1,
          2
      ) AS `t22`
    ) AS `t24`
  ) AS `t25`
) AS `t26`
GROUP BY
  1,
  2;
