-- The order tables and customer features, written by hand for DuckDB: the peer of `huitou refresh`.
-- Expects views lines, products, persons; {out} is a folder, {as_of} an instant, {offset} the zone's fixed offset.

CREATE TEMP TABLE replaced AS
SELECT source, order_id, max(batch_id) AS newest FROM lines
GROUP BY ALL HAVING max(batch_id) > min(batch_id);

CREATE TEMP VIEW counted AS
SELECT l.* FROM lines l LEFT JOIN replaced r USING (source, order_id)
WHERE (r.newest IS NULL OR l.batch_id = r.newest) AND l.occurred_at < {as_of} AND l.status NOT IN ('unpaid', 'cancelled');

CREATE TEMP TABLE returned AS
SELECT source, order_id, line_no, person_id, sku, category, occurred_at, refund_of, channel, store, order_type, amount_minor,
       CAST(quantity * 10000 AS BIGINT) AS units
FROM counted WHERE kind = 'refund';

CREATE TEMP TABLE refundable AS
SELECT s.source, s.order_id, s.line_no, s.person_id, s.sku, s.occurred_at, CAST(s.quantity * 10000 AS BIGINT) AS units
FROM counted s
LEFT JOIN (SELECT DISTINCT source, refund_of AS order_id, sku, true AS hit FROM returned WHERE refund_of IS NOT NULL) o
       ON s.source = o.source AND s.order_id = o.order_id AND s.sku = o.sku
LEFT JOIN (SELECT DISTINCT person_id, sku, true AS hit FROM returned WHERE person_id IS NOT NULL) p
       ON s.person_id = p.person_id AND s.sku = p.sku
WHERE s.kind = 'sale' AND (o.hit OR p.hit);

CREATE TEMP TABLE named AS
WITH asked AS (
    SELECT *, sum(units) OVER w AS b, sum(units) OVER w - units AS a FROM returned WHERE refund_of IS NOT NULL AND units > 0
    WINDOW w AS (PARTITION BY source, refund_of, sku ORDER BY occurred_at, order_id, line_no ROWS UNBOUNDED PRECEDING)
), given AS (
    SELECT *, sum(units) OVER w AS d, sum(units) OVER w - units AS c FROM refundable WHERE units > 0
    WINDOW w AS (PARTITION BY source, order_id, sku ORDER BY occurred_at DESC, line_no DESC ROWS UNBOUNDED PRECEDING)
)
SELECT r.source, r.order_id, r.line_no, s.source AS s_source, s.order_id AS s_order_id, s.line_no AS s_line_no,
       s.occurred_at AS sold_at, CAST(least(b, d) - greatest(a, c) AS BIGINT) AS units, 1 AS step
FROM asked r JOIN given s ON r.source = s.source AND r.refund_of = s.order_id AND r.sku = s.sku
WHERE least(b, d) > greatest(a, c);

CREATE TEMP TABLE latest AS
WITH left_refunds AS (
    SELECT r.* REPLACE (r.units - coalesce(t.taken, 0) AS units)
    FROM returned r LEFT JOIN (SELECT source, order_id, line_no, sum(units) AS taken FROM named GROUP BY ALL) t
    USING (source, order_id, line_no)
    WHERE r.person_id IS NOT NULL AND r.units > coalesce(t.taken, 0)
), left_sales AS (
    SELECT s.* REPLACE (s.units - coalesce(t.taken, 0) AS units)
    FROM refundable s
    LEFT JOIN (SELECT s_source AS source, s_order_id AS order_id, s_line_no AS line_no, sum(units) AS taken FROM named GROUP BY ALL) t
    USING (source, order_id, line_no)
    WHERE s.person_id IS NOT NULL AND s.units > coalesce(t.taken, 0)
), steps AS (
    SELECT person_id, sku, occurred_at, source, order_id, line_no, false AS is_refund, units AS change FROM left_sales
    WHERE (person_id, sku) IN (SELECT (person_id, sku) FROM left_refunds)
    UNION ALL
    SELECT person_id, sku, occurred_at, source, order_id, line_no, true, -units FROM left_refunds
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY person_id, sku ORDER BY occurred_at, is_refund, source, order_id, line_no) AS position
    FROM steps
), totals AS (
    SELECT *, sum(change) OVER (PARTITION BY person_id, sku ORDER BY position ROWS UNBOUNDED PRECEDING) AS total FROM placed
), floors AS (
    SELECT *, least(0, min(total) OVER (PARTITION BY person_id, sku ORDER BY position ROWS UNBOUNDED PRECEDING)) AS lowest FROM totals
), balances AS (
    SELECT *, total - lowest AS after,
           coalesce(lag(total - lowest) OVER (PARTITION BY person_id, sku ORDER BY position), 0) AS before
    FROM floors
), stretches AS (
    SELECT *, least(before, after) AS low, greatest(before, after) AS high FROM balances WHERE before <> after
), depths AS (
    SELECT person_id, sku, low AS depth FROM stretches UNION SELECT person_id, sku, high FROM stretches
), slices AS (
    SELECT *, lead(depth) OVER (PARTITION BY person_id, sku ORDER BY depth) AS top FROM depths
), cut AS (
    SELECT x.*, s.depth, s.top,
           lag(source) OVER w AS s_source, lag(order_id) OVER w AS s_order_id, lag(line_no) OVER w AS s_line_no,
           lag(occurred_at) OVER w AS sold_at
    FROM stretches x JOIN slices s ON x.person_id = s.person_id AND x.sku = s.sku AND x.low <= s.depth AND x.high >= s.top
    WINDOW w AS (PARTITION BY x.person_id, x.sku, s.depth ORDER BY position)
)
SELECT source, order_id, line_no, s_source, s_order_id, s_line_no, sold_at, CAST(sum(top - depth) AS BIGINT) AS units, 2 AS step
FROM cut WHERE is_refund GROUP BY ALL;

CREATE TEMP TABLE parts AS
WITH money_only AS (
    SELECT r.source, r.order_id, r.line_no, s.source AS s_source, s.order_id AS s_order_id, s.line_no AS s_line_no,
           s.occurred_at AS sold_at, 0::BIGINT AS units, 1 AS step
    FROM returned r
    JOIN (SELECT * FROM refundable
          QUALIFY row_number() OVER (PARTITION BY source, order_id, sku ORDER BY occurred_at DESC, line_no DESC) = 1) s
      ON r.source = s.source AND r.refund_of = s.order_id AND r.sku = s.sku
    WHERE r.units = 0
), matched AS (
    SELECT * FROM named UNION ALL SELECT * FROM latest UNION ALL SELECT * FROM money_only
), rest AS (
    SELECT r.source, r.order_id, r.line_no, o.source AS s_source, o.order_id AS s_order_id, NULL::INTEGER AS s_line_no,
           NULL::TIMESTAMPTZ AS sold_at, r.units - coalesce(t.taken, 0) AS units, 3 AS step
    FROM returned r
    LEFT JOIN (SELECT source, order_id, line_no, sum(units) AS taken FROM matched GROUP BY ALL) t USING (source, order_id, line_no)
    LEFT JOIN (SELECT DISTINCT source, order_id FROM counted
               WHERE kind = 'sale' AND (source, order_id) IN (SELECT (source, refund_of) FROM returned)) o
           ON r.source = o.source AND r.refund_of = o.order_id
    WHERE t.taken IS NULL OR t.taken < r.units
), every AS (
    SELECT * FROM matched UNION ALL SELECT * FROM rest
), numbered AS (
    SELECT r.*, p.units AS part_units, s_source, s_order_id, s_line_no, row_number() OVER w AS part_no, sum(p.units) OVER w AS reached
    FROM returned r JOIN every p USING (source, order_id, line_no)
    WINDOW w AS (PARTITION BY r.source, r.order_id, r.line_no
                 ORDER BY step, sold_at DESC, s_source DESC, s_order_id DESC, s_line_no DESC ROWS UNBOUNDED PRECEDING)
), shares AS (
    SELECT *, CAST(CASE WHEN reached = units THEN amount_minor
                   ELSE (amount_minor::HUGEINT * reached * 2 + units) // (2 * units) END AS BIGINT) AS upto
    FROM numbered
)
SELECT *, upto - coalesce(lag(upto) OVER (PARTITION BY source, order_id, line_no ORDER BY part_no), 0) AS part_minor FROM shares;

CREATE TEMP TABLE touched AS
SELECT l.source, l.order_id, l.sku, l.category, l.amount_minor,
       coalesce(l.quantity > 0 AND b.units_back >= l.quantity * 10000, false)
       OR coalesce(b.money_only AND b.minor_back >= l.amount_minor, false) AS is_gone
FROM counted l
LEFT JOIN (SELECT s_source AS source, s_order_id AS order_id, s_line_no AS line_no, sum(part_units) AS units_back,
                  sum(part_minor) AS minor_back, bool_or(part_units = 0) AS money_only
           FROM parts WHERE s_line_no IS NOT NULL GROUP BY ALL) b USING (source, order_id, line_no)
WHERE l.kind = 'sale' AND (l.source, l.order_id) IN (
    SELECT (s_source, s_order_id) FROM parts WHERE s_order_id IS NOT NULL);

CREATE TEMP TABLE orders AS
WITH sums AS (
    SELECT source, order_id, max(person_id) AS person_id, min(occurred_at) AS paid_at, max(channel) AS channel, max(store) AS store,
           CAST(sum(amount_minor) AS BIGINT) AS amount_minor, CAST(sum(discount_minor) AS BIGINT) AS discount_minor,
           bool_or(order_type IN ('brushing', 'sample', 'staff')) AS is_excluded
    FROM counted WHERE kind = 'sale' GROUP BY ALL
), back AS (
    SELECT * FROM (SELECT source, order_id, bool_and(amount_minor <= 0 OR is_gone) AS all_gone FROM touched GROUP BY ALL)
    LEFT JOIN (SELECT s_source AS source, s_order_id AS order_id, CAST(sum(part_minor) AS BIGINT) AS refunded_minor,
                      bool_or(s_line_no IS NULL) AS whole_order
               FROM parts WHERE s_order_id IS NOT NULL GROUP BY ALL) USING (source, order_id)
), judged AS (
    SELECT s.*, CAST(s.paid_at + INTERVAL {offset} AS DATE) AS day, coalesce(refunded_minor, 0) AS refunded_minor,
           amount_minor > 0 AND NOT is_excluded AND NOT coalesce(all_gone, false)
           AND NOT (coalesce(whole_order, false) AND coalesce(refunded_minor, 0) >= amount_minor) AS is_purchase
    FROM sums s LEFT JOIN back USING (source, order_id)
)
SELECT *, CAST(row_number() OVER w AS INTEGER) AS purchase_no, lag(paid_at) OVER w AS previous_paid_at
FROM judged WHERE is_purchase AND person_id IS NOT NULL
WINDOW w AS (PARTITION BY person_id ORDER BY paid_at, source, order_id)
UNION ALL
SELECT *, NULL, NULL FROM judged WHERE NOT (is_purchase AND person_id IS NOT NULL);

COPY (SELECT source, order_id, person_id, paid_at, day, channel, store, amount_minor, discount_minor, refunded_minor,
             is_excluded, is_purchase, purchase_no, previous_paid_at FROM orders)
TO '{out}/int_orders.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1);

CREATE TEMP TABLE categories AS
WITH sums AS (
    SELECT source, order_id, coalesce(l.category, p.category, 'unknown') AS category, max(person_id) AS person_id,
           min(occurred_at) AS paid_at, CAST(sum(amount_minor) AS BIGINT) AS amount_minor
    FROM counted l LEFT JOIN products p USING (sku) WHERE kind = 'sale' GROUP BY ALL
), emptied AS (
    SELECT source, order_id, coalesce(t.category, p.category, 'unknown') AS category
    FROM touched t LEFT JOIN products p USING (sku) GROUP BY ALL HAVING bool_and(amount_minor <= 0 OR is_gone)
)
SELECT s.*, e.source IS NOT NULL AS wholly_refunded,
       e.source IS NULL AND n.source IS NULL AND s.amount_minor > 0 AS is_purchase
FROM sums s
LEFT JOIN emptied e ON s.source = e.source AND s.order_id = e.order_id AND s.category = e.category
LEFT JOIN (SELECT source, order_id FROM orders WHERE NOT is_purchase) n ON s.source = n.source AND s.order_id = n.order_id;

COPY categories TO '{out}/int_order_categories.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1);

COPY (
    SELECT p.source, p.order_id, p.line_no, part_no, p.person_id, occurred_at AS refunded_at,
           CAST(occurred_at + INTERVAL {offset} AS DATE) AS day, p.sku, coalesce(p.category, c.category, 'unknown') AS category,
           CAST(part_units / 10000 AS DECIMAL(18, 4)) AS quantity, part_minor AS amount_minor,
           s_source AS sale_source, s_order_id AS sale_order_id, s_line_no AS sale_line_no,
           CASE WHEN o.source IS NULL THEN p.channel ELSE o.channel END AS channel,
           CASE WHEN o.source IS NULL THEN p.store ELSE o.store END AS store,
           coalesce(o.is_excluded, p.order_type IN ('brushing', 'sample', 'staff')) AS is_excluded
    FROM parts p LEFT JOIN products c USING (sku)
    LEFT JOIN orders o ON p.s_source = o.source AND p.s_order_id = o.order_id
) TO '{out}/int_refunds.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1);

COPY (
WITH bought AS (
    SELECT person_id,
        count(*) FILTER (is_purchase AND paid_at >= {as_of} - INTERVAL 720 HOUR) AS orders_30d,
        count(*) FILTER (is_purchase AND paid_at >= {as_of} - INTERVAL 1440 HOUR) AS orders_60d,
        count(*) FILTER (is_purchase AND paid_at >= {as_of} - INTERVAL 2160 HOUR) AS orders_90d,
        count(*) FILTER (is_purchase AND paid_at >= {as_of} - INTERVAL 4320 HOUR) AS orders_180d,
        count(*) FILTER (is_purchase AND paid_at >= {as_of} - INTERVAL 8760 HOUR) AS orders_365d,
        coalesce(sum(amount_minor) FILTER (is_purchase AND paid_at >= {as_of} - INTERVAL 720 HOUR), 0) AS spend_30d_minor,
        coalesce(sum(amount_minor) FILTER (is_purchase AND paid_at >= {as_of} - INTERVAL 1440 HOUR), 0) AS spend_60d_minor,
        coalesce(sum(amount_minor) FILTER (is_purchase AND paid_at >= {as_of} - INTERVAL 2160 HOUR), 0) AS spend_90d_minor,
        coalesce(sum(amount_minor) FILTER (is_purchase AND paid_at >= {as_of} - INTERVAL 4320 HOUR), 0) AS spend_180d_minor,
        coalesce(sum(amount_minor) FILTER (is_purchase AND paid_at >= {as_of} - INTERVAL 8760 HOUR), 0) AS spend_365d_minor,
        count(*) FILTER (is_purchase) AS order_count,
        coalesce(sum(amount_minor) FILTER (is_purchase), 0) AS spend_minor,
        coalesce(sum(amount_minor - refunded_minor) FILTER (is_purchase), 0) AS net_spend_minor,
        min(paid_at) FILTER (is_purchase) AS first_order_at,
        max(paid_at) FILTER (is_purchase) AS last_order_at,
        stddev_samp((epoch(paid_at) - epoch(previous_paid_at)) / 86400) AS interpurchase_days_std,
        count(*) FILTER (is_purchase AND purchase_no > 1 AND paid_at >= {as_of} - INTERVAL 8760 HOUR) AS repeat_orders_365d,
        sum(refunded_minor) / nullif(sum(amount_minor), 0) AS refund_rate,
        sum(discount_minor) FILTER (is_purchase)
            / nullif(sum(amount_minor + discount_minor) FILTER (is_purchase), 0) AS discount_share
    FROM orders WHERE person_id IS NOT NULL AND NOT is_excluded GROUP BY person_id
), kinds AS (
    SELECT person_id, count(*) AS categories_count, arg_max(category, (n, -place)) AS top_category
    FROM (SELECT person_id, category, count(*) AS n FROM categories WHERE is_purchase AND person_id IS NOT NULL AND category <> 'unknown' GROUP BY ALL)
    JOIN (SELECT category, row_number() OVER (ORDER BY category) AS place FROM (SELECT DISTINCT category FROM categories)) USING (category)
    GROUP BY person_id
), people AS (
    SELECT person_id FROM lines l LEFT JOIN replaced r USING (source, order_id)
    WHERE person_id IS NOT NULL AND occurred_at < {as_of} AND (r.newest IS NULL OR batch_id = r.newest)
    UNION SELECT person_id FROM persons WHERE known_since < {as_of}
), wide AS (
    SELECT people.person_id, b.* EXCLUDE (person_id), coalesce(categories_count, 0) AS categories_count, top_category,
        coalesce(order_count, 0) > 0 AS buys,
        CAST(round(spend_minor / nullif(order_count, 0)) AS BIGINT) AS aov_minor,
        CAST(floor((epoch({as_of}) - epoch(first_order_at)) / 86400) AS BIGINT) AS days_since_first_order,
        CAST(floor((epoch({as_of}) - epoch(last_order_at)) / 86400) AS BIGINT) AS days_since_last_order,
        (epoch(last_order_at) - epoch(first_order_at)) / 86400 / nullif(order_count - 1, 0) AS interpurchase_days_mean
    FROM people LEFT JOIN bought b USING (person_id) LEFT JOIN kinds USING (person_id)
), ranked AS (
    SELECT *,
        sum(buys::INTEGER) OVER () AS buyers,
        rank() OVER (PARTITION BY buys ORDER BY last_order_at) - 1 AS r_place,
        rank() OVER (PARTITION BY buys ORDER BY order_count) - 1 AS f_place,
        rank() OVER (PARTITION BY buys ORDER BY spend_minor) - 1 AS m_place,
        rank() OVER (PARTITION BY buys ORDER BY aov_minor DESC) - 1 AS aov_above,
        rank() OVER (PARTITION BY buys ORDER BY repeat_orders_365d DESC) - 1 AS repeat_above
    FROM wide
)
SELECT *,
    CASE WHEN buys THEN 1 + r_place * 5 // buyers END AS rfm_recency_score,
    CASE WHEN buys THEN 1 + f_place * 5 // buyers END AS rfm_frequency_score,
    CASE WHEN buys THEN 1 + m_place * 5 // buyers END AS rfm_monetary_score,
    CASE WHEN buys THEN 5 - (days_since_last_order > 30)::INT - (days_since_last_order > 60)::INT
        - (days_since_last_order > 90)::INT - (days_since_last_order > 180)::INT END AS rfm_recency_band,
    CASE WHEN buys THEN 1 + (order_count >= 2)::INT + (order_count >= 3)::INT + (order_count >= 5)::INT
        + (order_count >= 10)::INT END AS rfm_frequency_band,
    CASE WHEN buys THEN 1 + (spend_minor >= 10000)::INT + (spend_minor >= 30000)::INT + (spend_minor >= 60000)::INT
        + (spend_minor >= 120000)::INT END AS rfm_monetary_band,
    CASE WHEN NOT buys OR (order_count = 1 AND days_since_first_order < 30) THEN 'new'
        WHEN days_since_last_order > CASE WHEN order_count >= 3 AND interpurchase_days_mean >= 1
            THEN greatest(interpurchase_days_mean * 2, 30) ELSE 90 END THEN 'declining'
        WHEN order_count < 3 THEN 'growing' ELSE 'mature' END AS lifecycle_stage,
    CASE WHEN NOT buys THEN NULL
        WHEN repeat_above * 100 < buyers * 10 AND repeat_orders_365d >= 5 THEN 'high'
        WHEN repeat_above * 100 < buyers * 40 AND repeat_orders_365d >= 2 THEN 'medium' ELSE 'low' END AS repurchase_band,
    buys AND orders_90d >= 9 AND aov_above * 100 < buyers * 20 AS vip_layer,
    buys AND aov_above * 100 < buyers * 20 AND coalesce(interpurchase_days_mean, days_since_last_order) >= 60 AS nurture_layer,
    buys AND orders_90d >= 3 AND NOT aov_above * 100 < buyers * 50 AS traffic_layer,
    CASE WHEN days_since_last_order >= 60 THEN 'long_dormant' WHEN days_since_last_order >= 30 THEN 'dormant' END AS dormant_layer,
    CASE WHEN order_count >= 3 AND interpurchase_days_mean >= 1
        THEN to_timestamp(floor(epoch(last_order_at) + interpurchase_days_mean * 86400)) END AS next_order_due_at,
    -- The facts hold no events.
    0 AS interactions_30d, 0 AS interactions_90d, 0 AS active_days_30d,
    NULL::TIMESTAMPTZ AS last_interaction_at, NULL::BIGINT AS days_since_last_interaction,
    NULL::DOUBLE AS message_response_rate
FROM ranked
) TO '{out}/feat_customers.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1);
