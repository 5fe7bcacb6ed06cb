"""The form of the brand's settings: JSON rules as fields that people fill in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from huitou.accounts.models import Brand, check_zone
from huitou.analytics.rules import Exclusions
from huitou.core.money import from_minor, to_minor

CURRENCIES = ("CNY", "HKD", "USD", "EUR", "GBP", "JPY")
# Metrics that a brand may set a target for here, all of them rates.
TARGETS: dict[str, str | Promise] = {
    "repurchase_rate": _("Repurchase rate of a month"),
    "repurchase_rate_90d": _("90-day repurchase rate"),
    "returning_buyer_share": _("Share of returning buyers"),
}
ORDER_TYPES = [("brushing", _("Brushing orders")), ("sample", _("Samples")), ("staff", _("Staff orders"))]


@dataclass(frozen=True)
class FieldGroup:
    """Fields under one heading."""

    title: str | Promise
    lead: str | Promise
    fields: list[forms.BoundField]


class BrandForm(forms.Form):
    """Settings of the brand. Lists are written one entry a line."""

    name = forms.CharField(label=_("Name"), max_length=100)
    zone = forms.CharField(
        label=_("Time zone"),
        validators=[check_zone],
        help_text=_("Days and months begin at midnight there, for example Asia/Shanghai."),
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=[(code, code) for code in CURRENCIES])
    order_types = forms.MultipleChoiceField(
        label=_("Kinds of order that are no purchase"),
        choices=ORDER_TYPES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    min_amount = forms.DecimalField(
        label=_("Smallest amount of a purchase"),
        min_value=Decimal(0),
        required=False,
        help_text=_("Orders below it are not counted. Empty: every positive amount counts."),
    )
    channels = forms.CharField(
        label=_("Channels that are not counted"),
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        help_text=_("One channel a line."),
    )
    skus = forms.CharField(
        label=_("Products that are not counted"),
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        help_text=_("One product code a line. An order of nothing else is no purchase."),
    )

    brand: Brand

    @classmethod
    def for_brand(cls, brand: Brand, data: Mapping[str, Any] | None) -> BrandForm:
        """The form filled with the brand's present settings, or with what was sent."""
        rules = Exclusions.from_json(brand.exclusions)
        minimum = rules.min_amount_minor
        initial = {
            "name": brand.name,
            "zone": brand.zone,
            "currency": brand.currency,
            "order_types": list(rules.order_types),
            "min_amount": None if minimum is None else from_minor(minimum, brand.currency),
            "channels": "\n".join(rules.channels),
            "skus": "\n".join(rules.skus),
        }
        for metric in TARGETS:
            target = brand.targets.get(metric)
            initial[f"target_{metric}"] = None if target is None else (Decimal(str(target)) * 100).normalize()
        form = cls(data, initial=initial)
        form.brand = brand
        for metric, label in TARGETS.items():
            form.fields[f"target_{metric}"] = forms.DecimalField(
                label=str(label), min_value=Decimal(0), max_value=Decimal(100), required=False, help_text=_("Per cent")
            )
        if brand.currency not in CURRENCIES:
            currency = form.fields["currency"]
            assert isinstance(currency, forms.ChoiceField), "declared above"
            currency.choices = [(code, code) for code in (brand.currency, *CURRENCIES)]
        return form

    @property
    def groups(self) -> list[FieldGroup]:
        """The fields in the order of the page."""
        return [
            FieldGroup(_("Brand"), "", [self[name] for name in ("name", "zone", "currency")]),
            FieldGroup(
                _("What is not a purchase"),
                _("Printed beside every figure, so that nobody has to ask what was left out."),
                [self[name] for name in ("order_types", "min_amount", "channels", "skus")],
            ),
            FieldGroup(
                _("Targets"), _("Shown as a line in the charts."), [self[f"target_{metric}"] for metric in TARGETS]
            ),
        ]

    def changes(self) -> dict[str, object]:
        """What `update_brand` takes. Rules that this form does not show stay as they are."""
        cleaned = self.cleaned_data
        currency = str(cleaned["currency"])
        before = Exclusions.from_json(self.brand.exclusions)
        minimum = to_minor(cleaned["min_amount"], currency) if cleaned["min_amount"] else None
        exclusions = Exclusions(
            min_amount_minor=minimum,
            order_types=tuple(cleaned["order_types"]),
            channels=_lines(cleaned["channels"]),
            skus=_lines(cleaned["skus"]),
            person_ids=before.person_ids,
        )
        targets = {name: target for name, target in self.brand.targets.items() if name not in TARGETS}
        for metric in TARGETS:
            if (percent := cleaned[f"target_{metric}"]) is not None:
                targets[metric] = float(percent / 100)
        return {
            "name": cleaned["name"],
            "zone": cleaned["zone"],
            "currency": currency,
            "exclusions": exclusions.to_json(),
            "targets": targets,
        }

    def clean_zone(self) -> str:
        zone = str(self.cleaned_data["zone"])
        if zone not in available_timezones():
            raise forms.ValidationError(_("%(name)s is not a time zone; write it like Asia/Shanghai.") % {"name": zone})
        return zone


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())
