"""Names of categories in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import get_language

from huitou.catalog.models import Category


def category_labels(codes: Iterable[str]) -> dict[str, str]:
    """By code: the Chinese name, or the English one where English is read and there is one; unknown codes left out."""
    english = (get_language() or "").startswith("en")
    return {
        category.code: (category.name_en if english else "") or category.name_zh
        for category in Category.objects.filter(code__in=list(codes))
    }
