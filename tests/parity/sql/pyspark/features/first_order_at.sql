SELECT
  `t1`.`person_id`,
  MIN(`t1`.`at`) AS `first_order_at`
FROM (
  SELECT
    `t0`.`person_id`,
    IF(`t0`.`is_purchase`, `t0`.`paid_at`, CAST(NULL AS TIMESTAMP)) AS `at`,
    IF(`t0`.`is_purchase`, `t0`.`amount_minor`, CAST(NULL AS BIGINT)) AS `amount`,
    IF(`t0`.`is_purchase`, `t0`.`refunded_minor`, CAST(NULL AS BIGINT)) AS `refunded`,
    IF(`t0`.`is_purchase`, `t0`.`discount_minor`, CAST(NULL AS BIGINT)) AS `discount`,
    `t0`.`is_purchase` AND (
      `t0`.`previous_paid_at` IS NOT NULL
    ) AS `is_repeat`,
    (
      (
        (
          CAST(FLOOR(UNIX_TIMESTAMP(CAST(CAST(`t0`.`paid_at` AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
        ) + CAST(CAST(UNIX_MICROS(CAST(CAST(`t0`.`paid_at` AS TIMESTAMP) AS TIMESTAMP)) % 1000000 AS INT) AS BIGINT)
      ) - (
        (
          CAST(FLOOR(UNIX_TIMESTAMP(CAST(CAST(`t0`.`previous_paid_at` AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
        ) + CAST(CAST(UNIX_MICROS(CAST(CAST(`t0`.`previous_paid_at` AS TIMESTAMP) AS TIMESTAMP)) % 1000000 AS INT) AS BIGINT)
      )
    ) / 86400000000 AS `gap_days`,
    `t0`.`amount_minor` AS `ordered`,
    `t0`.`refunded_minor` AS `returned`
  FROM `int_orders` AS `t0`
  WHERE
    `t0`.`person_id` IS NOT NULL AND NOT (
      `t0`.`is_excluded`
    )
) AS `t1`
GROUP BY
  1;
