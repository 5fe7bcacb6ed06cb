"""Overview and metrics explorer: the pages that join several apps."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _

from huitou.accounts.queries import find_brand
from huitou.console.shell import Page, render_cards

PAGES = [Page("overview", "home", _("Overview"), "home", 10, "overview")]


def show_overview(request: HttpRequest) -> HttpResponse:
    """How repurchase stands and what to do next; on an empty store the two ways to begin."""
    cards = render_cards("welcome", request)
    return render(request, "reports/welcome.html", {"brand": find_brand(), "cards": cards})


urlpatterns = [path("", show_overview, name="overview")]
