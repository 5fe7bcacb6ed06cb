SELECT
  `t5`.`period`,
  PERCENTILE(`t5`.`gap`, 0.5) AS `median`,
  COUNT(*) AS `denominator`
FROM (
  SELECT
    `t2`.`period`,
    (
      (
        CAST(FLOOR(UNIX_TIMESTAMP(CAST(CAST(`t4`.`paid_at` AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
      ) + CAST(CAST(UNIX_MICROS(CAST(CAST(`t4`.`paid_at` AS TIMESTAMP) AS TIMESTAMP)) % 1000000 AS INT) AS BIGINT)
    ) - (
      (
        CAST(FLOOR(UNIX_TIMESTAMP(CAST(CAST(`t4`.`previous_paid_at` AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
      ) + CAST(CAST(UNIX_MICROS(CAST(CAST(`t4`.`previous_paid_at` AS TIMESTAMP) AS TIMESTAMP)) % 1000000 AS INT) AS BIGINT)
    ) AS `gap`
  FROM (
    SELECT
      *
    FROM `sequence` AS `t0`
    WHERE
      `t0`.`previous_paid_at` IS NOT NULL
  ) AS `t4`
  INNER JOIN `in_memory_1` AS `t2`
    ON `t4`.`day` = `t2`.`day`
) AS `t5`
GROUP BY
  1;
