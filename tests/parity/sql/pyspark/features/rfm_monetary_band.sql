SELECT
  `t0`.`person_id`,
  CAST(CAST(NULLIF(`t0`.`spend_minor`, 0) >= 10000 AS INT) + 1 + CAST(NULLIF(`t0`.`spend_minor`, 0) >= 30000 AS INT) + CAST(NULLIF(`t0`.`spend_minor`, 0) >= 60000 AS INT) + CAST(NULLIF(`t0`.`spend_minor`, 0) >= 120000 AS INT) AS INT) AS `rfm_monetary_band`
FROM `features` AS `t0`;
