"""Titles of journeys and launches in templates."""

from __future__ import annotations

from django import template

from huitou.journeys.models import Journey, Launch

register = template.Library()


@register.filter
def shown_title(told: Journey | Launch) -> str:
    """The title of a journey or launch in the reader's language."""
    # Titles know the engine: every command loads template tags, and few of them show any.
    from huitou.journeys import titles

    return titles.launch_title(told) if isinstance(told, Launch) else titles.journey_title(told)
