SELECT
  "t12"."period",
  COALESCE(SUM("t12"."amount_minor") FILTER(WHERE
    "t12"."state" = 'new'), 0) AS "new",
  COALESCE(SUM("t12"."amount_minor") FILTER(WHERE
    "t12"."state" = 'returning'), 0) AS "returning",
  COALESCE(SUM("t12"."amount_minor") FILTER(WHERE
    "t12"."state" = 'anonymous'), 0) AS "anonymous"
FROM (
  SELECT
    "t11"."person_id",
    "t11"."day",
    "t11"."amount_minor",
    "t11"."sale_at",
    "t11"."sale_day",
    "t11"."period",
    "t11"."first_person_id",
    "t11"."first_at",
    "t11"."first_purchase_day",
    CASE
      WHEN "t11"."person_id" IS NULL
      THEN 'anonymous'
      WHEN (
        "t11"."sale_at" IS NULL
      )
      OR COALESCE("t11"."first_at" < "t11"."sale_at", FALSE)
      THEN 'returning'
      ELSE 'new'
    END AS "state"
  FROM (
    SELECT
      "t10"."person_id",
      "t10"."day",
      "t10"."amount_minor",
      "t10"."sale_at",
      "t10"."sale_day",
      "t4"."period",
      "t8"."first_person_id",
      "t8"."first_at",
      "t8"."first_purchase_day"
    FROM (
      SELECT
        *
      FROM (
        SELECT
          "t1"."person_id",
          "t1"."day",
          "t1"."amount_minor",
          "t1"."paid_at" AS "sale_at",
          "t1"."day" AS "sale_day"
        FROM "sales" AS "t1"
      ) AS "t5"
      UNION ALL
      SELECT
        *
      FROM (
        SELECT
          "t2"."person_id",
          "t2"."day",
          -(
            "t2"."amount_minor"
          ) AS "amount_minor",
          "t2"."sale_at",
          "t2"."sale_day"
        FROM "money_back" AS "t2"
      ) AS "t7"
    ) AS "t10"
    INNER JOIN "in_memory_1" AS "t4"
      ON "t10"."day" = "t4"."day"
    LEFT OUTER JOIN (
      SELECT
        "t3"."person_id" AS "first_person_id",
        "t3"."first_at",
        "t3"."first_purchase_day"
      FROM "first_purchases" AS "t3"
    ) AS "t8"
      ON "t10"."person_id" = "t8"."first_person_id"
  ) AS "t11"
) AS "t12"
GROUP BY
  1;
