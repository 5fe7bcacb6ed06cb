"""The customer page's forms: join by hand, write down a consent, hand over everything, erase."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from huitou.accounts.doors import acting_user, requires
from huitou.console.downloads import json_response
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError
from huitou.customers.consenting import decide_consent
from huitou.customers.finding import find_number
from huitou.customers.personal import erase_customer, export_customer
from huitou.customers.portrait import CONSENT_CHANNELS, consent_words
from huitou.customers.queries import customers_of, find_person
from huitou.customers.services import ConsentDecision, merge_customers

# Nothing is chosen beforehand: a consent to everything must not be one careless click away.
_OPEN = ("", "–")
_CHANNELS = ("*", *CONSENT_CHANNELS)
_PURPOSES = ("*", "marketing", "service", "profiling")


class JoinForm(forms.Form):
    """Which customer is the same one."""

    other = forms.CharField(
        label=gettext_lazy("Internal number of the other customer"),
        max_length=20,
        help_text=gettext_lazy("Like #12, as its page shows it."),
    )
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)


class ConsentForm(forms.Form):
    """One decision of the customer."""

    granted = forms.ChoiceField(
        label=gettext_lazy("Decision"),
        choices=[_OPEN, ("yes", gettext_lazy("Agrees")), ("no", gettext_lazy("Withdraws"))],
    )
    channel = forms.ChoiceField(label=gettext_lazy("Channel"), choices=lambda: _choices(_CHANNELS))
    purpose = forms.ChoiceField(label=gettext_lazy("Purpose"), choices=lambda: _choices(_PURPOSES))
    source = forms.CharField(
        label=gettext_lazy("Where it was said"),
        max_length=100,
        help_text=gettext_lazy("For example: telephone, store, chat."),
    )
    text_version = forms.CharField(label=gettext_lazy("Version of the text"), max_length=50, required=False)


def _choices(codes: tuple[str, ...]) -> list[tuple[str, str]]:
    words = consent_words()
    return [_OPEN, *((code, words[code]) for code in codes)]


@requires("customers.write")
@require_POST
def join(request: HttpRequest, person_id: int) -> HttpResponse:
    """Make this customer and another one the same, by hand."""
    form = JoinForm(request.POST)

    def act() -> None:
        other = find_number(form.cleaned_data["other"])
        note = form.cleaned_data["note"]
        merge_customers(person_a=person_id, person_b=other, note=note, clock=SystemClock(), actor=acting_user(request))

    return _done(
        request, person_id, form, act, _("Joined. Figures follow at the next refresh; the join can be undone below.")
    )


@requires("customers.write")
@require_POST
def record_consent(request: HttpRequest, person_id: int) -> HttpResponse:
    """Write down what the customer agreed to or withdrew, now."""
    form = ConsentForm(request.POST)

    def act() -> None:
        told = form.cleaned_data
        clock = SystemClock()
        decision = ConsentDecision(
            person_id=person_id,
            channel=told["channel"],
            purpose=told["purpose"],
            granted=told["granted"] == "yes",
            at=clock.now(),
            source=told["source"],
            text_version=told["text_version"],
        )
        decide_consent(decision=decision, clock=clock, actor=acting_user(request))

    return _done(request, person_id, form, act, _("Recorded. It counts from this moment."))


@requires("customers.export")
@require_POST
@never_cache
def export(request: HttpRequest, person_id: int) -> HttpResponse:
    """Everything about the customer, unmasked, as a file; each export is in the audit log."""
    _check(person_id)
    document = export_customer(person_id=person_id, clock=SystemClock(), actor=acting_user(request))
    return json_response(f"customer_{document['customer']}.json", document)


@requires("customers.erase")
@require_POST
def erase(request: HttpRequest, person_id: int) -> HttpResponse:
    """Erase everything personal of the customer whose number was typed once more."""

    def act() -> None:
        erase_customer(person_id=person_id, clock=SystemClock(), actor=acting_user(request))

    if request.POST.get("confirm", "").strip().removeprefix("#") != str(person_id):
        _check(person_id)
        messages.error(
            request, _("Nothing was erased: type the customer's internal number, %(id)s.") % {"id": person_id}
        )
        return redirect("customers_detail", person_id)
    return _done(
        request,
        person_id,
        None,
        act,
        _("Erased. Copies of the database (backups, its own log) hold the customer until they expire."),
    )


def _done(
    request: HttpRequest, person_id: int, form: forms.Form | None, act: Callable[[], None], told: str
) -> HttpResponse:
    """Do it if the form is in order, say what came of it, and go back to the customer."""
    _check(person_id)
    if form is not None and not form.is_valid():
        for name, errors in form.errors.items():
            messages.error(request, f"{form.fields[name].label}: {errors[0]}")
    else:
        attempt(request, act, told)
    return redirect("customers_detail", customers_of([person_id])[person_id])


def attempt(request: HttpRequest, act: Callable[[], object], told: str) -> None:
    """Do it, and say on the next page that it is done, or why it was refused."""
    try:
        act()
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, told)


def _check(person_id: int) -> None:
    if find_person(person_id) is None:
        raise Http404


urlpatterns = [
    path("customers/<int:person_id>/join/", join, name="customers_join"),
    path("customers/<int:person_id>/consents/", record_consent, name="customers_consent"),
    path("customers/<int:person_id>/export/", export, name="customers_export"),
    path("customers/<int:person_id>/erase/", erase, name="customers_erase"),
]
