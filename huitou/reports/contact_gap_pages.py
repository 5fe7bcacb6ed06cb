"""The page of buyers out of contact: rate, course, target, who they are, and what to do about them."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.queries import find_brand, get_brand
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError
from huitou.customers.labels import customer_labels
from huitou.orders.queries import last_refresh
from huitou.reports.contact_gap import contact_gap, export_silent, read_month, silent_page
from huitou.reports.figures import chart_of, note
from huitou.reports.services import make_gap_segment
from huitou.segments.queries import find_segment
from huitou.sources.queries import what_is_there

_SIZE = 50


@requires("metrics.view", change="segments.write")
def show_contact_gap(request: HttpRequest) -> HttpResponse:
    """A month's rate beside the months before, and the buyers themselves; POST makes a segment of them."""
    brand = find_brand()
    if brand is None or last_refresh() is None:
        return render(request, "reports/metrics_empty.html", {"brand": brand, "state": what_is_there()})
    context: dict[str, object] = {"brand": brand}
    try:
        month = read_month(request.GET.get("month", ""), brand)
        if request.method == "POST":
            return _segment(request, month)
        gap = contact_gap(month)
        context |= {"gap": gap, "chart": chart_of(gap.trend, key="contact-gap", target=gap.target)}
        context |= {"note": note(gap.row) if gap.row else "", "segment": find_segment(f"contact_gap_{month:%Y_%m}")}
        context |= _people(request, month)
    except DomainError as error:
        return render(request, "reports/contact_gap.html", context | {"problem": str(error)}, status=error.status)
    response = render(request, "reports/contact_gap.html", context)
    response.allow_chart_styles = True  # type: ignore[attr-defined]
    return response


def _people(request: HttpRequest, month: date) -> dict[str, object]:
    asked = request.GET.get("after", "")
    after = int(asked) if asked.isdecimal() and len(asked) < 18 else 0
    found, total = silent_page(month, after=after, limit=_SIZE + 1)
    labels = customer_labels([one.person_id for one in found])
    people = [(one, labels[one.person_id]) for one in found[:_SIZE] if one.person_id in labels]
    return {"people": people, "total": total, "more": found[_SIZE - 1].person_id if len(found) > _SIZE else None}


def _segment(request: HttpRequest, month: date) -> HttpResponse:
    made = make_gap_segment(month=month, clock=get_brand().clock, actor=acting_user(request))
    told = _("Kept as a segment of %(count)s customers; the next refresh counts it.")
    messages.success(request, told % {"count": made.customers})
    return redirect("segments_one", made.segment.name)


@requires("customers.export")
def download(request: HttpRequest) -> HttpResponseBase:
    """The buyers of a month as a file with the brand's own numbers; each download is in the audit log."""
    try:
        month = read_month(request.GET.get("month", ""), get_brand())
        with tempfile.TemporaryDirectory(prefix="huitou-gap-") as folder:
            out = Path(folder) / f"contact_gap_{month:%Y-%m}.csv"
            export_silent(month=month, out=out, clock=SystemClock(), actor=acting_user(request))
            return FileResponse(out.open("rb"), as_attachment=True, filename=out.name)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(reverse("contact_gap"))


urlpatterns = [
    path("contact-gap/", show_contact_gap, name="contact_gap"),
    path("contact-gap/buyers.csv", download, name="contact_gap_csv"),
]
