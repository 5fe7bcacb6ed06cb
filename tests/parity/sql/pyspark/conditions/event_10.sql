SELECT
  `t13`.`person_id`
FROM (
  SELECT
    `t6`.`person_id`,
    `t12`.`leaf0_value`
  FROM (
    SELECT
      `t0`.`person_id`
    FROM `feat_customers` AS `t0`
  ) AS `t6`
  INNER JOIN (
    SELECT
      `t10`.`person_id`,
      MAX_BY(
        IF(
          SUBSTRING(
            GET_JSON_OBJECT(`t10`.`properties`, '$[\'utm_source\']'),
            IF(
              (
                0 + 1
              ) >= 1,
              0 + 1,
              0 + 1 + LENGTH(GET_JSON_OBJECT(`t10`.`properties`, '$[\'utm_source\']'))
            ),
            1
          ) IN ('{', '['),
          CAST(NULL AS STRING),
          GET_JSON_OBJECT(`t10`.`properties`, '$[\'utm_source\']')
        ),
        CONCAT(
          CONCAT(
            CAST((
              CAST(FLOOR(UNIX_TIMESTAMP(CAST(CAST(`t10`.`occurred_at` AS TIMESTAMP) AS TIMESTAMP))) AS BIGINT) * 1000000
            ) + CAST(CAST(UNIX_MICROS(CAST(CAST(`t10`.`occurred_at` AS TIMESTAMP) AS TIMESTAMP)) % 1000000 AS INT) AS BIGINT) + 100000000000000000 AS STRING),
            ' '
          ),
          `t10`.`event_id`
        )
      ) AS `leaf0_value`
    FROM (
      SELECT
        *
      FROM (
        SELECT
          `t8`.`batch_id`,
          `t8`.`event_id`,
          `t8`.`name`,
          `t8`.`kind`,
          COALESCE(`t8`.`linked_customer`, `t8`.`person_id`) AS `person_id`,
          `t8`.`occurred_at`,
          `t8`.`received_at`,
          `t8`.`source`,
          `t8`.`channel`,
          `t8`.`object_type`,
          `t8`.`object_id`,
          `t8`.`properties`,
          `t8`.`month`
        FROM (
          SELECT
            `t3`.`batch_id`,
            `t3`.`event_id`,
            `t3`.`name`,
            `t3`.`kind`,
            `t3`.`person_id`,
            `t3`.`occurred_at`,
            `t3`.`received_at`,
            `t3`.`source`,
            `t3`.`channel`,
            `t3`.`object_type`,
            `t3`.`object_id`,
            `t3`.`properties`,
            `t3`.`month`,
            `t7`.`linked_person`,
            `t7`.`linked_customer`
          FROM `fct_events` AS `t3`
          LEFT OUTER JOIN (
            SELECT
              `t2`.`person_id` AS `linked_person`,
              `t2`.`customer_id` AS `linked_customer`
            FROM `dim_person_links` AS `t2`
          ) AS `t7`
            ON `t3`.`person_id` = `t7`.`linked_person`
        ) AS `t8`
        WHERE
          `t8`.`occurred_at` < CAST('2024-04-01T00:00:00+00:00' AS TIMESTAMP)
          AND COALESCE(`t8`.`linked_customer`, `t8`.`person_id`) IS NOT NULL
          AND (
            (
              `t8`.`kind` IS NULL
            ) OR `t8`.`kind` IN ('track', 'page', 'screen')
          )
          AND `t8`.`name` IN ('Page Viewed')
      ) AS `t9`
      WHERE
        IF(
          `t9`.`name` IN ('Page Viewed'),
          IF(
            SUBSTRING(
              GET_JSON_OBJECT(`t9`.`properties`, '$[\'utm_source\']'),
              IF(
                (
                  0 + 1
                ) >= 1,
                0 + 1,
                0 + 1 + LENGTH(GET_JSON_OBJECT(`t9`.`properties`, '$[\'utm_source\']'))
              ),
              1
            ) IN ('{', '['),
            CAST(NULL AS STRING),
            GET_JSON_OBJECT(`t9`.`properties`, '$[\'utm_source\']')
          ) IS NOT NULL,
          FALSE
        )
    ) AS `t10`
    GROUP BY
      1
  ) AS `t12`
    ON `t6`.`person_id` = `t12`.`person_id`
) AS `t13`
WHERE
  `t13`.`leaf0_value` = 'wecom';
