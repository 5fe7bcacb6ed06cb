"""Set-wise SQL of the catalog: what the ORM cannot say."""

from __future__ import annotations

CREATE_INCOMING = """
CREATE TEMP TABLE incoming_products (
    sku text NOT NULL, name text, category text, brand text, list_price_minor bigint
) ON COMMIT DROP
"""
COPY_INCOMING = "COPY incoming_products FROM STDIN (FORMAT csv)"
# The latest file wins where it says something; what it leaves empty stays. Sorted by the key, so that two writers meet
# in the same order.
UPSERT = """
INSERT INTO catalog_product AS product (sku, name, category, brand, list_price_minor, updated_at)
SELECT sku, coalesce(left(name, 500), ''), coalesce(left(category, 100), ''), coalesce(left(brand, 100), ''),
    list_price_minor, %(now)s
FROM incoming_products ORDER BY sku
ON CONFLICT (sku) DO UPDATE SET
    name = coalesce(nullif(excluded.name, ''), product.name),
    category = coalesce(nullif(excluded.category, ''), product.category),
    brand = coalesce(nullif(excluded.brand, ''), product.brand),
    list_price_minor = coalesce(excluded.list_price_minor, product.list_price_minor),
    updated_at = excluded.updated_at
WHERE (coalesce(nullif(excluded.name, ''), product.name), coalesce(nullif(excluded.category, ''), product.category),
    coalesce(nullif(excluded.brand, ''), product.brand),
    coalesce(excluded.list_price_minor, product.list_price_minor))
    IS DISTINCT FROM (product.name, product.category, product.brand, product.list_price_minor)
"""
