SELECT
  `t0`.`person_id`,
  CASE
    WHEN (
      `t0`.`order_count` = 0
    )
    OR (
      (
        `t0`.`order_count` = 1
      ) AND (
        `t0`.`days_since_first_order` < 30
      )
    )
    THEN 'new'
    WHEN `t0`.`days_since_last_order` > IF(
      (
        `t0`.`order_count` >= 3
      ) AND (
        `t0`.`interpurchase_days_mean` >= 1
      ),
      GREATEST((
        `t0`.`interpurchase_days_mean` * 200
      ) / 100, 30),
      90
    )
    THEN 'declining'
    WHEN `t0`.`order_count` < 3
    THEN 'growing'
    ELSE 'mature'
  END AS `lifecycle_stage`
FROM `features` AS `t0`;
