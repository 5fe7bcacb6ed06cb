"""Every URL of the product. Pages come from the apps' `pages.py` through the console's page registry."""

from django.urls import URLPattern, URLResolver

from huitou.console.shell import registry

urlpatterns: list[URLPattern | URLResolver] = [*registry().urls]
