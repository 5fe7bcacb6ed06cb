"""Jobs of journeys and plays, where the worker looks for them."""

from huitou.journeys.plays.tasks import rehearse_job

__all__ = ["rehearse_job"]
