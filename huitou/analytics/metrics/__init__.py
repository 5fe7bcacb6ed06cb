"""The metrics, one file each; a file that appears here is a metric everywhere."""

from huitou.analytics.metric import Metric
from huitou.analytics.registry import Registry

METRICS: Registry[Metric] = Registry("huitou.analytics.metrics", "METRIC", Metric)
