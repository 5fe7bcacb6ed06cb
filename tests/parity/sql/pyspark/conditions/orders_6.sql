SELECT
  `t7`.`person_id`
FROM (
  SELECT
    `t3`.`person_id`,
    `t6`.`leaf0_value`
  FROM (
    SELECT
      `t0`.`person_id`
    FROM `feat_customers` AS `t0`
  ) AS `t3`
  INNER JOIN (
    SELECT
      `t4`.`person_id`,
      MIN_BY(
        `t4`.`paid_at`,
        CONCAT(
          CONCAT(
            CONCAT(
              CONCAT(
                CAST((
                  CAST(FLOOR(UNIX_TIMESTAMP(CAST(CAST(`t4`.`paid_at` AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
                ) + CAST(CAST(UNIX_MICROS(CAST(CAST(`t4`.`paid_at` AS TIMESTAMP) AS TIMESTAMP)) % 1000000 AS INT) AS BIGINT) + 100000000000000000 AS STRING),
                ' '
              ),
              `t4`.`source`
            ),
            ' '
          ),
          `t4`.`order_id`
        )
      ) AS `leaf0_value`
    FROM (
      SELECT
        *
      FROM `int_orders` AS `t1`
      WHERE
        `t1`.`person_id` IS NOT NULL
        AND `t1`.`paid_at` < CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
        AND `t1`.`is_purchase`
        AND `t1`.`paid_at` IS NOT NULL
    ) AS `t4`
    GROUP BY
      1
  ) AS `t6`
    ON `t3`.`person_id` = `t6`.`person_id`
) AS `t7`
WHERE
  `t7`.`leaf0_value` >= CAST('2024-03-02T00:00:00+00:00' AS TIMESTAMP)
  AND `t7`.`leaf0_value` < CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP);
