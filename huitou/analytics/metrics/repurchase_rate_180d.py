"""Share of a period's customers who bought again within 180 days."""

from huitou.analytics.metrics._repurchase_within import repurchase_rate_within

METRIC = repurchase_rate_within(180)
