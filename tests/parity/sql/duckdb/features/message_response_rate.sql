SELECT
  "t1"."person_id",
  CASE
    WHEN (
      SUM("t1"."answered") FILTER(WHERE
        "t1"."first_at" >= MAKE_TIMESTAMPTZ(2023, 10, 4, 0, 0, 0.0, 'UTC')) / NULLIF(
        SUM("t1"."sent") FILTER(WHERE
          "t1"."first_at" >= MAKE_TIMESTAMPTZ(2023, 10, 4, 0, 0, 0.0, 'UTC')),
        0
      )
    ) > 1
    THEN 1.0
    ELSE SUM("t1"."answered") FILTER(WHERE
      "t1"."first_at" >= MAKE_TIMESTAMPTZ(2023, 10, 4, 0, 0, 0.0, 'UTC')) / NULLIF(
      SUM("t1"."sent") FILTER(WHERE
        "t1"."first_at" >= MAKE_TIMESTAMPTZ(2023, 10, 4, 0, 0, 0.0, 'UTC')),
      0
    )
  END AS "message_response_rate"
FROM (
  SELECT
    "t0"."person_id",
    "t0"."first_at",
    CASE WHEN "t0"."name" = 'Message Sent' THEN "t0"."events" ELSE 0 END AS "sent",
    CASE WHEN "t0"."name" = 'Message Sent' THEN 0 ELSE "t0"."events" END AS "answered"
  FROM "person_days_until" AS "t0"
  WHERE
    "t0"."name" IN ('Message Sent', 'Message Link Clicked', 'Message Clicked', 'Message Replied')
) AS "t1"
GROUP BY
  1;
