SELECT
  `t0`.`person_id`,
  CAST(CAST(NULLIF(`t0`.`order_count`, 0) >= 2 AS INT) + 1 + CAST(NULLIF(`t0`.`order_count`, 0) >= 3 AS INT) + CAST(NULLIF(`t0`.`order_count`, 0) >= 5 AS INT) + CAST(NULLIF(`t0`.`order_count`, 0) >= 10 AS INT) AS INT) AS `rfm_frequency_band`
FROM `features` AS `t0`;
