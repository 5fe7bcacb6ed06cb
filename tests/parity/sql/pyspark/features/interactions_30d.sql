SELECT
  `t1`.`person_id`,
  SUM(
    IF(
      `t1`.`first_at` >= CAST('2024-03-02T00:00:00+00:00' AS TIMESTAMP),
      `t1`.`events`,
      NULL
    )
  ) AS `interactions_30d`
FROM (
  SELECT
    `t0`.`person_id`,
    `t0`.`day`,
    `t0`.`events`,
    `t0`.`first_at`,
    `t0`.`last_at`
  FROM `person_days_until` AS `t0`
  WHERE
    NOT (
      `t0`.`name` IN (
        'Order Completed',
        'Order Updated',
        'Order Cancelled',
        'Order Refunded',
        'Checkout Completed',
        'Campaign Received',
        'Message Received',
        'Message Sent',
        'Message Delivered',
        'Message Failed',
        'Message Bounced',
        'Email Sent',
        'Email Delivered',
        'Email Bounced',
        'Push Notification Received',
        'Push Notification Bounced',
        'SMS Sent',
        'SMS Delivered',
        'SMS Failed',
        'Coupon Granted',
        'Coupon Expired',
        'Points Granted',
        'Points Expired',
        'Install Attributed',
        'Application Crashed',
        'Application Updated',
        'Staff Task Finished',
        'Message Unsubscribed',
        'Message Complained'
      )
    )
) AS `t1`
GROUP BY
  1;
