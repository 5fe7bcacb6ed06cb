"""Every write to segments and tags, each in a module of its own and named here."""

from __future__ import annotations

from huitou.segments.tagging import (
    TagRefusedError,
    TagUnknownError,
    archive_tag,
    create_tag,
    create_tag_group,
    give_tags,
    take_tags,
)

__all__ = [
    "TagRefusedError",
    "TagUnknownError",
    "archive_tag",
    "create_tag",
    "create_tag_group",
    "give_tags",
    "take_tags",
]
