SELECT
  `t0`.`person_id`,
  NOT (
    `t0`.`aov_minor` IS NULL
  )
  AND (
    (
      (
        RANK() OVER (PARTITION BY `t0`.`aov_minor` IS NULL ORDER BY `t0`.`aov_minor` DESC) - 1
      ) * 100
    ) < (
      COUNT(`t0`.`aov_minor`) OVER (
        PARTITION BY `t0`.`aov_minor` IS NULL
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      ) * 20
    )
  )
  AND (
    COALESCE(`t0`.`interpurchase_days_mean`, CAST(`t0`.`days_since_last_order` AS DOUBLE)) >= 60
  ) AS `nurture_layer`
FROM `features` AS `t0`;
