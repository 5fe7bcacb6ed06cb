"""Segments and tags of customers as columns of their list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext_lazy as _

from huitou.customers.columns import Column
from huitou.segments.history import segments_by_customer
from huitou.segments.output import product_clock
from huitou.segments.queries import tags_of

_BETWEEN = "; "


def _segments(people: Sequence[int]) -> Mapping[int, str]:
    return {customer: _BETWEEN.join(titles) for customer, titles in segments_by_customer(people).items()}


def _tags(people: Sequence[int]) -> Mapping[int, str]:
    held = tags_of(people, product_clock().now())
    return {customer: _BETWEEN.join(one.tag for one in tags) for customer, tags in held.items() if tags}


COLUMNS = [Column(_("Segments"), _segments), Column(_("Tags"), _tags)]
