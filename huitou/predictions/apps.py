from django.apps import AppConfig


class PredictionsConfig(AppConfig):
    name = "huitou.predictions"
    label = "predictions"
