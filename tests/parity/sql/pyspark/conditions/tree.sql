SELECT
  `t55`.`person_id`
FROM (
  SELECT
    `t54`.`person_id`,
    `t54`.`top_category`,
    `t54`.`leaf4_value`,
    `t54`.`leaf7_value`,
    `t54`.`leaf9_count`,
    `t54`.`leaf2_count`,
    `t54`.`leaf6_count`,
    `t54`.`leaf3_count`,
    `t54`.`leaf8_count`
  FROM (
    SELECT
      `t53`.`person_id`,
      `t53`.`top_category`,
      `t53`.`leaf4_value`,
      `t53`.`leaf7_value`,
      `t53`.`leaf9_count`,
      `t53`.`leaf2_count`,
      `t53`.`leaf6_count`,
      `t53`.`leaf3_count`,
      `t23`.`person_id` AS `person_id_right`,
      `t23`.`leaf8_count`
    FROM (
      SELECT
        `t51`.`person_id`,
        `t51`.`top_category`,
        `t51`.`leaf4_value`,
        `t51`.`leaf7_value`,
        `t51`.`leaf9_count`,
        `t51`.`leaf2_count`,
        `t51`.`leaf6_count`,
        `t51`.`leaf3_count`
      FROM (
        SELECT
          `t50`.`person_id`,
          `t50`.`top_category`,
          `t50`.`leaf4_value`,
          `t50`.`leaf7_value`,
          `t50`.`leaf9_count`,
          `t50`.`leaf2_count`,
          `t50`.`leaf6_count`,
          `t32`.`person_id` AS `person_id_right`,
          `t32`.`leaf3_count`
        FROM (
          SELECT
            `t48`.`person_id`,
            `t48`.`top_category`,
            `t48`.`leaf4_value`,
            `t48`.`leaf7_value`,
            `t48`.`leaf9_count`,
            `t48`.`leaf2_count`,
            `t48`.`leaf6_count`
          FROM (
            SELECT
              `t47`.`person_id`,
              `t47`.`top_category`,
              `t47`.`leaf4_value`,
              `t47`.`leaf7_value`,
              `t47`.`leaf9_count`,
              `t47`.`leaf2_count`,
              `t25`.`person_id` AS `person_id_right`,
              `t25`.`leaf6_count`
            FROM (
              SELECT
                `t45`.`person_id`,
                `t45`.`top_category`,
                `t45`.`leaf4_value`,
                `t45`.`leaf7_value`,
                `t45`.`leaf9_count`,
                `t45`.`leaf2_count`
              FROM (
                SELECT
                  `t44`.`person_id`,
                  `t44`.`top_category`,
                  `t44`.`leaf4_value`,
                  `t44`.`leaf7_value`,
                  `t44`.`leaf9_count`,
                  `t26`.`person_id` AS `person_id_right`,
                  `t26`.`leaf2_count`
                FROM (
                  SELECT
                    `t42`.`person_id`,
                    `t42`.`top_category`,
                    `t42`.`leaf4_value`,
                    `t42`.`leaf7_value`,
                    `t42`.`leaf9_count`
                  FROM (
                    SELECT
                      `t41`.`person_id`,
                      `t41`.`top_category`,
                      `t41`.`leaf4_value`,
                      `t41`.`leaf7_value`,
                      `t29`.`person_id` AS `person_id_right`,
                      `t29`.`leaf9_count`
                    FROM (
                      SELECT
                        `t39`.`person_id`,
                        `t39`.`top_category`,
                        `t39`.`leaf4_value`,
                        `t39`.`leaf7_value`
                      FROM (
                        SELECT
                          `t38`.`person_id`,
                          `t38`.`top_category`,
                          `t38`.`leaf4_value`,
                          `t28`.`person_id` AS `person_id_right`,
                          `t28`.`leaf7_value`
                        FROM (
                          SELECT
                            `t36`.`person_id`,
                            `t36`.`top_category`,
                            `t36`.`leaf4_value`
                          FROM (
                            SELECT
                              `t16`.`person_id`,
                              `t16`.`top_category`,
                              `t35`.`person_id` AS `person_id_right`,
                              `t35`.`leaf4_value`
                            FROM (
                              SELECT
                                `t6`.`person_id`,
                                `t6`.`top_category`
                              FROM `feat_customers` AS `t6`
                            ) AS `t16`
                            LEFT OUTER JOIN (
                              SELECT
                                `t33`.`person_id`,
                                COUNT(DISTINCT `t33`.`object_id`) AS `leaf4_value`
                              FROM (
                                SELECT
                                  `t30`.`batch_id`,
                                  `t30`.`event_id`,
                                  `t30`.`name`,
                                  `t30`.`kind`,
                                  COALESCE(`t30`.`linked_customer`, `t30`.`person_id`) AS `person_id`,
                                  `t30`.`occurred_at`,
                                  `t30`.`received_at`,
                                  `t30`.`source`,
                                  `t30`.`channel`,
                                  `t30`.`object_type`,
                                  `t30`.`object_id`,
                                  `t30`.`properties`,
                                  `t30`.`month`
                                FROM (
                                  SELECT
                                    `t9`.`batch_id`,
                                    `t9`.`event_id`,
                                    `t9`.`name`,
                                    `t9`.`kind`,
                                    `t9`.`person_id`,
                                    `t9`.`occurred_at`,
                                    `t9`.`received_at`,
                                    `t9`.`source`,
                                    `t9`.`channel`,
                                    `t9`.`object_type`,
                                    `t9`.`object_id`,
                                    `t9`.`properties`,
                                    `t9`.`month`,
                                    `t17`.`linked_person`,
                                    `t17`.`linked_customer`
                                  FROM `fct_events` AS `t9`
                                  LEFT OUTER JOIN (
                                    SELECT
                                      `t8`.`person_id` AS `linked_person`,
                                      `t8`.`customer_id` AS `linked_customer`
                                    FROM `dim_person_links` AS `t8`
                                  ) AS `t17`
                                    ON `t9`.`person_id` = `t17`.`linked_person`
                                ) AS `t30`
                                WHERE
                                  `t30`.`occurred_at` < CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
                                  AND COALESCE(`t30`.`linked_customer`, `t30`.`person_id`) IS NOT NULL
                                  AND (
                                    (
                                      `t30`.`kind` IS NULL
                                    ) OR `t30`.`kind` IN ('track', 'page', 'screen')
                                  )
                                  AND `t30`.`name` IN ('Product Viewed')
                              ) AS `t33`
                              GROUP BY
                                1
                            ) AS `t35`
                              ON `t16`.`person_id` = `t35`.`person_id`
                          ) AS `t36`
                        ) AS `t38`
                        LEFT OUTER JOIN (
                          SELECT
                            `t15`.`person_id`,
                            COUNT(*) AS `leaf7_value`
                          FROM (
                            SELECT
                              *
                            FROM `int_orders` AS `t5`
                            WHERE
                              `t5`.`person_id` IS NOT NULL
                              AND `t5`.`paid_at` < CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
                              AND `t5`.`is_purchase`
                              AND `t5`.`amount_minor` >= 30000
                          ) AS `t15`
                          GROUP BY
                            1
                        ) AS `t28`
                          ON `t38`.`person_id` = `t28`.`person_id`
                      ) AS `t39`
                    ) AS `t41`
                    LEFT OUTER JOIN (
                      SELECT
                        `t18`.`person_id`,
                        COUNT(*) AS `leaf9_count`
                      FROM (
                        SELECT
                          *
                        FROM `dim_person_tags` AS `t4`
                        WHERE
                          `t4`.`tag` IN ('vip', 'new')
                          AND `t4`.`since` <= CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
                          AND (
                            (
                              `t4`.`expires_at` IS NULL
                            )
                            OR (
                              `t4`.`expires_at` > CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
                            )
                          )
                      ) AS `t18`
                      GROUP BY
                        1
                    ) AS `t29`
                      ON `t41`.`person_id` = `t29`.`person_id`
                  ) AS `t42`
                ) AS `t44`
                LEFT OUTER JOIN (
                  SELECT
                    `t14`.`person_id`,
                    COUNT(*) AS `leaf2_count`
                  FROM (
                    SELECT
                      *
                    FROM `dim_person_consents` AS `t3`
                    WHERE
                      `t3`.`channel` = 'sms'
                      AND `t3`.`purpose` = 'marketing'
                      AND `t3`.`granted` = TRUE
                      AND `t3`.`at` <= CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
                  ) AS `t14`
                  GROUP BY
                    1
                ) AS `t26`
                  ON `t44`.`person_id` = `t26`.`person_id`
              ) AS `t45`
            ) AS `t47`
            LEFT OUTER JOIN (
              SELECT
                `t13`.`person_id`,
                COUNT(*) AS `leaf6_count`
              FROM (
                SELECT
                  *
                FROM `dim_person_identifiers` AS `t2`
                WHERE
                  `t2`.`kind` IN ('phone', 'wecom')
              ) AS `t13`
              GROUP BY
                1
            ) AS `t25`
              ON `t47`.`person_id` = `t25`.`person_id`
          ) AS `t48`
        ) AS `t50`
        LEFT OUTER JOIN (
          SELECT
            `t24`.`person_id`,
            COUNT(*) AS `leaf3_count`
          FROM (
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
          ) AS `t24`
          GROUP BY
            1
        ) AS `t32`
          ON `t50`.`person_id` = `t32`.`person_id`
      ) AS `t51`
    ) AS `t53`
    LEFT OUTER JOIN (
      SELECT
        `t12`.`person_id`,
        COUNT(*) AS `leaf8_count`
      FROM (
        SELECT
          *
        FROM `int_segment_members` AS `t0`
        WHERE
          `t0`.`segment` IN ('winback', 'vip')
          AND `t0`.`entered_at` <= CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
          AND `t0`.`entered_at` >= CAST('2024-03-25T00:00:00+00:00' AS TIMESTAMP)
      ) AS `t12`
      GROUP BY
        1
    ) AS `t23`
      ON `t53`.`person_id` = `t23`.`person_id`
  ) AS `t54`
) AS `t55`
WHERE
  SUBSTRING(
    MD5(CONCAT('pilot:', CAST(`t55`.`person_id` AS STRING))),
    IF(
      (
        0 + 1
      ) >= 1,
      0 + 1,
      0 + 1 + LENGTH(MD5(CONCAT('pilot:', CAST(`t55`.`person_id` AS STRING))))
    ),
    8
  ) >= '00000000'
  AND SUBSTRING(
    MD5(CONCAT('pilot:', CAST(`t55`.`person_id` AS STRING))),
    IF(
      (
        0 + 1
      ) >= 1,
      0 + 1,
      0 + 1 + LENGTH(MD5(CONCAT('pilot:', CAST(`t55`.`person_id` AS STRING))))
    ),
    8
  ) < '19999999'
  AND (
    NOT (
      COALESCE(
        (
          SUBSTRING(
            MD5(CONCAT('pilot:', CAST(`t55`.`person_id` AS STRING))),
            IF(
              (
                0 + 1
              ) >= 1,
              0 + 1,
              0 + 1 + LENGTH(MD5(CONCAT('pilot:', CAST(`t55`.`person_id` AS STRING))))
            ),
            8
          ) >= '00000000'
        )
        AND (
          SUBSTRING(
            MD5(CONCAT('pilot:', CAST(`t55`.`person_id` AS STRING))),
            IF(
              (
                0 + 1
              ) >= 1,
              0 + 1,
              0 + 1 + LENGTH(MD5(CONCAT('pilot:', CAST(`t55`.`person_id` AS STRING))))
            ),
            8
          ) < '19999999'
        ),
        FALSE
      )
    )
    OR NOT (
      COALESCE(`t55`.`leaf2_count` > 0, FALSE)
    )
    OR NOT (
      COALESCE(COALESCE(`t55`.`leaf3_count`, 0) > 0, FALSE)
    )
    OR NOT (
      COALESCE(COALESCE(`t55`.`leaf4_value`, 0) >= 5, FALSE)
    )
    OR NOT (
      COALESCE(`t55`.`top_category` IS NULL, FALSE)
    )
    OR NOT (
      COALESCE(`t55`.`leaf6_count` > 0, FALSE)
    )
    OR NOT (
      COALESCE(COALESCE(`t55`.`leaf7_value`, 0) >= 1, FALSE)
    )
    OR NOT (
      COALESCE(`t55`.`leaf8_count` > 0, FALSE)
    )
    OR NOT (
      COALESCE(`t55`.`leaf9_count` > 0, FALSE)
    )
  );
