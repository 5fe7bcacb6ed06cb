SELECT
  `t1`.`person_id`,
  IF(
    (
      SUM(
        IF(
          `t1`.`first_at` >= CAST('2023-10-04T00:00:00+00:00' AS TIMESTAMP),
          `t1`.`answered`,
          NULL
        )
      ) / NULLIF(
        SUM(
          IF(`t1`.`first_at` >= CAST('2023-10-04T00:00:00+00:00' AS TIMESTAMP), `t1`.`sent`, NULL)
        ),
        0
      )
    ) > 1,
    1.0,
    SUM(
      IF(
        `t1`.`first_at` >= CAST('2023-10-04T00:00:00+00:00' AS TIMESTAMP),
        `t1`.`answered`,
        NULL
      )
    ) / NULLIF(
      SUM(
        IF(`t1`.`first_at` >= CAST('2023-10-04T00:00:00+00:00' AS TIMESTAMP), `t1`.`sent`, NULL)
      ),
      0
    )
  ) AS `message_response_rate`
FROM (
  SELECT
    `t0`.`person_id`,
    `t0`.`first_at`,
    IF(`t0`.`name` = 'Message Sent', `t0`.`events`, 0) AS `sent`,
    IF(`t0`.`name` = 'Message Sent', 0, `t0`.`events`) AS `answered`
  FROM `person_days_until` AS `t0`
  WHERE
    `t0`.`name` IN ('Message Sent', 'Message Link Clicked', 'Message Clicked', 'Message Replied')
) AS `t1`
GROUP BY
  1;
