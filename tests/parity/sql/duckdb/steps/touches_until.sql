SELECT
  "t8"."touch_id",
  COALESCE("t8"."linked_customer", "t8"."person_id") AS "person_id",
  "t8"."source",
  "t8"."message_channel",
  "t8"."day",
  "t8"."reached_at",
  "t8"."is_reached",
  "t8"."is_in_time",
  "t8"."is_clicked"
FROM (
  SELECT
    "t7"."touch_id",
    "t7"."person_id",
    "t7"."source",
    "t7"."message_channel",
    "t7"."day",
    "t7"."reached_at",
    "t7"."is_reached",
    "t7"."is_in_time",
    "t7"."is_clicked",
    "t3"."linked_person",
    "t3"."linked_customer"
  FROM (
    SELECT
      "t5"."touch_id",
      "t5"."person_id",
      "t5"."source",
      "t5"."channel" AS "message_channel",
      CAST("t5"."planned_at" + CASE
        WHEN "t5"."planned_at" >= MAKE_TIMESTAMPTZ(2024, 3, 31, 1, 0, 0.0, 'UTC')
        THEN INTERVAL '3600' SECOND
        WHEN "t5"."planned_at" >= MAKE_TIMESTAMPTZ(2023, 10, 29, 1, 0, 0.0, 'UTC')
        THEN INTERVAL '0' SECOND
        ELSE INTERVAL '3600' SECOND
      END AS DATE) AS "day",
      CASE
        WHEN COALESCE(
          "t5"."state" IN ('sent', 'delivered', 'read', 'clicked')
          AND NOT (
            (
              "t5"."state" = 'sent'
            )
            AND COALESCE("t5"."channel" IN ('wecom'), FALSE)
            AND (
              "t5"."step" <> 'welcome'
            )
          )
          AND (
            "t5"."out_at" <= (
              "t5"."planned_at" + INTERVAL '168' HOUR
            )
          ),
          FALSE
        )
        THEN "t5"."out_at"
        ELSE CAST(NULL AS TIMESTAMPTZ)
      END AS "reached_at",
      COALESCE(
        "t5"."state" IN ('sent', 'delivered', 'read', 'clicked')
        AND NOT (
          (
            "t5"."state" = 'sent'
          )
          AND COALESCE("t5"."channel" IN ('wecom'), FALSE)
          AND (
            "t5"."step" <> 'welcome'
          )
        )
        AND (
          "t5"."out_at" <= (
            "t5"."planned_at" + INTERVAL '168' HOUR
          )
        ),
        FALSE
      ) AS "is_reached",
      COALESCE(
        COALESCE(
          "t5"."state" IN ('sent', 'delivered', 'read', 'clicked')
          AND NOT (
            (
              "t5"."state" = 'sent'
            )
            AND COALESCE("t5"."channel" IN ('wecom'), FALSE)
            AND (
              "t5"."step" <> 'welcome'
            )
          )
          AND (
            "t5"."out_at" <= (
              "t5"."planned_at" + INTERVAL '168' HOUR
            )
          ),
          FALSE
        )
        AND (
          "t5"."out_at" <= (
            "t5"."planned_at" + INTERVAL '24' HOUR
          )
        )
        AND (
          "t5"."out_at" <= "t5"."planned_until"
        ),
        FALSE
      ) AS "is_in_time",
      COALESCE(
        COALESCE(
          "t5"."state" IN ('sent', 'delivered', 'read', 'clicked')
          AND NOT (
            (
              "t5"."state" = 'sent'
            )
            AND COALESCE("t5"."channel" IN ('wecom'), FALSE)
            AND (
              "t5"."step" <> 'welcome'
            )
          )
          AND (
            "t5"."out_at" <= (
              "t5"."planned_at" + INTERVAL '168' HOUR
            )
          ),
          FALSE
        )
        AND (
          "t5"."clicked_at" <= (
            "t5"."out_at" + INTERVAL '168' HOUR
          )
        ),
        FALSE
      ) AS "is_clicked"
    FROM (
      SELECT
        "t4"."batch_id",
        "t4"."touch_id",
        "t4"."version",
        "t4"."person_id",
        "t4"."parent_id",
        "t4"."source",
        "t4"."step",
        "t4"."variant",
        "t4"."purpose",
        "t4"."channel",
        "t4"."state",
        "t4"."reason",
        "t4"."planned_at",
        "t4"."planned_until",
        "t4"."sent_at",
        "t4"."delivered_at",
        "t4"."read_at",
        CASE
          WHEN "t4"."clicked_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
          THEN "t4"."clicked_at"
          ELSE CAST(NULL AS TIMESTAMPTZ)
        END AS "clicked_at",
        "t4"."unsubscribed_at",
        "t4"."month",
        "t4"."place",
        COALESCE(
          CASE
            WHEN "t4"."delivered_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
            THEN "t4"."delivered_at"
            ELSE CAST(NULL AS TIMESTAMPTZ)
          END,
          CASE
            WHEN "t4"."read_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
            THEN "t4"."read_at"
            ELSE CAST(NULL AS TIMESTAMPTZ)
          END,
          CASE
            WHEN "t4"."clicked_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
            THEN "t4"."clicked_at"
            ELSE CAST(NULL AS TIMESTAMPTZ)
          END,
          CASE
            WHEN "t4"."sent_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
            THEN "t4"."sent_at"
            ELSE CAST(NULL AS TIMESTAMPTZ)
          END
        ) AS "out_at"
      FROM (
        SELECT
          "t1"."batch_id",
          "t1"."touch_id",
          "t1"."version",
          "t1"."person_id",
          "t1"."parent_id",
          "t1"."source",
          "t1"."step",
          "t1"."variant",
          "t1"."purpose",
          "t1"."channel",
          "t1"."state",
          "t1"."reason",
          "t1"."planned_at",
          "t1"."planned_until",
          "t1"."sent_at",
          "t1"."delivered_at",
          "t1"."read_at",
          "t1"."clicked_at",
          "t1"."unsubscribed_at",
          "t1"."month",
          ROW_NUMBER() OVER (
            PARTITION BY "t1"."touch_id"
            ORDER BY "t1"."version" DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) - 1 AS "place"
        FROM "fct_touches" AS "t1"
      ) AS "t4"
      WHERE
        "t4"."place" = 0
        AND "t4"."planned_at" < MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
        AND NOT (
          STARTS_WITH("t4"."source", 'test:')
        )
        AND "t4"."state" <> 'cancelled'
        AND "t4"."reason" <> 'held_out'
    ) AS "t5"
  ) AS "t7"
  LEFT OUTER JOIN (
    SELECT
      "t0"."person_id" AS "linked_person",
      "t0"."customer_id" AS "linked_customer"
    FROM "dim_person_links" AS "t0"
  ) AS "t3"
    ON "t7"."person_id" = "t3"."linked_person"
) AS "t8";
