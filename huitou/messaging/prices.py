"""What one message costs: a setting of an account, in minor units, the one source of previews and readouts."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.core.errors import DomainError
from huitou.sources.connectors.connector import MONEY, Setting

PRICE = "price_minor"
# Dearer than any message: a price in yuan with its point left out is caught sooner than a readout shows it.
MOST_MINOR = 10_000


class PriceInvalidError(DomainError):
    """A price that is no whole number of minor units, or that no message can have."""

    code = "price_invalid"
    status = 422


def price_setting(default: str = "0") -> Setting:
    """The setting that a channel lists whose messages may cost something."""
    return Setting(
        PRICE,
        gettext_lazy("Price of one message"),
        gettext_lazy("In the smallest unit of money, for previews and readouts."),
        form=MONEY,
        default=default,
        required=False,
    )


def check_price(settings: Mapping[str, str]) -> None:
    """Raises PriceInvalidError."""
    price = settings.get(PRICE) or "0"
    if not (price.isascii() and price.isdigit() and int(price) <= MOST_MINOR):
        raise PriceInvalidError(
            _("Write the price of one message in the smallest unit of money, such as 5; at most %(most)s.")
            % {"most": MOST_MINOR}
        )


def price_of(settings: Mapping[str, str], parts: int) -> int:
    """What a message costs that is billed as so many parts, in minor units; 0 where no price is set."""
    return int(settings.get(PRICE) or 0) * parts
