"""Operations on what is sold."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Query, Schema
from pydantic import Field

from huitou.catalog.models import Category, Product
from huitou.catalog.queries import list_categories, list_products
from huitou.core.http_api.fields import Text
from huitou.core.http_api.operations import Operations
from huitou.core.http_api.paging import Page, Paged, named_page

router = Operations("connect")


class ProductOut(Schema):
    """One sellable product."""

    sku: str = Field(description="The shop's code.", examples=["SKU-001"])
    name: str = Field(examples=["燕麦奶 1L"])
    category: str = Field(description="Category code; empty where none is known.", examples=["oat_milk"])
    brand: str = Field(examples=["小满"])
    list_price_minor: int | None = Field(examples=[2500])
    updated_at: datetime


class ProductPage(Page):
    """Products by code."""

    items: list[ProductOut]


class ProductFilter(Paged):
    """Which products."""

    q: Text = Field("", max_length=100, description="Name contains it, or the code begins with it.")
    category: Text = Field("", max_length=100, description="Of exactly this category code.")


@router.read("/products", permission="metrics.view", returns=ProductPage)
def show_products(request: HttpRequest, asked: Query[ProductFilter]) -> ProductPage:
    """Products in the order of their codes."""
    found, following = named_page(request, asked, list_products(text=asked.q, category=asked.category), by="sku")
    return ProductPage(items=[_product(product) for product in found], next=following)


def _product(product: Product) -> ProductOut:
    return ProductOut.from_orm(product)


class CategoryOut(Schema):
    """A category that has names. Products may name others, which are shown by their code."""

    code: str = Field(examples=["oat_milk"])
    name_zh: str = Field(examples=["燕麦奶"])
    name_en: str = Field(examples=["Oat milk"])


class CategoryPage(Page):
    """Categories by code."""

    items: list[CategoryOut]


@router.read("/categories", permission="metrics.view", returns=CategoryPage)
def show_categories(request: HttpRequest, paged: Query[Paged]) -> CategoryPage:
    """Categories with their names, in the order of their codes."""
    found, following = named_page(request, paged, list_categories(), by="code")
    return CategoryPage(items=[_category(category) for category in found], next=following)


def _category(category: Category) -> CategoryOut:
    return CategoryOut.from_orm(category)
