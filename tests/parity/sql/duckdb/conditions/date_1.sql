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
    FROM "dim_person_dates" AS "t1"
    WHERE
      "t1"."kind" = 'birthday'
      AND (
        CAST("t1"."month" AS BIGINT) * 100
      ) + CAST("t1"."day" AS BIGINT) IN (401, 402, 403, 404, 405, 406, 407)
  ) AS "t5"
    ON "t3"."person_id" = "t5"."person_id"
) AS "t6"
WHERE
  TRUE;
