"""Reads of segments and tags."""

from __future__ import annotations

from huitou.segments.carrying import HeldTag, tag_history, tags_of

__all__ = ["HeldTag", "tag_history", "tags_of"]
