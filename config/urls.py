"""Every URL of the product. Pages come from the apps' `pages.py` through the console's page registry."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path

from config.api import urls as api_urls
from config.reference_pages import urlpatterns as reference_pages
from huitou.console.shell import registry
from huitou.core.api import urls as health_urls

urlpatterns: list[URLPattern | URLResolver] = [
    *health_urls,
    *reference_pages,
    *api_urls(),
    *registry().urls,
    path("admin/", admin.site.urls),
]
