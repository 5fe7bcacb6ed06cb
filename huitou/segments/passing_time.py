"""What segments need while the example's clock is moved on."""

from __future__ import annotations

from huitou.segments.ordering import standing_nodes


def counts_days() -> bool:
    """Whether any segment or rule is counted: sizes, entries and exits belong to their day."""
    return bool(standing_nodes())
