"""Overview and metrics explorer: the pages that join several apps."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _

from huitou.accounts.doors import requires
from huitou.accounts.models import Brand
from huitou.accounts.queries import find_brand
from huitou.console.downloads import csv_response, workbook_response
from huitou.console.formats import format_day
from huitou.console.shell import Page, render_cards
from huitou.core.clock import local_day
from huitou.core.errors import DomainError
from huitou.orders import queries as orders
from huitou.orders.coverage import order_days
from huitou.reports import contact_gap_pages
from huitou.reports.explorer import CSV_HEADER, Answer, ExplorerForm, csv_rows, explore
from huitou.reports.overview import build_overview
from huitou.sources.queries import what_is_there

PAGES = [
    Page("overview", "home", _("Overview"), "home", 10, "overview"),
    Page("metrics", "understand", _("Metrics"), "chart", 10, "metrics"),
    Page("contact-gap", "understand", _("Out of contact"), "clock", 12, "contact_gap"),
]


@requires("metrics.view")
def show_overview(request: HttpRequest) -> HttpResponse:
    """How repurchase stands and what to do next; on an empty store the two ways to begin."""
    brand = find_brand()
    overview = build_overview(brand) if brand else None
    if overview is None:
        context = {"brand": brand, "cards": render_cards("welcome", request), "state": what_is_there()}
        return render(request, "reports/welcome.html", context)
    return _with_charts(render(request, "reports/overview.html", {"overview": overview, "brand": brand}))


@requires("metrics.view")
def show_metrics(request: HttpRequest) -> HttpResponse:
    """Any metric by any dimension: chart, table, definition."""
    brand = find_brand()
    if brand is None or orders.last_refresh() is None:
        return render(request, "reports/metrics_empty.html", {"brand": brand, "state": what_is_there()})
    form = _form(request, brand)
    context: dict[str, object] = {"brand": brand, "form": form, "query_string": f"?{request.GET.urlencode()}"}
    if form.is_valid():
        try:
            answer = explore(brand, form)
        except DomainError as error:
            context["problem"] = str(error)
        else:
            context |= {
                "answer": answer,
                "as_of_text": format_day(answer.result.as_of, brand.tz),
                "observed_text": _observed(brand, answer),
            }
    return _with_charts(render(request, "reports/metrics.html", context))


@requires("metrics.view")
def download_metrics(request: HttpRequest, suffix: str) -> HttpResponse:
    """The rows of the explorer as a file: csv, or xlsx for Excel."""
    brand = find_brand()
    if brand is None:
        raise Http404
    form = _form(request, brand)
    if not form.is_valid():
        return HttpResponse(form.errors.as_text(), status=400, content_type="text/plain; charset=utf-8")
    try:
        result = explore(brand, form).result
    except DomainError as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain; charset=utf-8")
    name = f"{result.metric}_{form.cleaned_data['from_date']}_{form.cleaned_data['to_date']}.{suffix}"
    respond = csv_response if suffix == "csv" else workbook_response
    return respond(name, CSV_HEADER, csv_rows(result))


def _form(request: HttpRequest, brand: Brand) -> ExplorerForm:
    today = local_day(brand.now(), brand.tz)
    first, last = order_days(brand) or (today, today)
    return ExplorerForm.from_query(request.GET, first_day=first, last_day=min(last, today))


def _observed(brand: Brand, answer: Answer) -> str:
    until = answer.result.observed_until
    return format_day(until, brand.tz) if until else ""


def _with_charts(response: HttpResponse) -> HttpResponse:
    response.allow_chart_styles = True  # type: ignore[attr-defined]
    return response


urlpatterns = [
    *contact_gap_pages.urlpatterns,
    path("", show_overview, name="overview"),
    path("metrics/", show_metrics, name="metrics"),
    path("metrics/figures.csv", download_metrics, {"suffix": "csv"}, name="metrics_csv"),
    path("metrics/figures.xlsx", download_metrics, {"suffix": "xlsx"}, name="metrics_xlsx"),
]
