SELECT
  "t6"."period",
  "t6"."dim0",
  COUNT(*) AS "denominator",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '0' HOUR
    ), FALSE) AS INT)
  ) AS "within_0",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '24' HOUR
    ), FALSE) AS INT)
  ) AS "within_1",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '72' HOUR
    ), FALSE) AS INT)
  ) AS "within_3",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '168' HOUR
    ), FALSE) AS INT)
  ) AS "within_7",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '336' HOUR
    ), FALSE) AS INT)
  ) AS "within_14",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '504' HOUR
    ), FALSE) AS INT)
  ) AS "within_21",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '720' HOUR
    ), FALSE) AS INT)
  ) AS "within_30",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '1080' HOUR
    ), FALSE) AS INT)
  ) AS "within_45",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '1440' HOUR
    ), FALSE) AS INT)
  ) AS "within_60",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '1800' HOUR
    ), FALSE) AS INT)
  ) AS "within_75",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '2160' HOUR
    ), FALSE) AS INT)
  ) AS "within_90",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '2880' HOUR
    ), FALSE) AS INT)
  ) AS "within_120",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '3600' HOUR
    ), FALSE) AS INT)
  ) AS "within_150",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '4320' HOUR
    ), FALSE) AS INT)
  ) AS "within_180",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '5040' HOUR
    ), FALSE) AS INT)
  ) AS "within_210",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '5760' HOUR
    ), FALSE) AS INT)
  ) AS "within_240",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '6480' HOUR
    ), FALSE) AS INT)
  ) AS "within_270",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '7200' HOUR
    ), FALSE) AS INT)
  ) AS "within_300",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '7920' HOUR
    ), FALSE) AS INT)
  ) AS "within_330",
  SUM(
    CAST(COALESCE("t6"."second_at" <= (
      "t6"."first_at" + INTERVAL '8760' HOUR
    ), FALSE) AS INT)
  ) AS "within_365"
FROM (
  SELECT
    "t5"."dim0",
    "t5"."person_id",
    "t5"."first_at",
    "t5"."day",
    "t5"."second_at",
    "t2"."period"
  FROM (
    SELECT
      "t3"."dim0",
      "t3"."person_id",
      MIN("t3"."paid_at") AS "first_at",
      MIN("t3"."day") AS "day",
      MAX("t3"."paid_at") FILTER(WHERE
        "t3"."purchase_no" = 2) AS "second_at"
    FROM (
      SELECT
        *
      FROM "sequence" AS "t1"
      WHERE
        "t1"."purchase_no" <= 2
    ) AS "t3"
    GROUP BY
      1,
      2
  ) AS "t5"
  INNER JOIN "in_memory_1" AS "t2"
    ON "t5"."day" = "t2"."day"
) AS "t6"
GROUP BY
  1,
  2;
