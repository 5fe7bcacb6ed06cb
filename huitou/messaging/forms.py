"""Forms of channel accounts, of contact settings, and of a message by hand; made from what is declared."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.accounts.queries import find_brand
from huitou.core.money import exponent, from_minor, to_minor
from huitou.customers.portrait import CONSENT_CHANNELS, consent_words
from huitou.messaging.channel import CHANNELS, Channel, Setting
from huitou.messaging.content import MARKETING, SERVICE, Content, Words
from huitou.messaging.models import ChannelAccount, ContactPolicy
from huitou.messaging.prices import MOST_MINOR
from huitou.messaging.queries import list_accounts
from huitou.sources.connectors.connector import MONEY

_PREFIX = "s-"


class AccountForm(forms.Form):
    """Name, rate and the channel's settings. Secrets are taken and never given back."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    per_minute = forms.IntegerField(
        label=gettext_lazy("Messages per minute"),
        min_value=1,
        required=False,
        help_text=gettext_lazy("Leave it empty for no limit of ours."),
    )
    welcome_text = forms.CharField(
        label=gettext_lazy("Welcome message"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Sent to a customer who was just added; empty: nothing."),
    )

    def __init__(
        self, channel: Channel, data: Mapping[str, Any] | None, existing: ChannelAccount | None, held: tuple[str, ...]
    ) -> None:
        values = existing.settings if existing else {}
        brand = find_brand()
        self._currency = brand.currency if brand else "CNY"
        initial: dict[str, Any] = {
            _PREFIX + s.name: self._shown(s, values.get(s.name, s.default)) for s in channel.settings if not s.is_secret
        }
        if existing:
            initial["per_minute"] = existing.per_minute
            initial["welcome_text"] = existing.welcome.get("words", {}).get("zh", {}).get("text", "")
        super().__init__(data, initial=initial)
        if existing:
            del self.fields["name"]
        if not channel.welcomes or not existing:
            del self.fields["welcome_text"]
        if channel.by_hand:
            del self.fields["per_minute"]
        for setting in channel.settings:
            is_money = setting.form == MONEY
            name, is_held = _PREFIX + setting.name, setting.name in held
            self.fields[name] = _amount_field(setting, self._currency) if is_money else _field(setting, is_held=is_held)

    def _shown(self, setting: Setting, kept: str) -> str:
        """A kept setting as it is typed: amounts in the currency's own unit."""
        if setting.form != MONEY or not (kept.isascii() and kept.isdigit()):
            return kept
        return f"{from_minor(int(kept), self._currency):f}"

    def settings(self) -> dict[str, str]:
        """The settings as the service takes them, amounts in minor units."""
        given = self.cleaned_data.items()
        return {
            name.removeprefix(_PREFIX): str(to_minor(value, self._currency))
            if isinstance(value, Decimal)
            else str(value or "")
            for name, value in given
            if name.startswith(_PREFIX)
        }


def _amount_field(setting: Setting, currency: str) -> forms.Field:
    return forms.DecimalField(
        label=_("%(what)s (%(currency)s)") % {"what": setting.label, "currency": currency},
        required=setting.required,
        min_value=0,
        max_value=from_minor(MOST_MINOR, currency),
        decimal_places=exponent(currency),
        help_text=_("For previews and readouts."),
    )


def _field(setting: Setting, *, is_held: bool) -> forms.Field:
    hint = str(setting.hint)
    if setting.is_secret:
        kept = _("It is kept; fill this in only to replace it.") if is_held else ""
        return forms.CharField(
            label=str(setting.label),
            required=setting.required and not is_held,
            max_length=4000,
            help_text=" ".join(part for part in (hint, kept) if part),
            widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False),
        )
    if setting.name == "consent_channel":
        return forms.ChoiceField(
            label=str(setting.label), required=setting.required, choices=_consent_channels, help_text=hint
        )
    if setting.form == "choice":
        return forms.ChoiceField(
            label=str(setting.label), required=setting.required, choices=setting.choices, help_text=hint
        )
    return forms.CharField(label=str(setting.label), required=setting.required, max_length=4000, help_text=hint)


def _consent_channels() -> list[tuple[str, str]]:
    """Ways of contact for which consent is recorded; an account that was set up with another code keeps it."""
    words = consent_words()
    used = {row.get("consent_channel") for row in ChannelAccount.objects.values_list("settings", flat=True)}
    others = sorted(code for code in used if code and code not in CONSENT_CHANNELS)
    codes = [*CONSENT_CHANNELS, *others]
    return [(code, words.get(code, code)) for code in codes]


class PolicyForm(forms.Form):
    """How often and when customers may be contacted."""

    cap_day = forms.IntegerField(label=gettext_lazy("Contacts a day"), min_value=0, max_value=100)
    cap_week = forms.IntegerField(label=gettext_lazy("Contacts a week"), min_value=0, max_value=500)
    duplicate_days = forms.IntegerField(
        label=gettext_lazy("Days before the same content again"), min_value=0, max_value=3650
    )
    service_is_capped = forms.BooleanField(label=gettext_lazy("Service messages count and wait too"), required=False)
    service_is_held_out = forms.BooleanField(
        label=gettext_lazy("The global holdout gets no service messages either"), required=False
    )
    fatigue_is_on = forms.BooleanField(label=gettext_lazy("Contact less who does not respond"), required=False)
    fatigue_unanswered = forms.IntegerField(
        label=gettext_lazy("Lower after so many without a response"), min_value=1, max_value=1000
    )
    fatigue_gap_days = forms.IntegerField(
        label=gettext_lazy("Then one contact in so many days"), min_value=1, max_value=365
    )
    fatigue_stop_after = forms.IntegerField(
        label=gettext_lazy("Stop marketing after so many without a response"), min_value=1, max_value=1000
    )
    fatigue_optout_bp = forms.IntegerField(
        label=gettext_lazy("Stop all marketing at so many opt-outs in 10,000 contacts of 7 days"),
        min_value=0,
        max_value=10_000,
    )

    def __init__(self, policy: ContactPolicy, data: Mapping[str, Any] | None) -> None:
        initial: dict[str, Any] = {name: getattr(policy, name) for name in self.base_fields}
        for channel in CHANNELS:
            own = policy.quiet_hours.get(channel.kind)
            usual = [f"{each:%H:%M}" for each in channel.quiet_hours or ()]
            told = usual if own is None else own
            initial[f"quiet-{channel.kind}"] = "-".join(told)
        super().__init__(data, initial=initial)
        for channel in CHANNELS:
            if not channel.by_hand:
                self.fields[f"quiet-{channel.kind}"] = forms.RegexField(
                    r"^\s*(\d{1,2}:\d{2}\s*-\s*\d{1,2}:\d{2})?\s*$",
                    required=False,
                    label=_("Quiet hours: %(channel)s") % {"channel": channel.label},
                    help_text=_("Like 21:00-09:00; empty: none."),
                )
        for channel in CHANNELS:
            name = f"home-{channel.kind}"
            self.initial[name] = ", ".join(policy.home_channels.get(channel.kind, ()))
            self.fields[name] = forms.CharField(
                required=False,
                max_length=1000,
                label=_("Who buys in these sales channels hears first by: %(channel)s") % {"channel": channel.label},
                help_text=_(
                    "Codes as in the orders, separated by commas. Where the customer responds comes before it."
                ),
            )

    def changes(self) -> dict[str, Any]:
        """The settings as the service takes them."""
        told = {name: self.cleaned_data[name] for name in self.base_fields}
        quiet = {}
        for name, value in self.cleaned_data.items():
            if name.startswith("quiet-"):
                parts = [part.strip().zfill(5) for part in str(value or "").split("-") if part.strip()]
                quiet[name.removeprefix("quiet-")] = parts
        homes = {}
        for name, value in self.cleaned_data.items():
            if name.startswith("home-"):
                codes = dict.fromkeys(code.strip() for code in str(value or "").replace("，", ",").split(","))
                if kept := [code for code in codes if code]:
                    homes[name.removeprefix("home-")] = kept
        return told | {"quiet_hours": quiet, "home_channels": homes}


class MessageForm(forms.Form):
    """One message to one customer."""

    channel = forms.ChoiceField(label=gettext_lazy("Channel"))
    purpose = forms.ChoiceField(
        label=gettext_lazy("Purpose"),
        choices=[(MARKETING, gettext_lazy("marketing")), (SERVICE, gettext_lazy("service"))],
    )
    text = forms.CharField(label=gettext_lazy("Text"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))
    link = forms.CharField(
        label=gettext_lazy("Link"), max_length=2000, required=False, help_text=gettext_lazy("Goes out as a short link.")
    )

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        choices = [(f"{account.kind}/{account.name}", account.name) for account in list_accounts()]
        self.fields["channel"].choices = choices  # type: ignore[attr-defined]  # it is a ChoiceField

    def content(self) -> Content:
        """What the message says."""
        return Content({"zh": Words(text=self.cleaned_data["text"], link=self.cleaned_data["link"].strip())})
