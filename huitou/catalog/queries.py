"""Reads of the catalog."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from huitou.catalog.models import Category, Product


def product_names(skus: Iterable[str]) -> dict[str, str]:
    """Name by sku, for those that have one."""
    return dict(Product.objects.filter(sku__in=list(skus)).exclude(name="").values_list("sku", "name"))


def missing_products(skus: Iterable[str]) -> set[str]:
    """Of these codes those that the catalog does not know (any more)."""
    asked = set(skus)
    return asked - set(Product.objects.filter(sku__in=asked).values_list("sku", flat=True)) if asked else set()


def category_names(language: str = "zh-hans") -> dict[str, str]:
    """Name by category code, in the reader's language where there is one."""
    english = language.startswith("en")
    return {c.code: (c.name_en if english and c.name_en else c.name_zh) for c in Category.objects.order_by("code")}


def count_products() -> int:
    """How many products are known."""
    return Product.objects.count()


def list_products(*, text: str = "", category: str = "") -> QuerySet[Product]:
    """Products whose name contains `text` or whose code begins with it, of exactly this category; empty: all."""
    found = Product.objects.all()
    if text.strip():
        found = found.filter(Q(name__icontains=text.strip()) | Q(sku__istartswith=text.strip()))
    return found.filter(category=category) if category else found


def list_categories() -> QuerySet[Category]:
    """Categories that have names."""
    return Category.objects.all()
