"""The back office's tables of the catalog."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from huitou.accounts.back_office import LookOnly
from huitou.catalog.models import Category, Product


@admin.register(Product)
class ProductAdmin(LookOnly):
    """Products as imports and events told them."""

    title = _("Products")
    list_display = ("sku", "name", "category", "brand", "updated_at")
    search_fields = ("sku", "name")


@admin.register(Category)
class CategoryAdmin(LookOnly):
    """Names of categories."""

    title = _("Categories")
    list_display = ("code", "name_zh", "name_en")
