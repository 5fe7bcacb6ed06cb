-- Six conditions by hand, the way an analyst who knows DuckDB would write them for these files; read by segments.py,
-- which fills in the instant. Views: features, events, links, tags, consents, identifiers. Each query gives person_id.

-- name: bought_twice_then_silent
SELECT person_id FROM features WHERE order_count >= 2 AND days_since_last_order >= 45 AND refund_rate = 0;

-- name: growing_vip_who_may_be_written_to
SELECT f.person_id
FROM features f
WHERE f.lifecycle_stage IN ('growing', 'mature')
  AND f.last_order_at >= TIMESTAMPTZ '{as_of}' - INTERVAL 180 DAY
  AND left(md5('pilot:' || f.person_id), 8) < '80000000'
  AND f.person_id IN (SELECT person_id FROM tags WHERE tag = 'vip' AND since <= TIMESTAMPTZ '{as_of}'
                      AND (expires_at IS NULL OR expires_at > TIMESTAMPTZ '{as_of}'))
  AND f.person_id IN (SELECT person_id FROM consents WHERE channel = 'sms' AND purpose = 'marketing' AND granted
                      AND "at" <= TIMESTAMPTZ '{as_of}')
  AND f.person_id IN (SELECT person_id FROM identifiers WHERE kind = 'phone');

-- name: viewed_a_category_and_did_not_buy
WITH done AS (
    SELECT coalesce(l.customer_id, e.person_id) AS person_id,
           count(*) FILTER (WHERE name = 'Product Viewed' AND occurred_at >= TIMESTAMPTZ '{as_of}' - INTERVAL 90 DAY
                            AND (properties ->> 'category') IN ('c1', 'c2', 'c3')) AS views,
           count(*) FILTER (WHERE name = 'Order Completed'
                            AND occurred_at >= TIMESTAMPTZ '{as_of}' - INTERVAL 30 DAY) AS orders
    FROM events e LEFT JOIN links l ON e.person_id = l.person_id
    WHERE name IN ('Product Viewed', 'Order Completed') AND (kind IS NULL OR kind IN ('track', 'page', 'screen'))
      AND month >= strftime(TIMESTAMP '{as_of_plain}' - INTERVAL 90 DAY, '%Y-%m')
      AND occurred_at >= TIMESTAMPTZ '{as_of}' - INTERVAL 90 DAY AND occurred_at < TIMESTAMPTZ '{as_of}'
    GROUP BY 1
)
SELECT f.person_id FROM features f JOIN done d ON f.person_id = d.person_id WHERE d.views >= 3 AND d.orders = 0;

-- name: frequent_regular_and_spending
WITH done AS (
    SELECT coalesce(l.customer_id, e.person_id) AS person_id,
           count(*) FILTER (WHERE name = 'Page Viewed') AS pages,
           -- A bit for each week: sets of weeks by group, as count(DISTINCT ...) keeps them, cost six times as much.
           bit_count(bit_or(1::BIGINT << CAST(
               (epoch_us(TIMESTAMPTZ '{as_of}') - 1 - epoch_us(occurred_at)) // 604800000000 AS INTEGER))
               FILTER (WHERE name = 'Product Viewed'
                       AND occurred_at >= TIMESTAMPTZ '{as_of}' - INTERVAL 84 DAY)) AS weeks,
           sum(TRY_CAST(properties ->> 'price' AS DECIMAL(18, 6))) FILTER (WHERE name = 'Product Added') AS added
    FROM events e LEFT JOIN links l ON e.person_id = l.person_id
    WHERE name IN ('Page Viewed', 'Product Viewed', 'Product Added')
      AND (kind IS NULL OR kind IN ('track', 'page', 'screen'))
      AND month >= strftime(TIMESTAMP '{as_of_plain}' - INTERVAL 365 DAY, '%Y-%m')
      AND occurred_at >= TIMESTAMPTZ '{as_of}' - INTERVAL 365 DAY AND occurred_at < TIMESTAMPTZ '{as_of}'
    GROUP BY 1
)
SELECT f.person_id FROM features f JOIN done d ON f.person_id = d.person_id
WHERE d.pages >= 10 AND (d.weeks >= 3 OR d.added >= 500);

-- name: viewed_added_bought
WITH steps AS MATERIALIZED (
    SELECT coalesce(l.customer_id, e.person_id) AS person_id, occurred_at, name
    FROM events e LEFT JOIN links l ON e.person_id = l.person_id
    WHERE name IN ('Product Viewed', 'Product Added', 'Order Completed')
      AND (kind IS NULL OR kind IN ('track', 'page', 'screen'))
      AND month >= strftime(TIMESTAMP '{as_of_plain}' - INTERVAL 180 DAY, '%Y-%m')
      AND occurred_at >= TIMESTAMPTZ '{as_of}' - INTERVAL 180 DAY AND occurred_at < TIMESTAMPTZ '{as_of}'
), seconds AS (
    SELECT b.person_id, b.occurred_at
    FROM (FROM steps WHERE name = 'Product Added') b ASOF JOIN (FROM steps WHERE name = 'Product Viewed') a
         ON a.person_id = b.person_id AND a.occurred_at < b.occurred_at
    WHERE b.occurred_at - a.occurred_at <= INTERVAL 24 HOUR
), thirds AS (
    SELECT c.person_id
    FROM (FROM steps WHERE name = 'Order Completed') c ASOF JOIN seconds b
         ON b.person_id = c.person_id AND b.occurred_at < c.occurred_at
    WHERE c.occurred_at - b.occurred_at <= INTERVAL 72 HOUR
)
SELECT f.person_id FROM features f
WHERE f.person_id IN (SELECT person_id FROM thirds);

-- name: visited_started_replied_and_bought_before
WITH steps AS MATERIALIZED (
    SELECT coalesce(l.customer_id, e.person_id) AS person_id, occurred_at, name
    FROM events e LEFT JOIN links l ON e.person_id = l.person_id
    WHERE name IN ('Page Viewed', 'Checkout Started', 'Message Replied')
      AND (kind IS NULL OR kind IN ('track', 'page', 'screen'))
      AND month >= strftime(TIMESTAMP '{as_of_plain}' - INTERVAL 365 DAY, '%Y-%m')
      AND occurred_at >= TIMESTAMPTZ '{as_of}' - INTERVAL 365 DAY AND occurred_at < TIMESTAMPTZ '{as_of}'
), seconds AS (
    SELECT b.person_id, b.occurred_at
    FROM (FROM steps WHERE name = 'Checkout Started') b ASOF JOIN (FROM steps WHERE name = 'Page Viewed') a
         ON a.person_id = b.person_id AND a.occurred_at < b.occurred_at
    WHERE b.occurred_at - a.occurred_at <= INTERVAL 24 HOUR
), thirds AS (
    SELECT c.person_id
    FROM (FROM steps WHERE name = 'Message Replied') c ASOF JOIN seconds b
         ON b.person_id = c.person_id AND b.occurred_at < c.occurred_at
    WHERE c.occurred_at - b.occurred_at <= INTERVAL 168 HOUR
)
SELECT f.person_id FROM features f
WHERE f.order_count >= 1 AND f.person_id IN (SELECT person_id FROM thirds);
