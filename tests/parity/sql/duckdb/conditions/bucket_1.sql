SELECT
  "t0"."person_id"
FROM "feat_customers" AS "t0"
WHERE
  SUBSTRING(
    MD5('pilot:' || CAST("t0"."person_id" AS TEXT)),
    CASE
      WHEN (
        0 + 1
      ) >= 1
      THEN 0 + 1
      ELSE 0 + 1 + LENGTH(MD5('pilot:' || CAST("t0"."person_id" AS TEXT)))
    END,
    8
  ) >= '00000000'
  AND SUBSTRING(
    MD5('pilot:' || CAST("t0"."person_id" AS TEXT)),
    CASE
      WHEN (
        0 + 1
      ) >= 1
      THEN 0 + 1
      ELSE 0 + 1 + LENGTH(MD5('pilot:' || CAST("t0"."person_id" AS TEXT)))
    END,
    8
  ) < '19999999';
