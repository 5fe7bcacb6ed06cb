"""Every URL of the product. Pages come from the apps' `pages.py` through the console's page registry."""

from django.urls import URLPattern, URLResolver

from huitou.console.shell import registry
from huitou.core.api import urls as health_urls

urlpatterns: list[URLPattern | URLResolver] = [*health_urls, *registry().urls]
