"""Settings: channel accounts with a test button, and how often and when customers may be contacted."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.models import Brand
from huitou.accounts.queries import find_brand
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError
from huitou.messaging import accounts, operating
from huitou.messaging.channel import CHANNELS, find_channel
from huitou.messaging.content import Content, Words
from huitou.messaging.forms import AccountForm, PolicyForm
from huitou.messaging.models import ChannelAccount
from huitou.messaging.queries import channel_words, list_accounts
from huitou.messaging.rules import find_policy

_CLOCK = SystemClock()
_STATES = {
    "active": gettext_lazy("sends"),
    "paused": gettext_lazy("paused"),
    "stopped": gettext_lazy("refused by the provider"),
}
_TONES = {"active": "good", "paused": "", "stopped": "bad"}


@requires("settings.view", change="settings.write")
def show_channels(request: HttpRequest) -> HttpResponseBase:
    """Every account, what else can be set up, and the rules of contact with their form."""
    form = PolicyForm(find_policy(), request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            operating.change_policy(changes=form.changes(), clock=_CLOCK, actor=acting_user(request))
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved. It holds from the next message on."))
            return redirect("settings_channels")
    context = {
        "brand": find_brand() or Brand(),
        "rows": [_row(account) for account in list_accounts()],
        "channels": list(CHANNELS),
        "form": form,
    }
    return render(request, "messaging/channels.html", context, status=422 if form.errors else 200)


def _row(account: ChannelAccount) -> dict[str, Any]:
    return {
        "account": account,
        "label": channel_words(account.kind),
        "state": _STATES[account.state],
        "tone": _TONES[account.state],
        "error": f"{account.error_code} {account.error_detail}".strip(),
    }


@requires("settings.write")
def add_channel(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Set up an account of one channel."""
    channel = find_channel(kind)
    if channel is None:
        raise Http404
    form = AccountForm(channel, request.POST if request.method == "POST" else None, None, ())
    if request.method == "POST" and form.is_valid():
        try:
            made = accounts.create_account(
                kind=kind,
                name=form.cleaned_data["name"],
                settings=form.settings(),
                per_minute=form.cleaned_data.get("per_minute"),
                clock=_CLOCK,
                actor=acting_user(request),
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Set up. Test it before the first message goes out."))
            return redirect("settings_channel", made.pk)
    return render(
        request, "messaging/channel_new.html", {"channel": channel, "form": form}, status=422 if form.errors else 200
    )


@requires("settings.view", change="settings.write")
def show_channel(request: HttpRequest, account_id: int) -> HttpResponseBase:
    """One account: its state, its settings, a test."""
    account = get_object_or_404(ChannelAccount, pk=account_id)
    channel = find_channel(account.kind)
    if channel is None:
        raise Http404
    saving = request.method == "POST" and request.POST.get("action") == "save"
    form = AccountForm(channel, request.POST if saving else None, account, accounts.secrets_set(account))
    if request.method == "POST" and _act(request, account, form, saving=saving):
        return redirect("settings_channel", account.pk)
    context = {
        **_row(account),
        "brand": find_brand() or Brand(),
        "channel": channel,
        "form": form,
        "callback_url": accounts.callback_url(account) if channel.read_callback else "",
    }
    return render(request, "messaging/channel.html", context, status=422 if form.errors else 200)


def _act(request: HttpRequest, account: ChannelAccount, form: AccountForm, *, saving: bool) -> bool:
    """Do what a button says; False: show the form again with what is wrong."""
    asked: dict[str, Any] = {"account_id": account.pk, "clock": _CLOCK, "actor": acting_user(request)}
    action = request.POST.get("action", "")
    try:
        if saving:
            if not form.is_valid():
                return False
            rate = form.cleaned_data.get("per_minute")
            accounts.change_account(settings=form.settings(), per_minute=rate or 0, **asked)
            if "welcome_text" in form.fields:
                text = form.cleaned_data["welcome_text"].strip()
                operating.set_welcome(content=Content({"zh": Words(text=text)}) if text else None, **asked)
            messages.success(request, _("Saved."))
        elif action == "test":
            found = accounts.check_account(account_id=account.pk, clock=_CLOCK)
            (messages.success if found.ok else messages.error)(request, str(found.message))
        elif action == "pause":
            accounts.pause_account(**asked)
        elif action == "resume":
            accounts.resume_account(**asked)
    except DomainError as error:
        if saving:
            form.add_error(None, str(error))
            return False
        messages.error(request, str(error))
    return True


urlpatterns = [
    path("settings/channels/", show_channels, name="settings_channels"),
    path("settings/channels/new/<str:kind>/", add_channel, name="settings_channel_new"),
    path("settings/channels/<int:account_id>/", show_channel, name="settings_channel"),
]
