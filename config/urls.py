"""Every URL of the product. Pages come from the apps' `pages.py` through the console's page registry."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
