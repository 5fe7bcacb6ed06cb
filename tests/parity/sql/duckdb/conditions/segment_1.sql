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
    FROM "int_segment_members" AS "t1"
    WHERE
      "t1"."segment" IN ('winback')
      AND "t1"."entered_at" <= MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
  ) AS "t5"
    ON "t3"."person_id" = "t5"."person_id"
) AS "t6"
WHERE
  TRUE;
