SELECT
  *
FROM (
  SELECT
    `t3`.`person_id`
  FROM (
    SELECT
      `t0`.`person_id`
    FROM `feat_customers` AS `t0`
  ) AS `t3`
  LEFT SEMI JOIN (
    SELECT
      *
    FROM `dim_person_dates` AS `t1`
    WHERE
      `t1`.`kind` = 'birthday'
      AND (
        CAST(`t1`.`month` AS BIGINT) * 100
      ) + CAST(`t1`.`day` AS BIGINT) IN (
        401,
        402,
        403,
        404,
        405,
        406,
        407,
        408,
        409,
        410,
        411,
        412,
        413,
        414,
        415,
        416,
        417,
        418,
        419,
        420,
        421,
        422,
        423,
        424,
        425,
        426,
        427,
        428,
        429,
        430,
        431
      )
  ) AS `t5`
    ON `t3`.`person_id` = `t5`.`person_id`
) AS `t6`
WHERE
  TRUE;
