from django.apps import AppConfig


class JourneysConfig(AppConfig):
    name = "huitou.journeys"
    label = "journeys"
