"""What a brand's settings must look like, checked before they are saved."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from huitou.accounts.models import Brand, check_zone
from huitou.analytics.rules import Exclusions, Thresholds
from huitou.core.errors import DomainError


class BrandInvalidError(DomainError):
    """A setting of the brand has a value that cannot be used."""

    code = "brand_invalid"


def check_brand(brand: Brand) -> None:
    """Raise BrandInvalidError unless every setting of `brand` can be used; says which one and how to write it."""
    if not brand.name.strip():
        raise BrandInvalidError(_("The brand needs a name."))
    try:
        check_zone(brand.zone)
    except ValidationError as error:
        raise BrandInvalidError(" ".join(error.messages)) from error
    if not re.fullmatch(r"[A-Z]{3}", brand.currency):
        raise BrandInvalidError(
            _("%(currency)s is not a currency code; write three capitals like CNY.") % {"currency": brand.currency}
        )
    _check_rules(brand)
    _check_targets(brand.targets)


def _check_rules(brand: Brand) -> None:
    try:
        Exclusions.from_json(brand.exclusions)
        Thresholds.from_json(brand.thresholds)
    except (ValueError, TypeError) as error:
        raise BrandInvalidError(_("The purchase rules cannot be read: %(why)s") % {"why": str(error)}) from error


def _check_targets(targets: object) -> None:
    if not isinstance(targets, dict):
        raise BrandInvalidError(_("Targets are one number per metric name."))
    for metric, value in targets.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BrandInvalidError(_("The target of %(metric)s must be a number.") % {"metric": str(metric)})
