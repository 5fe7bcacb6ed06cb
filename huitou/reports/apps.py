from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "huitou.reports"
    label = "reports"
