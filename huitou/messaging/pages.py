"""Messages: what waits, went out, failed and was refused, each with its reason; hand-off lists; the customer's card."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.models import Brand
from huitou.accounts.queries import find_brand
from huitou.console.downloads import csv_response
from huitou.console.shell import Card, Page
from huitou.core.clock import Clock, SystemClock
from huitou.core.errors import DomainError
from huitou.customers.labels import customer_labels
from huitou.messaging import handoff, operating, public_pages, settings_pages
from huitou.messaging.content import Content
from huitou.messaging.forms import MessageForm
from huitou.messaging.handoff_report import import_report
from huitou.messaging.models import Touch
from huitou.messaging.origins import origins_of
from huitou.messaging.queries import (
    GROUPS,
    channel_words,
    count_groups,
    count_reasons,
    decisions_of,
    list_handoffs,
    list_touches,
    ready_for_lists,
    touches_of,
)
from huitou.messaging.reasons import reason_words
from huitou.messaging.states import TONES, state_words

PAGES = [Page("messages", "act", gettext_lazy("Messages"), "file", 20, "messages")]
_GROUP_WORDS = {
    "waiting": gettext_lazy("Waiting"),
    "sent": gettext_lazy("Sent"),
    "unknown": gettext_lazy("Unknown"),
    "failed": gettext_lazy("Failed"),
    "refused": gettext_lazy("Refused"),
}
_SHOWN, _ON_CARD = 50, 20


def _clock() -> Clock:
    brand = find_brand()
    return brand.clock if brand is not None else SystemClock()


@requires("plays.view")
def show_messages(request: HttpRequest) -> HttpResponse:
    """One group of messages, the newest first, and how many there are for each reason."""
    group = request.GET.get("group", "")
    group = group if group in GROUPS else "waiting"
    reason, counts = request.GET.get("reason", "")[:50], count_groups()
    before = request.GET.get("before", "")
    below = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None
    touches = list(list_touches(group=group, reason=reason, before=below)[:_SHOWN])
    context = {
        "brand": find_brand() or Brand(),
        "group": group,
        "reason": reason,
        "tabs": [(name, label, counts[name]) for name, label in _GROUP_WORDS.items()],
        "reasons": [(code, reason_words(code), n) for code, n in count_reasons(group)],
        "rows": _rows(touches),
        "next_before": touches[-1].pk if len(touches) == _SHOWN else None,
        **_lists(),
    }
    return render(request, "messaging/messages.html", context)


def _lists() -> dict[str, Any]:
    """What is ready for a list, and the lists made so far, each with what asked for its messages."""
    ready, lists = ready_for_lists(), list(list_handoffs()[:_ON_CARD])
    origins = origins_of([source for _account, source, _n in ready] + [one.source for one in lists if one.source])
    return {
        "ready": [(account, source, origins[source], n) for account, source, n in ready],
        "lists": [(one, origins.get(one.source)) for one in lists],
    }


def _rows(touches: list[Touch]) -> list[dict[str, Any]]:
    labels = customer_labels(touch.person_id for touch in touches)
    told = decisions_of([touch.pk for touch in touches])
    origins = origins_of(touch.source for touch in touches)
    return [
        {
            "touch": touch,
            "origin": origins[touch.source],
            "step": origins[touch.source].steps.get(touch.step, ""),
            "customer": labels.get(touch.person_id, f"#{touch.person_id}"),
            "state": state_words(touch.state),
            "tone": TONES.get(touch.state, ""),
            "reason": reason_words(touch.reason) if touch.reason else "",
            "numbers": told[touch.pk][-1].numbers if touch.pk in told else [],
            "decisions": told.get(touch.pk, []),
            "channel": channel_words(touch.channel) if touch.channel else "",
            "text": Content.from_json(touch.content).in_language("zh")[1].text,
        }
        for touch in touches
    ]


@requires("plays.write")
@require_POST
def decide(request: HttpRequest, touch_id: int) -> HttpResponseBase:
    """Settle an unknown message, or take back a waiting one."""
    decision = request.POST.get("decision", "")
    try:
        if decision == "cancel":
            operating.cancel_touch(touch_id=touch_id, clock=_clock(), actor=acting_user(request))
        else:
            operating.decide_unknown(touch_id=touch_id, decision=decision, clock=_clock(), actor=acting_user(request))
        messages.success(request, _("Decided."))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("messages")


@requires("plays.write")
@require_POST
def send(request: HttpRequest, person_id: int) -> HttpResponseBase:
    """Plan one message to one customer; the governor decides when its time has come."""
    form = MessageForm(request.POST)
    if form.is_valid():
        try:
            operating.send_by_hand(
                customer_id=person_id,
                channels=(form.cleaned_data["channel"],),
                content=form.content(),
                purpose=form.cleaned_data["purpose"],
                clock=_clock(),
                actor=acting_user(request),
            )
            messages.success(request, _("Planned. Whether it goes out shows here, with the reason."))
        except DomainError as error:
            messages.error(request, str(error))
    else:
        messages.error(request, _("Choose a channel and write a text."))
    return redirect("customers_detail", person_id)


@requires("customers.export")
@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """Make a hand-off list of what is ready."""
    account, source = request.POST.get("account", ""), request.POST.get("source", "")
    try:
        made = handoff.export_list(
            account_id=int(account) if account.isdigit() and len(account) < 18 else 0,
            source=source[:100],
            clock=_clock(),
            actor=acting_user(request),
        )
        messages.success(
            request,
            _("List %(id)s: %(listed)s of %(judged)s may be contacted. Download it below.")
            % {"id": made.handoff.pk, "listed": made.listed, "judged": made.judged},
        )
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("messages")


@requires("customers.export")
@require_POST
def take(request: HttpRequest, list_id: int) -> HttpResponseBase:
    """The file of a list, with identifiers whole; each taking is logged."""
    try:
        rows = handoff.list_rows(list_id, clock=_clock(), actor=acting_user(request))
        return csv_response(f"handoff-{list_id}.csv", handoff.list_header(), rows)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("messages")


@requires("plays.write")
@require_POST
def report(request: HttpRequest, list_id: int) -> HttpResponseBase:
    """Take in the send report of a list."""
    file = request.FILES.get("file")
    if file is None or isinstance(file, list):
        messages.error(request, _("Choose the report's file first."))
        return redirect("messages")
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / f"report{Path(file.name or '').suffix.lower()[:6] or '.csv'}"
        with kept.open("wb") as target:
            for chunk in file.chunks():
                target.write(chunk)
        try:
            told = import_report(handoff_id=list_id, path=kept, clock=_clock(), actor=acting_user(request))
        except DomainError as error:
            messages.error(request, str(error))
            return redirect("messages")
    messages.success(
        request,
        _("%(matched)s of %(rows)s rows were understood, %(rejected)s were not.")
        % {"matched": told.matched, "rows": told.rows, "rejected": told.rejected},
    )
    return redirect("messages")


def touches_card(request: HttpRequest, customer_id: Any) -> str:
    """Every touch of the customer with its reason, and a form for one more."""
    touches = list(touches_of(customer_id, limit=_ON_CARD))
    may_send = request.user.has_perm("plays.write")
    form = MessageForm() if may_send else None
    if not touches and form is None:
        return ""
    context = {
        "brand": find_brand() or Brand(),
        "rows": _rows(touches),
        "form": form,
        "has_channels": bool(form and form.fields["channel"].choices),  # type: ignore[attr-defined]  # a ChoiceField
        "customer_id": customer_id,
    }
    return render_to_string("messaging/touches_card.html", context, request=request)


CARDS = [Card("customer", 25, touches_card, "plays.view")]

urlpatterns = [
    path("messages/", show_messages, name="messages"),
    path("messages/<int:touch_id>/decision/", decide, name="messages_decide"),
    path("messages/to/<int:person_id>/", send, name="messages_send"),
    path("messages/lists/new/", export, name="messages_export"),
    path("messages/lists/<int:list_id>/file/", take, name="messages_take"),
    path("messages/lists/<int:list_id>/report/", report, name="messages_report"),
    *settings_pages.urlpatterns,
    *public_pages.urlpatterns,
]
