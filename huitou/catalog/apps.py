from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "huitou.catalog"
    label = "catalog"
