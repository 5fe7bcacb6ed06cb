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
    FROM "dim_person_identifiers" AS "t1"
    WHERE
      "t1"."kind" IN ('phone', 'wecom')
  ) AS "t5"
    ON "t3"."person_id" = "t5"."person_id"
) AS "t6"
WHERE
  TRUE;
