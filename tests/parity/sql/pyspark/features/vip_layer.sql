SELECT
  `t0`.`person_id`,
  (
    `t0`.`orders_90d` >= 9
  )
  AND (
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
  ) AS `vip_layer`
FROM `features` AS `t0`;
