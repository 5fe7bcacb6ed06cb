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
    FROM "dim_person_tags" AS "t1"
    WHERE
      "t1"."tag" IN ('vip')
      AND "t1"."since" <= MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
      AND (
        (
          "t1"."expires_at" IS NULL
        )
        OR (
          "t1"."expires_at" > MAKE_TIMESTAMPTZ(2024, 4, 1, 0, 0, 0.0, 'UTC')
        )
      )
  ) AS "t5"
    ON "t3"."person_id" = "t5"."person_id"
) AS "t6"
WHERE
  TRUE;
