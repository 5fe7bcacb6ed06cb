"""What journeys plug into the console: the flow pages, the inbox of tasks, and a card on the customer page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from huitou.console.shell import Card, Page
from huitou.journeys import flow_pages, task_pages
from huitou.journeys.plays import pages as play_pages

PAGES = [
    *play_pages.PAGES,
    Page("journeys", "decide", _("Journeys"), "flow", 20, "journeys"),
    Page("tasks", "act", _("Inbox of tasks"), "check", 10, "tasks"),
]
CARDS = [
    Card("customer", 60, task_pages.customer_card, "plays.view"),
    Card("segment.actions", 10, play_pages.contact_segment, "plays.view"),
]
urlpatterns = [*play_pages.urlpatterns, *flow_pages.urlpatterns, *task_pages.urlpatterns]
