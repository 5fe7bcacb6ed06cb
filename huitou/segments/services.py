"""Every write to segments and tags, each in a module of its own and named here."""

from __future__ import annotations

from huitou.segments.counting import SegmentUnknownError
from huitou.segments.installing import install_layers
from huitou.segments.saving import (
    SegmentInUseError,
    SegmentRefusedError,
    archive_segment,
    change_segment,
    create_segment,
    refresh_segments,
    restore_segment,
    set_tag_rule,
    stop_tag_rule,
)
from huitou.segments.strategies import StrategyRefusedError, remove_strategy, set_strategy
from huitou.segments.tagging import (
    TagRefusedError,
    TagUnknownError,
    archive_tag,
    create_tag,
    create_tag_group,
    give_tags,
    is_tag_name,
    take_tags,
)
from huitou.segments.where import WhereRefusedError

__all__ = [
    "SegmentInUseError",
    "SegmentRefusedError",
    "SegmentUnknownError",
    "StrategyRefusedError",
    "TagRefusedError",
    "TagUnknownError",
    "WhereRefusedError",
    "archive_segment",
    "archive_tag",
    "change_segment",
    "create_segment",
    "create_tag",
    "create_tag_group",
    "give_tags",
    "install_layers",
    "is_tag_name",
    "refresh_segments",
    "remove_strategy",
    "restore_segment",
    "set_strategy",
    "set_tag_rule",
    "stop_tag_rule",
    "take_tags",
]
