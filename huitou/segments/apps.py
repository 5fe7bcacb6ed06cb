from django.apps import AppConfig


class SegmentsConfig(AppConfig):
    name = "huitou.segments"
    label = "segments"
