SELECT
  "t7"."dim0",
  "t7"."person_id",
  "t7"."day",
  "t7"."reached_at",
  "t7"."is_reached",
  "t7"."is_in_time",
  "t7"."is_clicked"
FROM (
  SELECT
    "t6".*
    EXCLUDE ("attribute_person", "attribute_value")
  FROM (
    SELECT
      "t5"."touch_id",
      "t5"."person_id",
      "t5"."source",
      "t5"."message_channel",
      "t5"."day",
      "t5"."reached_at",
      "t5"."is_reached",
      "t5"."is_in_time",
      "t5"."is_clicked",
      "t5"."attribute_person",
      "t5"."attribute_value",
      COALESCE("t5"."attribute_value", 'unknown') AS "dim0"
    FROM (
      SELECT
        "t2"."touch_id",
        "t2"."person_id",
        "t2"."source",
        "t2"."message_channel",
        "t2"."day",
        "t2"."reached_at",
        "t2"."is_reached",
        "t2"."is_in_time",
        "t2"."is_clicked",
        "t4"."attribute_person",
        "t4"."attribute_value"
      FROM "touches_until" AS "t2"
      LEFT OUTER JOIN (
        SELECT
          "t1"."person_id" AS "attribute_person",
          "t1"."value" AS "attribute_value"
        FROM "dim_person_attributes" AS "t1"
        WHERE
          "t1"."attribute" = 'city'
      ) AS "t4"
        ON "t2"."person_id" = "t4"."attribute_person"
    ) AS "t5"
  ) AS "t6"
) AS "t7";
