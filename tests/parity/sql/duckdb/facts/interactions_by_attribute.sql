SELECT
  "t8"."dim0",
  "t8"."person_id",
  "t8"."day"
FROM (
  SELECT
    "t7".*
    EXCLUDE ("attribute_person", "attribute_value")
  FROM (
    SELECT
      "t6"."person_id",
      "t6"."day",
      "t6"."name",
      "t6"."events",
      "t6"."first_at",
      "t6"."last_at",
      "t6"."attribute_person",
      "t6"."attribute_value",
      COALESCE("t6"."attribute_value", 'unknown') AS "dim0"
    FROM (
      SELECT
        "t5"."person_id",
        "t5"."day",
        "t5"."name",
        "t5"."events",
        "t5"."first_at",
        "t5"."last_at",
        "t4"."attribute_person",
        "t4"."attribute_value"
      FROM (
        SELECT
          *
        FROM "person_days_until" AS "t0"
        WHERE
          NOT (
            "t0"."name" IN (
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
      ) AS "t5"
      LEFT OUTER JOIN (
        SELECT
          "t1"."person_id" AS "attribute_person",
          "t1"."value" AS "attribute_value"
        FROM "dim_person_attributes" AS "t1"
        WHERE
          "t1"."attribute" = 'city'
      ) AS "t4"
        ON "t5"."person_id" = "t4"."attribute_person"
    ) AS "t6"
  ) AS "t7"
) AS "t8";
