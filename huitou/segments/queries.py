"""Reads of segments and tags, each in a module of its own and named here."""

from __future__ import annotations

from huitou.segments.carrying import HeldTag, ListedTag, list_groups, list_tags, tag_history, tags_of
from huitou.segments.counting import (
    Sampled,
    SegmentUnknownError,
    SizeEstimate,
    count_members,
    count_segment,
    customer_ids_of,
    find_segment,
    get_segment,
    matching,
    members_of_segment,
    sample_people,
    sample_size,
)
from huitou.segments.history import Membership, Move, changes_of, compared_runs, moves_of, segments_of
from huitou.segments.listing import Listed, asking_about, list_segments, sizes_of, users_of, versions_of
from huitou.segments.strategies import Chosen, list_strategies, strategy_of
from huitou.segments.where import WhereRefusedError, in_words, read_where

__all__ = [
    "Chosen",
    "HeldTag",
    "Listed",
    "ListedTag",
    "Membership",
    "Move",
    "Sampled",
    "SegmentUnknownError",
    "SizeEstimate",
    "WhereRefusedError",
    "asking_about",
    "changes_of",
    "compared_runs",
    "count_members",
    "count_segment",
    "customer_ids_of",
    "find_segment",
    "get_segment",
    "in_words",
    "list_groups",
    "list_segments",
    "list_strategies",
    "list_tags",
    "matching",
    "members_of_segment",
    "moves_of",
    "read_where",
    "sample_people",
    "sample_size",
    "segments_of",
    "sizes_of",
    "strategy_of",
    "tag_history",
    "tags_of",
    "users_of",
    "versions_of",
]
