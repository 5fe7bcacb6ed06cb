SELECT
  `t0`.`person_id`,
  CAST(CAST(-(
    `t0`.`days_since_last_order`
  ) >= -180 AS INT) + 1 + CAST(-(
    `t0`.`days_since_last_order`
  ) >= -90 AS INT) + CAST(-(
    `t0`.`days_since_last_order`
  ) >= -60 AS INT) + CAST(-(
    `t0`.`days_since_last_order`
  ) >= -30 AS INT) AS INT) AS `rfm_recency_band`
FROM `features` AS `t0`;
