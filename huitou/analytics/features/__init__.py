"""One file per feature; see `huitou.analytics.feature`."""
