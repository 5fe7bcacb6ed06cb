"""What is sold: products and the categories that analyses group by."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Category(models.Model):
    """A category code with its names. A category that has no row is shown by its code."""

    code = models.CharField(max_length=100, unique=True)
    name_zh = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return self.name_zh


class Product(models.Model):
    """One sellable product, by the shop's code. Its category is text: files name categories we have not met."""

    sku = models.CharField(max_length=200, unique=True)
    name = models.CharField(max_length=500, blank=True)
    category = models.CharField(max_length=100, blank=True)
    brand = models.CharField(max_length=100, blank=True)
    list_price_minor = models.BigIntegerField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="sku_not_empty", condition=~models.Q(sku=""))]

    def __str__(self) -> str:
        return self.name or self.sku
