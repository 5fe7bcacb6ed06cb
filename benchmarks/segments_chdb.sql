-- The six conditions of segments.sql for ClickHouse in the process; braces name the files. Read by segments.py.

-- name: bought_twice_then_silent
SELECT person_id FROM {features} WHERE order_count >= 2 AND days_since_last_order >= 45 AND refund_rate = 0

-- name: growing_vip_who_may_be_written_to
SELECT person_id FROM {features}
WHERE lifecycle_stage IN ('growing', 'mature') AND last_order_at >= toDateTime64('{as_of}', 6, 'UTC') - INTERVAL 180 DAY
  AND substring(lower(hex(MD5(concat('pilot:', toString(person_id))))), 1, 8) < '80000000'
  AND person_id IN (SELECT person_id FROM {tags} WHERE tag = 'vip'
                    AND (expires_at IS NULL OR expires_at > toDateTime64('{as_of}', 6, 'UTC')))
  AND person_id IN (SELECT person_id FROM {consents} WHERE channel = 'sms' AND purpose = 'marketing' AND granted)
  AND person_id IN (SELECT person_id FROM {identifiers} WHERE kind = 'phone')

-- name: viewed_a_category_and_did_not_buy
SELECT person_id FROM (
    SELECT if(l.person_id = 0, assumeNotNull(e.person_id), l.customer_id) AS person_id,
           countIf(name = 'Product Viewed' AND JSONExtractString(properties, 'category') IN ('c1', 'c2', 'c3')) AS views,
           countIf(name = 'Order Completed' AND occurred_at >= toDateTime64('{as_of}', 6, 'UTC') - INTERVAL 30 DAY)
               AS orders
    FROM {events} e
    LEFT JOIN (SELECT assumeNotNull(person_id) AS person_id, assumeNotNull(customer_id) AS customer_id FROM {links}) l
         ON e.person_id = l.person_id
    WHERE name IN ('Product Viewed', 'Order Completed') AND kind IN ('track', 'page', 'screen')
      AND e.person_id IS NOT NULL
      AND occurred_at >= toDateTime64('{as_of}', 6, 'UTC') - INTERVAL 90 DAY
      AND occurred_at < toDateTime64('{as_of}', 6, 'UTC')
    GROUP BY 1
) WHERE views >= 3 AND orders = 0 AND person_id IN (SELECT person_id FROM {features})

-- name: frequent_regular_and_spending
SELECT person_id FROM (
    SELECT if(l.person_id = 0, assumeNotNull(e.person_id), l.customer_id) AS person_id,
           countIf(name = 'Page Viewed') AS pages,
           uniqExactIf(intDiv(dateDiff('second', occurred_at, toDateTime64('{as_of}', 6, 'UTC')) - 1, 604800),
                       name = 'Product Viewed'
                       AND occurred_at >= toDateTime64('{as_of}', 6, 'UTC') - INTERVAL 84 DAY) AS weeks,
           sumIf(JSONExtractFloat(properties, 'price'), name = 'Product Added') AS added
    FROM {events} e
    LEFT JOIN (SELECT assumeNotNull(person_id) AS person_id, assumeNotNull(customer_id) AS customer_id FROM {links}) l
         ON e.person_id = l.person_id
    WHERE name IN ('Page Viewed', 'Product Viewed', 'Product Added') AND kind IN ('track', 'page', 'screen')
      AND e.person_id IS NOT NULL
      AND occurred_at >= toDateTime64('{as_of}', 6, 'UTC') - INTERVAL 365 DAY
      AND occurred_at < toDateTime64('{as_of}', 6, 'UTC')
    GROUP BY 1
) WHERE pages >= 10 AND (weeks >= 3 OR added >= 500) AND person_id IN (SELECT person_id FROM {features})

-- name: viewed_added_bought
WITH steps AS (
    SELECT if(l.person_id = 0, assumeNotNull(e.person_id), l.customer_id) AS person_id,
           assumeNotNull(occurred_at) AS at, name
    FROM {events} e
    LEFT JOIN (SELECT assumeNotNull(person_id) AS person_id, assumeNotNull(customer_id) AS customer_id FROM {links}) l
         ON e.person_id = l.person_id
    WHERE name IN ('Product Viewed', 'Product Added', 'Order Completed') AND kind IN ('track', 'page', 'screen')
      AND e.person_id IS NOT NULL
      AND occurred_at >= toDateTime64('{as_of}', 6, 'UTC') - INTERVAL 180 DAY
      AND occurred_at < toDateTime64('{as_of}', 6, 'UTC')
), seconds AS (
    SELECT b.person_id AS person_id, b.at AS at
    FROM (SELECT person_id, at FROM steps WHERE name = 'Product Added') b
    ASOF JOIN (SELECT person_id, at FROM steps WHERE name = 'Product Viewed') a
         ON a.person_id = b.person_id AND a.at < b.at
    WHERE dateDiff('microsecond', a.at, b.at) <= 24 * 3600000000
)
SELECT DISTINCT c.person_id AS person_id
FROM (SELECT person_id, at FROM steps WHERE name = 'Order Completed') c
ASOF JOIN seconds b ON b.person_id = c.person_id AND b.at < c.at
WHERE dateDiff('microsecond', b.at, c.at) <= 72 * 3600000000 AND c.person_id IN (SELECT person_id FROM {features})

-- name: visited_started_replied_and_bought_before
WITH steps AS (
    SELECT if(l.person_id = 0, assumeNotNull(e.person_id), l.customer_id) AS person_id,
           assumeNotNull(occurred_at) AS at, name
    FROM {events} e
    LEFT JOIN (SELECT assumeNotNull(person_id) AS person_id, assumeNotNull(customer_id) AS customer_id FROM {links}) l
         ON e.person_id = l.person_id
    WHERE name IN ('Page Viewed', 'Checkout Started', 'Message Replied') AND kind IN ('track', 'page', 'screen')
      AND e.person_id IS NOT NULL
      AND occurred_at >= toDateTime64('{as_of}', 6, 'UTC') - INTERVAL 365 DAY
      AND occurred_at < toDateTime64('{as_of}', 6, 'UTC')
), seconds AS (
    SELECT b.person_id AS person_id, b.at AS at
    FROM (SELECT person_id, at FROM steps WHERE name = 'Checkout Started') b
    ASOF JOIN (SELECT person_id, at FROM steps WHERE name = 'Page Viewed') a
         ON a.person_id = b.person_id AND a.at < b.at
    WHERE dateDiff('microsecond', a.at, b.at) <= 24 * 3600000000
)
SELECT DISTINCT c.person_id AS person_id
FROM (SELECT person_id, at FROM steps WHERE name = 'Message Replied') c
ASOF JOIN seconds b ON b.person_id = c.person_id AND b.at < c.at
WHERE dateDiff('microsecond', b.at, c.at) <= 168 * 3600000000
  AND c.person_id IN (SELECT person_id FROM {features} WHERE order_count >= 1)
