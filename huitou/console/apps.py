from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "huitou.console"
    label = "console"
