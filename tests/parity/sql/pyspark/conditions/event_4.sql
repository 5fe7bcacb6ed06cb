SELECT
  `t12`.`person_id`
FROM (
  SELECT
    `t6`.`person_id`,
    `t11`.`leaf0_first_at`
  FROM (
    SELECT
      `t0`.`person_id`
    FROM `feat_customers` AS `t0`
  ) AS `t6`
  INNER JOIN (
    SELECT
      `t9`.`person_id`,
      MIN(`t9`.`occurred_at`) AS `leaf0_first_at`
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
    GROUP BY
      1
  ) AS `t11`
    ON `t6`.`person_id` = `t11`.`person_id`
) AS `t12`
WHERE
  `t12`.`leaf0_first_at` >= CAST('2024-03-25T00:00:00+00:00' AS TIMESTAMP);
