SELECT
  *
FROM (
  SELECT
    "t3"."person_id"
  FROM (
    SELECT
      "t0"."person_id"
    FROM "feat_customers" AS "t0"
  ) AS "t3"
  SEMI JOIN (
    SELECT
      *
    FROM "dim_person_consents" AS "t1"
    WHERE
      "t1"."channel" = 'sms'
      AND "t1"."purpose" = 'marketing'
      AND "t1"."granted" = TRUE
      AND "t1"."at" <= MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
  ) AS "t5"
    ON "t3"."person_id" = "t5"."person_id"
) AS "t6"
WHERE
  TRUE;
