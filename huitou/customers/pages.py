"""The customer page: who it is, what joined it, and the cards that apps add; and the merge review."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.queries import find_brand, get_brand
from huitou.console.shell import Page, render_cards
from huitou.console.tables import read_page
from huitou.core.clock import SystemClock
from huitou.customers import acting_pages
from huitou.customers.acting_pages import ConsentForm, JoinForm, attempt
from huitou.customers.looking import REASONS, NobodyError, look_whole
from huitou.customers.portrait import Portrait, consent_words, find_portrait
from huitou.customers.queries import customers_of
from huitou.customers.reviewing import count_cases, list_cases
from huitou.customers.services import close_case, keep_apart, merge_customers, undo_merge

PAGES = [Page("review", "connect", gettext_lazy("Merge review"), "person", 30, "review")]
_CASES = 20


@requires("customers.view")
@never_cache
def show_customer(request: HttpRequest, person_id: int) -> HttpResponse:
    """Everything that is known about one customer, masked; any of its persons leads to it."""
    portrait = find_portrait(person_id, clock=SystemClock())
    if portrait is None:
        raise Http404
    if portrait.customer != person_id:
        return redirect("customers_detail", portrait.customer)
    return _show(request, portrait)


def _show(request: HttpRequest, portrait: Portrait, *, whole: bool = False) -> HttpResponse:
    words = consent_words()
    context: dict[str, Any] = {
        "brand": get_brand(),
        "portrait": portrait,
        "label": portrait.label,
        "whole": whole,
        "reasons": list(REASONS.items()),
        "consents": [(words.get(c.channel, c.channel), words.get(c.purpose, c.purpose), c) for c in portrait.consents],
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "customers/identity_part.html", context)
    context["join_form"], context["consent_form"] = JoinForm(auto_id="join-%s"), ConsentForm(auto_id="consent-%s")
    context["cards"] = render_cards("customer", request, portrait.customer)
    context["side_cards"] = render_cards("customer.side", request, portrait.customer)
    return render(request, "customers/detail.html", context)


@requires("customers.unmask")
@require_POST
@never_cache
def show_whole(request: HttpRequest, person_id: int) -> HttpResponse:
    """The page, or the part of it that is masked, once with everything whole; each look is in the audit log."""
    reason = request.POST.get("reason", "")
    try:
        portrait = look_whole(person_id=person_id, clock=SystemClock(), actor=acting_user(request), reason=reason)
    except NobodyError as error:
        raise Http404 from error
    return _show(request, portrait, whole=True)


@requires("customers.write")
@require_POST
def undo(request: HttpRequest, person_id: int, merge_id: int) -> HttpResponse:
    """Undo one join from the customer's page."""
    attempt(
        request,
        lambda: undo_merge(merge_id=merge_id, clock=SystemClock(), actor=acting_user(request)),
        _("Undone. No rule joins the two again; figures follow at the next refresh."),
    )
    return redirect("customers_detail", customers_of([person_id])[person_id])


@requires("customers.view")
@never_cache
def review(request: HttpRequest) -> HttpResponse:
    """What the rules left to people."""
    paging = read_page(request, total=count_cases(), size=_CASES)
    context = {"brand": find_brand(), "cases": list_cases(page=paging.number, page_size=_CASES), "paging": paging}
    return render(request, "customers/review.html", context)


@requires("customers.write")
@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Settle one case: merge, keep apart, or take note."""
    decision = request.POST.get("decision", "")
    numbers = [request.POST.get(name, "") for name in ("person_a", "person_b", "case")]
    a, b, case = (int(text) if text.isdigit() and len(text) < 19 else 0 for text in numbers)
    clock, actor = SystemClock(), acting_user(request)
    if decision == "merge":
        told = _("Joined. Figures follow at the next refresh; the join can be undone on the customer's page.")
        attempt(request, lambda: merge_customers(person_a=a, person_b=b, clock=clock, actor=actor), told)
    elif decision == "keep":
        told = _("Kept apart: no rule joins these two.")
        attempt(request, lambda: keep_apart(person_a=a, person_b=b, clock=clock, actor=actor), told)
    elif decision == "seen":
        attempt(request, lambda: close_case(case_id=case, clock=clock, actor=actor), _("Taken note of."))
    return redirect("review")


urlpatterns = [
    *acting_pages.urlpatterns,
    path("customers/<int:person_id>/", show_customer, name="customers_detail"),
    path("customers/<int:person_id>/whole/", show_whole, name="customers_whole"),
    path("customers/<int:person_id>/merges/<int:merge_id>/undo/", undo, name="customers_undo"),
    path("review/", review, name="review"),
    path("review/decision/", decide, name="review_decide"),
]
