from django.apps import AppConfig


class SourcesConfig(AppConfig):
    name = "huitou.sources"
    label = "sources"
